namespace Backhaul.Node.Hosting;

/// <summary>Why a node cannot start: one sentence for whoever starts it, and the exit code of the process.</summary>
[System.Diagnostics.CodeAnalysis.SuppressMessage("Design", "CA1064:Exceptions should be public", Justification = "It ends the process; nothing else catches it.")]
internal sealed class NodeStartException(int exitCode, string sentence, Exception? inner = null) : Exception(sentence, inner)
{
    public int ExitCode { get; } = exitCode;
}

/// <summary>Exit codes, after sysexits.h; documented in docs/operations.md.</summary>
internal static class ExitCodes
{
    /// <summary>An address or a service it needs cannot be had.</summary>
    public const int Unavailable = 69;

    /// <summary>A bug.</summary>
    public const int Software = 70;

    /// <summary>The node was declared dead, or its journal is another's: start it again. The same number as a bug, because the cure is the same.</summary>
    public const int Lost = 70;

    /// <summary>The data directory cannot be made or written.</summary>
    public const int CannotCreate = 73;

    /// <summary>The journal cannot be opened or read.</summary>
    public const int InputOutput = 74;

    /// <summary>The configuration is wrong.</summary>
    public const int Configuration = 78;
}

using Backhaul.Node.Sessions;

namespace Backhaul.Node.Routing;

/// <summary>
/// How much the commands hold that wait, or are on their way to other nodes: a number of them is no limit, because one may carry a thousand
/// tasks. Thread-safe.
/// </summary>
internal sealed class CommandMemory(long bytesMax)
{
    private const int PlainBytes = 512;
    private long _bytes;

    public bool TryTake(long bytes)
    {
        if (Interlocked.Add(ref _bytes, bytes) <= bytesMax)
            return true;
        Interlocked.Add(ref _bytes, -bytes);
        return false;
    }

    public void Give(long bytes) => Interlocked.Add(ref _bytes, -bytes);

    /// <summary>About what a command holds, without writing it: its texts, and a little for everything else.</summary>
    public static long SizeOf(SessionCommand command) => command switch
    {
        SessionCommand.AddTask add => PlainBytes + SizeOf(add.Spec),
        SessionCommand.AddTasks add => PlainBytes + add.Entries.Sum(static entry => SizeOf(entry.Spec)),
        SessionCommand.ChangeTask change => PlainBytes + (2L * (change.Change.Url?.Length ?? 0)) + SizeOf(change.Change.Headers),
        SessionCommand.Open open => PlainBytes + SizeOf(open.Configuration?.AdditionalHeaders),
        _ => PlainBytes,
    };

    private static long SizeOf(TaskSpec? spec) => spec is null
        ? PlainBytes
        : PlainBytes + (2L * (spec.Url.Length + (spec.Description?.Length ?? 0))) + SizeOf(spec.Headers);

    private static long SizeOf(IReadOnlyDictionary<string, string>? headers) =>
        headers is null ? 0 : headers.Sum(static header => 64 + (2L * (header.Key.Length + header.Value.Length)));
}

/// <summary>One command's part of it, taken once and given back at the end.</summary>
internal sealed class HeldCommand(CommandMemory memory, SessionCommand command) : IDisposable
{
    private long _bytes;

    public bool TryHold()
    {
        if (_bytes > 0)
            return true;
        var bytes = CommandMemory.SizeOf(command);
        if (!memory.TryTake(bytes))
            return false;
        _bytes = bytes;
        return true;
    }

    public void Dispose()
    {
        if (_bytes > 0)
            memory.Give(_bytes);
    }
}

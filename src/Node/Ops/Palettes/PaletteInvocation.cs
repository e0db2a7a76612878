using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using Backhaul.Protocol;

namespace Backhaul.Node.Ops.Palettes;

/// <summary>A command's words, sorted into arguments and switches and checked against its description.</summary>
internal sealed class PaletteInvocation(
    IPalette palette, PaletteCommand command, IReadOnlyDictionary<string, string> arguments, IReadOnlyDictionary<string, string> switches, bool json)
{
    public IPalette Palette { get; } = palette;
    public PaletteCommand Command { get; } = command;

    /// <summary>One JSON document on each line instead of columns.</summary>
    public bool Json { get; } = json;

    public string? Reason => Text("--reason");

    /// <summary>A required argument; the parser has seen to it.</summary>
    public string Argument(string name) => arguments[name];

    public string? Optional(string name) => arguments.GetValueOrDefault(name);

    public bool Flag(string name) => switches.ContainsKey(name);

    /// <summary>A switch's value, or its default.</summary>
    public string? Text(string name) =>
        switches.TryGetValue(name, out var value) ? value : Command.Switches.FirstOrDefault(s => s.Name == name)?.Default;

    /// <summary>A whole number within limits, or what is wrong with it.</summary>
    public long Number(string name, long min, long max)
    {
        var text = Text(name) ?? throw new InvalidOperationException($"{name} has neither a value nor a default.");
        return long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) && number >= min && number <= max
            ? number
            : throw new PaletteUsageException($"{name} is '{text}'. It is a whole number from {min} to {max}.");
    }

    /// <summary>The tenant of a list; null for those of every tenant.</summary>
    public TenantId? ListedTenant()
    {
        if (Flag("--all-tenants"))
            return null;
        return TenantId.TryParse(Text("--tenant"), out var named) ? named : throw new PaletteUsageException($"--tenant is '{Text("--tenant")}'. {TenantId.Rule}");
    }

    public SessionKey Session(string argument = "session")
    {
        var tenantText = Text("--tenant") ?? TenantId.Default.ToString();
        if (!TenantId.TryParse(tenantText, out var tenant))
            throw new PaletteUsageException($"--tenant is '{tenantText}'. {TenantId.Rule}");
        return SessionIdentifier.TryParse(Argument(argument), out var identifier)
            ? new SessionKey(tenant, identifier)
            : throw new PaletteUsageException($"'{Argument(argument)}' names no session. {SessionIdentifier.Rule}");
    }

    public TaskId Task(string argument = "task") =>
        TaskId.TryParse(Argument(argument), out var task)
            ? task
            : throw new PaletteUsageException($"'{Argument(argument)}' names no task. {TaskId.Rule}");
}

/// <summary>A word of the command is not what it should be. The message is the answer to the operator.</summary>
[SuppressMessage("Design", "CA1064:Exceptions should be public", Justification = "It never leaves the node: the edge answers with its message.")]
internal sealed class PaletteUsageException(string message) : Exception(message);

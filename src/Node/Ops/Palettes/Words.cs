namespace Backhaul.Node.Ops.Palettes;

/// <summary>Arguments and switches that several palettes share, so that the same word means the same everywhere.</summary>
internal static class Words
{
    public static readonly PaletteArgument Session = new("session", "The session's identifier.");
    public static readonly PaletteArgument Group = new("group", "The group's name.");
    public static readonly PaletteArgument Task = new("task", "The task's id.");
    public static readonly PaletteSwitch Tenant = new("--tenant", "Whose session it is.", "tenant") { Default = "default" };
    public static readonly PaletteSwitch AllTenants = new("--all-tenants", "Those of every tenant.");
    public static readonly PaletteSwitch Limit = new("--limit", "At most so many rows.", "rows") { Short = "-n", Default = "1000" };
    public static readonly PaletteSwitch After = new("--after", "Begin after this event number.", "number");

    public static readonly PaletteSwitch TaskState = new("--state", "Only tasks in this state, or with this outcome; live are all that have not ended.", "state")
    {
        Values = ["suspended", "waiting", "running", "canceling", "live", "completed", "succeeded", "failed", "cancelled", "expired"],
    };

    public static readonly PaletteSwitch Kind = new("--kind", "Only downloads or only uploads.", "kind") { Values = ["download", "upload"] };

    public static readonly PaletteSwitch Level = new("--level", "At least this severe.", "level") { Values = Levels, Default = "trace" };

    public static IReadOnlyList<string> Levels => ["trace", "debug", "information", "warning", "error", "critical", "none"];
}

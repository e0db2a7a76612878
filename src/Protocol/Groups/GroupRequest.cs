namespace Backhaul.Protocol;

/// <summary>How the tasks of a group run; every field is optional.</summary>
public sealed record GroupRequest
{
    /// <summary><c>parallel</c> (the default) or <c>serialized</c>: one at a time. Absent, a group that exists stays as it is.</summary>
    public string? Mode { get; init; }
}

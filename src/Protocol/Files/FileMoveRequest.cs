namespace Backhaul.Protocol;

/// <summary>Where a file goes: <c>POST /v1/files/{container}/{path}/move</c>.</summary>
public sealed record FileMoveRequest
{
    /// <summary>The new place; without a container, the one that the file lies in.</summary>
    public required FileReference Destination { get; init; }

    /// <summary>The session of a temporary result (a path that begins with <c>.backhaul/results/</c>); nothing for other files.</summary>
    public string? Session { get; init; }

    /// <summary>False: a file that lies at the destination is not replaced, and the call is refused. True when left out.</summary>
    public bool? Overwrite { get; init; }
}

using Backhaul.Protocol;

namespace Backhaul.Node.Sessions;

/// <summary>What kind of transfer. Persisted by number: append only.</summary>
internal enum TaskKind
{
    Download = 1,
    Upload = 2,
}

/// <summary>What to do when the origin's content changed while resuming. Persisted by number: append only.</summary>
internal enum SourceChangePolicy
{
    Restart = 1,
    Fail = 2,
    AcceptIfDigest = 3,
}

/// <summary>A validated task as a client asked for it; only the HTTP edge makes it.</summary>
internal sealed record TaskSpec
{
    /// <summary>Null: the session gives one out.</summary>
    public TaskId? Id { get; init; }
    public required TaskKind Kind { get; init; }
    public required string Url { get; init; }
    public required string Method { get; init; }
    public IReadOnlyDictionary<string, string>? Headers { get; init; }
    public FileReference? Source { get; init; }
    public FileReference? Destination { get; init; }
    public string? Description { get; init; }
    public bool Start { get; init; } = true;
    public double Priority { get; init; } = 0.5;
    public DateTimeOffset? EarliestBeginAt { get; init; }
    public DateTimeOffset? Deadline { get; init; }
    public ExpectedBytes? ExpectedBytes { get; init; }

    /// <summary>Lower-case hex.</summary>
    public string? Sha256 { get; init; }
    public IReadOnlyList<string>? AcceptStatus { get; init; }
    public RetryConfiguration? Retry { get; init; }
    public SourceChangePolicy SourceChange { get; init; } = SourceChangePolicy.Restart;
    public long? MaxBytes { get; init; }
}

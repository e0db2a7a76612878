namespace Backhaul.Protocol;

/// <summary>What a session's tasks have in common. Every field has a default; a re-attach with another configuration makes a new version.</summary>
public sealed record SessionConfiguration
{
    /// <summary>Headers of every request; a task's header of the same name replaces them.</summary>
    public IReadOnlyDictionary<string, string>? AdditionalHeaders { get; init; }

    /// <summary>Idle timer of an attempt, restarted by every byte. Default 60 s.</summary>
    public TimeSpan? RequestTimeout { get; init; }

    /// <summary>How long a task may take from its first start, not counting suspension. Default 7 days.</summary>
    public TimeSpan? ResourceTimeout { get; init; }

    /// <summary>Connections of this session to one host. Default 6, at most 64.</summary>
    public int? MaxConnectionsPerHost { get; init; }

    /// <summary>The container of files that name none. Default <c>default</c>; cannot change later.</summary>
    public string? Container { get; init; }

    /// <summary>Statuses besides 2xx whose body is a result, such as <c>"404"</c> or <c>"400-499"</c>.</summary>
    public IReadOnlyList<string>? AcceptStatus { get; init; }

    /// <summary>How failures are retried.</summary>
    public RetryConfiguration? Retry { get; init; }
}

/// <summary>Retry by time: exponential with full jitter between two bounds, until the task's resource time-out.</summary>
public sealed record RetryConfiguration
{
    /// <summary>Upper bound of the first wait. Default 1 s.</summary>
    public TimeSpan? First { get; init; }

    /// <summary>Upper bound of every wait. Default 5 min.</summary>
    public TimeSpan? Longest { get; init; }

    /// <summary>Statuses that are retried. Default 408 425 429 500 502 503 504.</summary>
    public IReadOnlyList<int>? Statuses { get; init; }
}

namespace Backhaul.Protocol;

/// <summary>A group of tasks as clients see it.</summary>
public sealed record GroupView
{
    /// <summary>Its name in the session.</summary>
    public required string Name { get; init; }

    /// <summary><c>parallel</c> or <c>serialized</c>.</summary>
    public required string Mode { get; init; }

    /// <summary>Its tasks by state; those that ended are counted until its next <c>groupCompleted</c>.</summary>
    public required TaskCounts Counts { get; init; }

    /// <summary>The task that starts next, of a serialized group in which none runs.</summary>
    public string? Next { get; init; }

    /// <summary>True on the answer that created it.</summary>
    public bool? Created { get; init; }
}

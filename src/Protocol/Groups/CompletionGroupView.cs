namespace Backhaul.Protocol;

/// <summary>A completion group: a set of tasks that is closed once, and says once that all of them have ended.</summary>
public sealed record CompletionGroupView
{
    /// <summary>Its name in the session.</summary>
    public required string Name { get; init; }

    /// <summary><c>open</c> takes tasks, <c>enabled</c> waits for their ends, <c>fired</c> has said so.</summary>
    public required string State { get; init; }

    /// <summary>Its tasks.</summary>
    public required CompletionCounts Counts { get; init; }

    /// <summary>The number of its <c>completionGroupFired</c>, once it fired.</summary>
    public long? Event { get; init; }

    /// <summary>True on the answer that created it.</summary>
    public bool? Created { get; init; }
}

/// <summary>Tasks of a completion group.</summary>
public sealed record CompletionCounts
{
    /// <summary>Not ended.</summary>
    public required long Left { get; init; }

    /// <summary>Ended well.</summary>
    public required long Succeeded { get; init; }

    /// <summary>Ended with an error.</summary>
    public required long Failed { get; init; }

    /// <summary>Ended by a cancel.</summary>
    public required long Cancelled { get; init; }

    /// <summary>Ended by their deadline.</summary>
    public required long Expired { get; init; }
}

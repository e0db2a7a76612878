using System.Text.Json.Serialization;

namespace Backhaul.Protocol;

/// <summary>A session as clients see it.</summary>
public sealed record SessionView
{
    /// <summary>Its name in the tenant.</summary>
    public required string Identifier { get; init; }

    /// <summary>1 for the first session of this name, one more after each invalidation.</summary>
    public required int Generation { get; init; }

    /// <summary><c>active</c>, <c>invalidating</c>, <c>invalidated</c> or <c>quarantined</c>.</summary>
    public required string State { get; init; }

    /// <summary>True on the answer that created it, absent otherwise.</summary>
    public bool? Created { get; init; }

    /// <summary>When it was created.</summary>
    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>The configuration in force for tasks created from now on.</summary>
    public required SessionConfiguration Configuration { get; init; }

    /// <summary>Its version, starting at 1.</summary>
    public required int ConfigurationVersion { get; init; }

    /// <summary>How many tasks are in which state, by state and, for ended ones, by outcome.</summary>
    public required TaskCounts Counts { get; init; }

    /// <summary>The number of the newest event.</summary>
    public required long LastEvent { get; init; }

    /// <summary>All events up to this number are acknowledged.</summary>
    public required long Acknowledged { get; init; }

    /// <summary>True while a client holds an event stream open, or waits for a page of events.</summary>
    public required bool Attached { get; init; }

    /// <summary>Notifications of tasks' ends that wait or were given up; absent when there are none.</summary>
    public NotificationsView? Notifications { get; init; }
}

/// <summary>Tasks of a session by state.</summary>
public sealed record TaskCounts
{
    /// <summary>Created or set not to run.</summary>
    public required long Suspended { get; init; }

    /// <summary>Ready or held back by a reason.</summary>
    public required long Waiting { get; init; }

    /// <summary>With an attempt under way.</summary>
    public required long Running { get; init; }

    /// <summary>On the way to <c>cancelled</c>.</summary>
    public required long Canceling { get; init; }

    /// <summary>Ended well.</summary>
    public required long Succeeded { get; init; }

    /// <summary>Ended with an error.</summary>
    public required long Failed { get; init; }

    /// <summary>Ended by a cancel.</summary>
    public required long Cancelled { get; init; }

    /// <summary>Ended by their deadline.</summary>
    public required long Expired { get; init; }
}

/// <summary>A launch, after its client said that it handled it.</summary>
public sealed record LaunchView
{
    /// <summary>Its number.</summary>
    public required long Number { get; init; }

    /// <summary>The number of the newest launch.</summary>
    public required long Newest { get; init; }

    /// <summary>True: it has ended.</summary>
    public required bool Completed { get; init; }
}

/// <summary>One row of the list of sessions; the counters are in the single view.</summary>
public sealed record SessionListItem
{
    /// <summary>Its name in the tenant.</summary>
    public required string Identifier { get; init; }

    /// <summary>Its generation.</summary>
    public required int Generation { get; init; }

    /// <summary><c>active</c>, <c>invalidating</c>, <c>invalidated</c> or <c>quarantined</c>.</summary>
    public required string State { get; init; }

    /// <summary>The number of its newest event.</summary>
    public required long LastEvent { get; init; }

    /// <summary>When it next has something to do by itself; absent while it may sleep.</summary>
    public DateTimeOffset? WakeAt { get; init; }
}

/// <summary>A page of a list.</summary>
/// <typeparam name="T">What it lists.</typeparam>
public sealed record Page<T>
{
    /// <summary>The rows.</summary>
    public required IReadOnlyList<T> Items { get; init; }

    /// <summary>The cursor of the next page, null (and written as such) on the last one.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.Never)]
    public string? Next { get; init; }
}

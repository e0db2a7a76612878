using System.Text.Json;

namespace Backhaul.Protocol;

/// <summary>A numbered fact of a session.</summary>
public sealed record EventView
{
    /// <summary>1, 2, 3 … without gaps; the de-duplication key.</summary>
    public required long Number { get; init; }

    /// <summary>One of <see cref="EventTypes"/>.</summary>
    public required string Type { get; init; }

    /// <summary>When it happened.</summary>
    public required DateTimeOffset At { get; init; }

    /// <summary>The task it is about.</summary>
    public string? Task { get; init; }

    /// <summary>What belongs to its type.</summary>
    public required JsonElement Data { get; init; }
}

/// <summary>A page of events.</summary>
public sealed record EventPage
{
    /// <summary>The events, in order.</summary>
    public required IReadOnlyList<EventView> Events { get; init; }

    /// <summary>The number of the session's newest event.</summary>
    public required long Last { get; init; }

    /// <summary>All events up to this number are acknowledged.</summary>
    public required long Acknowledged { get; init; }
}

/// <summary>An acknowledgement: cumulative and idempotent.</summary>
public sealed record AckRequest
{
    /// <summary>Everything up to this number was handled.</summary>
    public long? Through { get; init; }
}

/// <summary>The answer to an acknowledgement.</summary>
public sealed record AckView
{
    /// <summary>All events up to this number are acknowledged.</summary>
    public required long Acknowledged { get; init; }

    /// <summary>The number of the session's newest event.</summary>
    public required long Last { get; init; }
}

/// <summary>An unnumbered message on the stream: how far a running task is.</summary>
public sealed record ProgressView
{
    /// <summary>The task.</summary>
    public required string Task { get; init; }

    /// <summary>Its bytes.</summary>
    public required TaskProgress Progress { get; init; }
}

/// <summary>The types of numbered events.</summary>
public static class EventTypes
{
    /// <summary>The session exists; also the first event of a new generation.</summary>
    public const string SessionCreated = "sessionCreated";

    /// <summary>A task was accepted.</summary>
    public const string TaskCreated = "taskCreated";

    /// <summary>An attempt of a task started.</summary>
    public const string TaskStarted = "taskStarted";

    /// <summary>A task cannot run now; the data has the reason and when it is looked at again.</summary>
    public const string TaskWaiting = "taskWaiting";

    /// <summary>A server or a proxy asked for credentials that the session does not have; the task waits for them.</summary>
    public const string Challenge = "challenge";

    /// <summary>The client is asked whether a task may start; the data has until when, and what holds without an answer.</summary>
    public const string DelayedRequest = "delayedRequest";

    /// <summary>An attempt goes on from bytes that were kept.</summary>
    public const string Resumed = "resumed";

    /// <summary>A download starts again from zero; the data says why.</summary>
    public const string Restarted = "restarted";

    /// <summary>A redirect was followed.</summary>
    public const string Redirected = "redirected";

    /// <summary>A task's bytes are far more than its client expected.</summary>
    public const string ExpectationExceeded = "expectationExceeded";

    /// <summary>A task that has not ended nears its deadline; the data says how far it is.</summary>
    public const string DeadlineNear = "deadlineNear";

    /// <summary>More bytes of a download with random access are there; the data has their ranges.</summary>
    public const string RangesDownloaded = "rangesDownloaded";

    /// <summary>A download's file is in place.</summary>
    public const string TaskFinishedFile = "taskFinishedFile";

    /// <summary>The one final event of a task.</summary>
    public const string TaskCompleted = "taskCompleted";

    /// <summary>All tasks of a group have ended; the data counts them by outcome.</summary>
    public const string GroupCompleted = "groupCompleted";

    /// <summary>All tasks of an enabled completion group have ended; the data counts them by outcome.</summary>
    public const string CompletionGroupFired = "completionGroupFired";

    /// <summary>Everything before it was acknowledged and no task is left.</summary>
    public const string EventsDrained = "eventsDrained";

    /// <summary>The last event of a session.</summary>
    public const string SessionInvalidated = "sessionInvalidated";

    /// <summary>Events were removed unacknowledged because their retention ended.</summary>
    public const string EventsExpired = "eventsExpired";

    /// <summary>The session was set aside because its history cannot be read.</summary>
    public const string Quarantined = "quarantined";
}

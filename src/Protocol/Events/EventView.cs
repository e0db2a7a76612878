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
#pragma warning disable CS1591 // each name says what happened; docs/protocol.md lists their data
    public const string SessionCreated = "sessionCreated";
    public const string TaskCreated = "taskCreated";
    public const string TaskStarted = "taskStarted";
    public const string TaskWaiting = "taskWaiting";
    public const string Resumed = "resumed";
    public const string Restarted = "restarted";
    public const string Redirected = "redirected";
    public const string TaskFinishedFile = "taskFinishedFile";
    public const string TaskCompleted = "taskCompleted";
    public const string EventsDrained = "eventsDrained";
    public const string SessionInvalidated = "sessionInvalidated";
    public const string EventsExpired = "eventsExpired";
    public const string Quarantined = "quarantined";
#pragma warning restore CS1591
}

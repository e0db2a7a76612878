using Backhaul.Protocol;

namespace Backhaul.Client;

/// <summary>What else a reader of events wants to hear.</summary>
public sealed record EventStreamOptions
{
    /// <summary>Called for each progress message. Progress has no number, is not repeated, and may be skipped at will.</summary>
    public Action<ProgressView>? Progress { get; init; }

    /// <summary>Called when the connection was lost and will be made anew; for logs.</summary>
    public Action<EventStreamInterruption>? Interrupted { get; init; }

    /// <summary>True ends <see cref="BackgroundSession.RunAsync"/> after <c>eventsDrained</c>: all tasks have ended and all events are handled. One that other tasks follow ends nothing.</summary>
    public bool StopWhenDrained { get; init; }
}

/// <summary>The connection of an event stream was lost; nothing is missed by it.</summary>
/// <param name="Reason">Why, as a sentence.</param>
/// <param name="Last">The number of the last event that was read.</param>
/// <param name="Wait">How long the stream waits before it connects again.</param>
public sealed record EventStreamInterruption(string Reason, long Last, TimeSpan Wait);

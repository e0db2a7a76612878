using Backhaul.Protocol;

namespace Backhaul.Node.Delivery;

/// <summary>Where events are read: the session, wherever its owner is. What it has numbered is durable.</summary>
internal interface IEventSource
{
    ValueTask<EventReading> ReadAsync(SessionKey session, long after, int limit, CancellationToken stop);
}

/// <summary>What became of reading a page.</summary>
internal abstract record EventReading
{
    private EventReading()
    {
    }

    /// <param name="Json">The page as it goes over the wire.</param>
    internal sealed record Page(EventPage Events, ReadOnlyMemory<byte> Json) : EventReading;

    /// <summary>There is no such session, or it cannot be read so; asking again does not help.</summary>
    internal sealed record Refused(Problem Problem) : EventReading;

    /// <summary>The session does not answer now.</summary>
    internal sealed record NotNow(Problem Problem, TimeSpan RetryAfter) : EventReading;
}

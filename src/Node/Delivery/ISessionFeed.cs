using Backhaul.Protocol;

namespace Backhaul.Node.Delivery;

/// <summary>
/// From sessions to whoever listens on this node. Nothing is kept here: events are read from the journal, this only says that there
/// are some, and carries progress, which is never journaled.
/// </summary>
internal interface ISessionFeed
{
    /// <summary>Events up to this number are durable.</summary>
    void Published(SessionKey session, long lastNumber);

    /// <summary>A running task moved.</summary>
    void Progress(SessionKey session, ProgressView progress);

    /// <summary>The session's actor stopped (passivation, move): streams ask again.</summary>
    void Closed(SessionKey session);

    /// <summary>True while a client holds a stream of this session open or waits for a page of it, here or by another node that listens for it.</summary>
    bool IsAttached(SessionKey session);

    /// <summary>Until disposed, <paramref name="changed"/> is called whenever a client attached or left, on any thread. One for each session: its actor's.</summary>
    IDisposable OnAttachment(SessionKey session, Action changed);
}

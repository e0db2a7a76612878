using Backhaul.Protocol;

namespace Backhaul.Node.Delivery;

/// <summary>
/// Hears who listens on this node, so that news of sessions that other nodes own can be fetched for them. It brings them by calling the
/// feed as the session's own actor would: whoever listens does not see where a session is.
/// </summary>
internal interface IFeedWatch
{
    void Subscribed(SessionKey session);

    /// <summary>Once for each <see cref="Subscribed"/>, in any order with other listeners' calls.</summary>
    void Unsubscribed(SessionKey session);

    /// <summary>The session left this node, or somebody attached: look again.</summary>
    void Wake(SessionKey session);
}

using Backhaul.Node.Delivery;
using Backhaul.Protocol;

namespace Backhaul.Simulation.Tests.Nodes;

/// <summary>A mutant: sessions do not tell whoever listens that there is something new.</summary>
internal sealed class SilentFeed(SessionFeed feed) : ISessionFeed
{
    public void Published(SessionKey session, long lastNumber)
    {
    }

    public void Progress(SessionKey session, ProgressView progress) => feed.Progress(session, progress);

    public void Closed(SessionKey session) => feed.Closed(session);

    public bool IsAttached(SessionKey session) => feed.IsAttached(session);

    public IDisposable OnAttachment(SessionKey session, Action changed) => feed.OnAttachment(session, changed);
}

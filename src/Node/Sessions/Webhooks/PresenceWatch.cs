using Backhaul.Node.Delivery;
using Backhaul.Protocol;

namespace Backhaul.Node.Sessions;

/// <summary>
/// Whether a client is there, as the feed of this node has it: its own streams and polls, and those that other nodes hold for it. Looked at in each turn; a
/// change brings one. After a load, and after a client left, it is quiet for a while: streams break and come back.
/// </summary>
internal sealed class PresenceWatch(ISessionFeed feed, SessionKey session, TimeSpan grace)
{
    private bool _wasAttached;
    private volatile bool _came;

    public Presence Now { get; private set; } = Presence.Nobody;

    public void Loaded(bool isNew, DateTimeOffset at) => Now = isNew ? Presence.Nobody : Presence.Nobody with { QuietUntil = at + grace };

    /// <summary>Somebody attached or left; on any thread. A poll that is answered at once is over before anybody looks.</summary>
    public void Changed() => _came |= feed.IsAttached(session);

    /// <summary>True when somebody attached since the last look.</summary>
    public bool Look(DateTimeOffset at)
    {
        var isAttached = feed.IsAttached(session);
        var came = _came || (isAttached && !_wasAttached);
        _came = false;
        if (isAttached)
            Now = Now with { IsAttached = true };
        else if (_wasAttached || came)
            Now = new Presence(false, at + grace, at);
        came &= !_wasAttached;
        _wasAttached = isAttached;
        return came;
    }

    /// <summary>It opened the session: it is there, and may be about to attach.</summary>
    public void Seen(DateTimeOffset at) => Now = Now with { QuietUntil = at + grace };
}

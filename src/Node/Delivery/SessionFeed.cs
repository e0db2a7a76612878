using System.Collections.Concurrent;
using Backhaul.Protocol;

namespace Backhaul.Node.Delivery;

/// <summary>
/// Wakes whoever listens to a session on this node. Sessions tell it after each commit; streams and waiting polls subscribe.
/// <code>
///   SessionActor ──Published, Progress, Closed──► SessionFeed ──signal──► FeedSubscription ──► EventStream, EventPoll
/// </code>
/// Nothing is stored and nobody waits for a reader: a subscription holds a count of what happened and the newest progress of a bounded
/// number of tasks, so a reader that stands still costs a constant. Reading what happened is the reader's, from the journal.
/// </summary>
internal sealed class SessionFeed(DeliveryOptions options) : ISessionFeed
{
    private readonly ConcurrentDictionary<SessionKey, Listeners> _sessions = new();
    private readonly ConcurrentDictionary<SessionKey, AttachmentWatch> _watches = new();
    private readonly Lock _gate = new();
    private readonly Dictionary<TenantId, int> _ofTenant = [];
    private int _subscriptions;

    /// <summary>Told of every listener of this node's clients, in a cluster: their sessions may be on other nodes. Set once, before the first.</summary>
    public IFeedWatch? Watch { get; set; }

    /// <summary>Null when the node has as many as it takes, of all tenants or of this one.</summary>
    public FeedSubscription? Subscribe(SessionKey session)
    {
        var subscription = Add(session, forPeer: false);
        if (subscription is not null)
            Watch?.Subscribed(session);
        return subscription;
    }

    /// <summary>Another node listens for its own clients: it looks for the session's owner itself.</summary>
    public FeedSubscription? SubscribeForPeer(SessionKey session) => Add(session, forPeer: true);

    private FeedSubscription? Add(SessionKey session, bool forPeer)
    {
        if (!TryTakePlace(session.Tenant))
            return null;
        var subscription = new FeedSubscription(this, session, options.ProgressTasksMax, forPeer);
        while (!_sessions.GetOrAdd(session, static _ => new Listeners()).TryAdd(subscription))
        {
            // The last listener left in between, and took the list with it.
        }
        return subscription;
    }

    private bool TryTakePlace(TenantId tenant)
    {
        lock (_gate)
        {
            var taken = _ofTenant.GetValueOrDefault(tenant);
            if (_subscriptions >= options.SubscriptionsMax || taken >= options.ReadSubscriptionsPerTenantMax())
                return false;
            _ofTenant[tenant] = taken + 1;
            _subscriptions++;
            return true;
        }
    }

    private void ReturnPlace(TenantId tenant)
    {
        lock (_gate)
        {
            _subscriptions--;
            if (--_ofTenant[tenant] == 0)
                _ofTenant.Remove(tenant);
        }
    }

    public void Published(SessionKey session, long lastNumber)
    {
        foreach (var subscription in Of(session))
            subscription.Published();
    }

    public void Progress(SessionKey session, ProgressView progress)
    {
        foreach (var subscription in Of(session))
            subscription.Progress(progress);
    }

    public void Closed(SessionKey session)
    {
        foreach (var subscription in Of(session))
            subscription.Closed();
        Watch?.Wake(session);
    }

    /// <summary>A listener of this node's clients holds a stream open now.</summary>
    internal void Attached(FeedSubscription subscription)
    {
        if (!subscription.IsForPeer)
            Watch?.Wake(subscription.Session);
        TellWatch(subscription.Session);
    }

    public IDisposable OnAttachment(SessionKey session, Action changed)
    {
        var watch = new AttachmentWatch(_watches, session, changed);
        _watches[session] = watch; // the actor before, if it is still stopping, has no use for its own any more
        return watch;
    }

    private void TellWatch(SessionKey session)
    {
        if (_watches.TryGetValue(session, out var watch))
            watch.Changed();
    }

    public bool IsAttached(SessionKey session)
    {
        foreach (var subscription in Of(session))
        {
            if (subscription.IsAttached)
                return true;
        }
        return false;
    }

    internal void Remove(FeedSubscription subscription)
    {
        if (_sessions.TryGetValue(subscription.Session, out var listeners) && listeners.RemoveAndCloseIfLast(subscription))
            _sessions.TryRemove(KeyValuePair.Create(subscription.Session, listeners));
        ReturnPlace(subscription.Session.Tenant);
        if (!subscription.IsForPeer)
            Watch?.Unsubscribed(subscription.Session);
        if (subscription.IsAttached)
            TellWatch(subscription.Session);
    }

    private ReadOnlySpan<FeedSubscription> Of(SessionKey session) =>
        _sessions.TryGetValue(session, out var listeners) ? listeners.Present : default;

    private sealed class AttachmentWatch(ConcurrentDictionary<SessionKey, AttachmentWatch> watches, SessionKey session, Action changed) : IDisposable
    {
        public void Changed() => changed();

        public void Dispose() => watches.TryRemove(KeyValuePair.Create(session, this));
    }

    /// <summary>Copied on change, so that telling them takes no lock.</summary>
    private sealed class Listeners
    {
        private readonly Lock _gate = new();
        private volatile FeedSubscription[] _present = [];
        private bool _closed;

        public FeedSubscription[] Present => _present;

        public bool TryAdd(FeedSubscription subscription)
        {
            lock (_gate)
            {
                if (!_closed)
                    _present = [.. _present, subscription];
                return !_closed;
            }
        }

        public bool RemoveAndCloseIfLast(FeedSubscription subscription)
        {
            lock (_gate)
            {
                _present = [.. _present.Where(present => !ReferenceEquals(present, subscription))];
                _closed = _present.Length == 0;
                return _closed;
            }
        }
    }
}

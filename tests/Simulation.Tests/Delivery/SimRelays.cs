using Backhaul.Node.Delivery;
using Backhaul.Node.Routing;
using Backhaul.Protocol;
using Backhaul.Simulation.Tests.Network;
using Backhaul.World;

namespace Backhaul.Simulation.Tests.Delivery;

/// <summary>
/// In the place of FeedRelays, whose HTTP is not simulated, with its promise: who listens to a session here is told when there may be news of it, wherever its
/// owner is, at the latest after a look that comes every few seconds; and the owner knows whether somebody is attached here.
/// </summary>
internal sealed class SimRelays(SessionFeed feed, LocalCommands local, OwnerDirectory owners, SimNetwork network, VirtualProcess process, string self) : IFeedWatch
{
    private static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan HeardFor = TimeSpan.FromSeconds(9);
    private static readonly TimeSpan SentAgainEvery = TimeSpan.FromSeconds(1);

    private readonly Dictionary<SessionKey, Relay> _relays = [];
    private readonly Dictionary<(string Peer, SessionKey Session), Listener> _listeners = [];

    public void Subscribed(SessionKey session)
    {
        if (_relays.TryGetValue(session, out var present))
        {
            present.Listeners++;
            return;
        }
        var relay = new Relay { Listeners = 1 };
        _relays.Add(session, relay);
        process.Start(() => TendAsync(session, relay));
    }

    public void Unsubscribed(SessionKey session)
    {
        if (!_relays.TryGetValue(session, out var relay))
            return;
        if (--relay.Listeners == 0)
            _relays.Remove(session);
        relay.Wake();
    }

    public void Wake(SessionKey session)
    {
        if (_relays.TryGetValue(session, out var relay))
            relay.Wake();
    }

    private async Task TendAsync(SessionKey session, Relay relay)
    {
        Owner? followed = null;
        var wasAttached = false;
        while (relay.Listeners > 0)
        {
            var owner = local.Stays(session) ? null : owners.Find(local.ShardOf(session));
            if (owner is null && !local.Stays(session))
                owners.Refresh();
            var isAttached = feed.IsAttached(session);
            if (owner != followed || owner is null || isAttached != wasAttached)
                feed.Published(session, 0); // what was said to nobody is found by looking
            if (followed is not null && owner != followed)
                Tell(followed, session, isListening: false, isAttached: false);
            if (owner is not null)
                Tell(owner, session, isListening: true, isAttached);
            (followed, wasAttached) = (owner, isAttached);
            await relay.WaitAsync(LookEvery, process.Clock);
        }
        if (followed is not null)
            Tell(followed, session, isListening: false, isAttached: false);
    }

    /// <summary>Over the network; nobody hears whether it came.</summary>
    private void Tell(Owner owner, SessionKey session, bool isListening, bool isAttached) => network.Wires.Start(async () =>
    {
        await Task.Delay(network.TravelTime(), network.Wires.Clock);
        if (network.IsCut(self, owner.Address) || network.Random.Chance(network.Trouble) || network.At(owner.Address) is not { Relays: { } relays } there || there.Id != owner.Node)
            return;
        there.Process.Start(() =>
        {
            relays.Heard(self, session, isListening, isAttached);
            return Task.CompletedTask;
        });
    });

    /// <summary>At the owner: a peer's clients listen, or do not any more.</summary>
    private void Heard(string peer, SessionKey session, bool isListening, bool isAttached)
    {
        if (!isListening || !local.Stays(session))
        {
            End(peer, session);
            return;
        }
        if (_listeners.TryGetValue((peer, session), out var known) && known.Subscription.IsAttached == isAttached)
        {
            known.HeardAt = process.Clock.GetTimestamp();
            return;
        }
        End(peer, session);
        if (feed.SubscribeForPeer(session) is not { } subscription)
            return;
        if (isAttached)
            subscription.Attach();
        var listener = new Listener(subscription) { HeardAt = process.Clock.GetTimestamp() };
        _listeners[(peer, session)] = listener;
        process.Start(() => FollowAsync(peer, session, listener));
        TellNews(peer, session);
    }

    private void Published(SessionKey session) => feed.Published(session, 0);

    private async Task FollowAsync(string peer, SessionKey session, Listener listener)
    {
        await using var beat = process.Clock.CreateTimer(_ => listener.Subscription.Pulse(), null, LookEvery, LookEvery);
        while (!listener.IsOver)
        {
            if (!local.Stays(session) || process.Clock.GetElapsedTime(listener.HeardAt) > HeardFor)
                End(peer, session);
            else if (listener.Subscription.TakeNews() | listener.Subscription.TakeClosed())
                TellNews(peer, session);
            await listener.Subscription.WaitAsync(wantsProgress: false);
        }
    }

    private void End(string peer, SessionKey session)
    {
        if (!_listeners.Remove((peer, session), out var listener))
            return;
        listener.IsOver = true;
        listener.Subscription.Pulse();
        listener.Subscription.Dispose();
    }

    /// <summary>
    /// On a connection: what does not come through is sent again, as long as the connection stands. The peer still says that it listens when only this
    /// direction is cut, and so has no reason to look.
    /// </summary>
    private void TellNews(string peer, SessionKey session) => network.Wires.Start(async () =>
    {
        await Task.Delay(network.TravelTime(), network.Wires.Clock);
        while (network.IsCut(self, peer))
            await Task.Delay(SentAgainEvery, network.Wires.Clock);
        if (network.At(peer) is not { Relays: { } relays } there)
            return;
        there.Process.Start(() =>
        {
            relays.Published(session);
            return Task.CompletedTask;
        });
    });

    private sealed class Relay
    {
        private TaskCompletionSource? _waiting;

        public int Listeners { get; set; }

        public void Wake() => _waiting?.TrySetResult();

        public async Task WaitAsync(TimeSpan atMost, TimeProvider time)
        {
            var waiting = _waiting = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            await using (time.CreateTimer(static waiting => ((TaskCompletionSource)waiting!).TrySetResult(), waiting, atMost, Timeout.InfiniteTimeSpan))
                await waiting.Task;
        }
    }

    private sealed class Listener(FeedSubscription subscription)
    {
        public FeedSubscription Subscription { get; } = subscription;

        public long HeardAt { get; set; }

        public bool IsOver { get; set; }
    }
}

using Backhaul.Node.Actors;
using Backhaul.Node.Transfers;

namespace Backhaul.Node.Sessions;

/// <summary>Takes a slot for each task that is ready, as many as the limits allow, and has the session woken when one is free for those that got none.</summary>
internal sealed class SlotSeeker(SessionEnvironment environment, Session session, StartConditions conditions)
{
    private readonly HashSet<string> _refusedHosts = new(StringComparer.OrdinalIgnoreCase);
    private volatile bool _slotsMayBeFree;

    /// <summary>One start after the other: each is to be applied before the next is looked for.</summary>
    public IEnumerable<(TaskStarted Started, SlotLease Slot)> Take(DateTimeOffset now, ActorRef<SessionMessage> self)
    {
        if (_slotsMayBeFree)
        {
            _slotsMayBeFree = false;
            _refusedHosts.Clear();
        }
        var perHost = session.Configurations.Current.MaxConnectionsPerHost!.Value;
        var mustWait = false;
        Dictionary<StartTerms, bool> open = session.Tasks.Ready.Terms.ToDictionary(terms => terms, terms => conditions.HoldOf(terms) is null);
        while (session.Tasks.Ready.TryPeek(perHost, _refusedHosts, out var id, out var host, terms => open[terms]))
        {
            if (environment.Slots.Take(session.Key, host, 1, perHost) == 0)
            {
                mustWait = true;
                _refusedHosts.Add(host);
                if (environment.Slots.Use is var use && use.Running >= use.RunningMax)
                    break;
                continue;
            }
            yield return (AttemptDecider.Start(session, id, now), new SlotLease(environment.Slots, session.Key, host));
        }
        if (mustWait)
            Wait(self);
    }

    /// <summary>Only after every host was tried: waiting gives an offered slot to the next in line.</summary>
    private void Wait(ActorRef<SessionMessage> self) => environment.Slots.NotifyWhenFree(session.Key, () =>
    {
        _slotsMayBeFree = true;
        self.TryPost(new SessionMessage.Wake()); // a full mailbox brings a turn anyway
    });
}

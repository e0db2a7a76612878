using Backhaul.Node.Actors;
using Backhaul.Node.Transfers;

namespace Backhaul.Node.Sessions;

/// <summary>
/// Takes a slot for each task that is ready and whose terms the conditions meet, as many as the limits allow, and has the session woken when one is free for
/// those that got none. Unconstrained tasks are looked at first, because the session's connections to a host do not limit them and are there for the others
/// all the same; discretionary ones come after all others.
/// </summary>
internal sealed class SlotSeeker(SessionEnvironment environment, Session session, StartConditions conditions)
{
    /// <summary>More than a turn's worth of slots is not kept for a session: what it does not use lies idle until its turn.</summary>
    private const int WantedMax = 16;

    private readonly HashSet<string> _refusedHosts = new(StringComparer.OrdinalIgnoreCase);
    private readonly HashSet<string> _refusedToUnconstrained = new(StringComparer.OrdinalIgnoreCase);
    private volatile bool _slotsMayBeFree;

    private enum Kind
    {
        Unconstrained,
        Usual,
        Discretionary,
    }

    /// <summary>One start after the other: each is to be applied before the next is looked for.</summary>
    public IEnumerable<(TaskStarted Started, SlotLease Slot)> Take(DateTimeOffset now, ActorRef<SessionMessage> self)
    {
        var wasTold = _slotsMayBeFree;
        if (wasTold)
        {
            _slotsMayBeFree = false;
            _refusedHosts.Clear();
            _refusedToUnconstrained.Clear();
        }
        Dictionary<StartTerms, bool> open = [];
        var mustWait = false;
        foreach (var kind in (Kind[])[Kind.Unconstrained, Kind.Usual, Kind.Discretionary])
        {
            var perHost = kind is Kind.Unconstrained ? int.MaxValue : session.Configurations.Current.MaxConnectionsPerHost!.Value;
            var refused = kind is Kind.Unconstrained ? _refusedToUnconstrained : _refusedHosts;
            while (session.Tasks.Ready.TryPeek(perHost, refused, out var id, out var host, terms => KindOf(terms) == kind && IsOpen(terms)))
            {
                var places = kind is Kind.Unconstrained ? environment.Conditions.Unconstrained : null;
                var wasKept = false;
                if (places?.TryTake(session.Key, () => self.TryPost(new SessionMessage.Wake()), out wasKept) == false)
                    break;
                if (environment.Slots.Take(session.Key, host, 1, perHost, kind is Kind.Discretionary) == 0)
                {
                    places?.ReturnUnused(session.Key, wasKept);
                    mustWait = true;
                    var isFull = IsFull(kind);
                    if (kind is not Kind.Discretionary || !isFull)
                        refused.Add(host); // a load that is too high for discretionary tasks is no reason for others
                    if (isFull)
                        break;
                    continue;
                }
                yield return (AttemptDecider.Start(session, id, now), new SlotLease(environment.Slots, session.Key, host, places));
            }
        }
        environment.Conditions.Unconstrained.Decline(session.Key); // every task that could start was looked at
        if (mustWait)
            Wait(self);
        else if (wasTold)
            environment.Slots.Decline(session.Key);

        bool IsOpen(StartTerms terms)
        {
            if (!open.TryGetValue(terms, out var isOpen))
                open[terms] = isOpen = conditions.HoldOf(terms, now) is null;
            return isOpen;
        }
    }

    private static Kind KindOf(StartTerms terms) => terms.Unconstrained ? Kind.Unconstrained : terms.Discretionary ? Kind.Discretionary : Kind.Usual;

    /// <summary>No other host would help.</summary>
    private bool IsFull(Kind kind)
    {
        var use = environment.Slots.Use;
        return use.Running >= use.RunningMax || (kind is Kind.Discretionary && (use.IsWanted || use.Running >= use.DiscretionaryMax));
    }

    /// <summary>Only after every host was tried: waiting gives an offered slot to the next in line.</summary>
    private void Wait(ActorRef<SessionMessage> self) => environment.Slots.NotifyWhenFree(
        session.Key,
        () =>
        {
            _slotsMayBeFree = true;
            self.TryPost(new SessionMessage.Wake()); // a full mailbox brings a turn anyway
        },
        Math.Clamp(session.Tasks.Ready.Count, 1, WantedMax),
        ServiceTypes.WeightOf(session.Configurations.Current));
}

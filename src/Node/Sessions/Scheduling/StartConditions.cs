using Backhaul.Node.Actors;
using Backhaul.Node.Transfers.Conditions;
using Backhaul.Protocol;

namespace Backhaul.Node.Sessions;

/// <summary>
/// The conditions of the node as a session's tasks meet them: whether tasks of some terms may start now, and which running ones may not go on. The session
/// is woken when they change, so that nothing is looked at in between.
/// </summary>
internal sealed class StartConditions : IDisposable
{
    private readonly NodeConditions _node;
    private readonly Session _session;
    private readonly TimeProvider _time;
    private readonly Func<Presence> _presence;
    private readonly IDisposable _listening;
    private NetworkState _seen = NetworkState.Good;
    private bool _wasGone;

    /// <param name="environment">Of the session.</param>
    /// <param name="session">Whose tasks they are.</param>
    /// <param name="self">Is woken.</param>
    /// <param name="presence">Whether a client is there; a change brings a turn.</param>
    public StartConditions(SessionEnvironment environment, Session session, ActorRef<SessionMessage> self, Func<Presence> presence)
    {
        (_node, _session, _time, _presence) = (environment.Conditions, session, environment.Time, presence);
        _listening = _node.Listen(() => self.TryPost(new SessionMessage.Wake())); // a full mailbox brings a turn anyway
    }

    public StartHold? HoldOf(TaskState task)
    {
        var hold = HoldOf(_session.Tasks.TermsOf(task), _time.GetUtcNow());
        return hold is { Reason: WaitReasons.Discretionary } && _session.Tasks.UrgentAt(task) is { } urgent && !(hold.Until < urgent) ? hold with { Until = urgent } : hold;
    }

    public StartHold? HoldOf(StartTerms terms, DateTimeOffset now) =>
        NetworkRules.Hold(terms, _node.Network) ?? Detached(terms) ?? DiscretionaryRules.Hold(terms, _node.Windows, now);

    /// <summary>When a window opens that ready tasks wait for, or running ones have waited long enough for a client to come back.</summary>
    public DateTimeOffset? NextDue(DateTimeOffset now)
    {
        DateTimeOffset? opens = !_node.Windows.IsOpen(now) && _session.Tasks.Ready.Terms.Any(terms => terms.Discretionary) ? _node.Windows.NextAfter(now) : null;
        var presence = _presence();
        return _session.Configurations.AnyWhileAttached && _session.Tasks.ActiveCount > 0 && !presence.IsAttached && now < presence.QuietUntil
            ? Session.Earliest(presence.QuietUntil, opens)
            : opens;
    }

    /// <summary>Running tasks that may not go on: the network does not allow it any more, or their client left and did not come back soon. Looked for once after each change.</summary>
    public IReadOnlyList<TaskId> FindStops(DateTimeOffset now)
    {
        var network = _node.Network;
        var presence = _presence();
        var isGone = _session.Configurations.AnyWhileAttached && !presence.IsAttached && now >= presence.QuietUntil;
        var isNews = !ReferenceEquals(network, _seen) || (isGone && !_wasGone);
        (_seen, _wasGone) = (network, isGone);
        if (!isNews)
            return [];
        return
        [
            .. _session.Tasks.Active().Where(task => task.Phase is TaskPhase.Running && MustStop(_session.Tasks.TermsOf(task))).Select(task => task.Id),
        ];

        bool MustStop(StartTerms terms) => NetworkRules.Hold(terms, network) is not null || (isGone && terms.WhileAttached);
    }

    public void Dispose() => _listening.Dispose();

    private StartHold? Detached(StartTerms terms) => terms.WhileAttached && !_presence().IsAttached
        ? new StartHold(WaitReasons.Detached, null, "Its session has whileAttachedOnly, and no client has a stream of it open; it goes on when one attaches.")
        : null;
}

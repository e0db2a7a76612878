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
    private readonly IDisposable _listening;
    private NetworkState _seen = NetworkState.Good;

    public StartConditions(SessionEnvironment environment, Session session, ActorRef<SessionMessage> self)
    {
        (_node, _session) = (environment.Conditions, session);
        _listening = _node.Listen(() => self.TryPost(new SessionMessage.Wake())); // a full mailbox brings a turn anyway
    }

    public StartHold? HoldOf(TaskState task) => HoldOf(_session.Tasks.TermsOf(task));

    public StartHold? HoldOf(StartTerms terms) => NetworkRules.Hold(terms, _node.Network);

    /// <summary>Running tasks that the network does not allow any more; looked for once after each change.</summary>
    public IReadOnlyList<TaskId> FindStops()
    {
        var network = _node.Network;
        if (ReferenceEquals(network, _seen))
            return [];
        _seen = network;
        return
        [
            .. _session.Tasks.Active()
                .Where(task => task.Phase is TaskPhase.Running && NetworkRules.Hold(_session.Tasks.TermsOf(task), network) is not null)
                .Select(task => task.Id),
        ];
    }

    public void Dispose() => _listening.Dispose();
}

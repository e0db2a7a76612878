using Backhaul.Node.Sessions;
using Backhaul.Protocol;

namespace Backhaul.Simulation.Tests.Runs;

/// <summary>
/// S2: in a healed cluster no ready task waits while there is room for it. What is ready is read off the rows; room is what runs on the owner's node, and what its
/// slots allow at the moment. Tasks that wait for more than room (an idle node, a client, a window) are not looked at here: they have to end like all others.
/// </summary>
internal sealed class SimStarvation(SimWorld world)
{
    /// <summary>A turn, a commit, and the second that a slot is kept for a session that does not come.</summary>
    private static readonly TimeSpan WaitMost = TimeSpan.FromSeconds(30);

    private static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(1);
    private static readonly HashSet<string> NoHosts = [];

    private readonly Dictionary<SessionKey, (TaskId Task, TimeSpan Since)> _waiting = [];

    public bool IsOver { get; set; }

    public void Begin() => world.Later(LookEvery, () =>
    {
        if (IsOver)
            return;
        foreach (var journal in world.Oracle.Journals)
            Look(journal.Fold);
        Begin();
    });

    private void Look(Session session)
    {
        if (FindWithRoom(session) is not { } task)
        {
            _waiting.Remove(session.Key);
            return;
        }
        if (!_waiting.TryGetValue(session.Key, out var known) || known.Task != task)
            _waiting[session.Key] = known = (task, world.Now);
        if (world.Now - known.Since > WaitMost)
            throw new InvariantBrokenException("S2", $"{session.Key} {task} is ready and has waited since {known.Since} with room for it on {world.OwnerOf(session.Key)!.Name}.");
    }

    private TaskId? FindWithRoom(Session session)
    {
        if (session.Paused || session.Phase is not SessionPhase.Active || world.OwnerOf(session.Key) is not { } owner)
            return null;
        var use = owner.Slots.Use;
        if (use.Running >= use.RunningMax)
            return null;
        var perHost = session.Configurations.Current.MaxConnectionsPerHost!.Value;
        return session.Tasks.Ready.TryPeek(perHost, NoHosts, out var task, out var host, static terms => terms is { Discretionary: false, WhileAttached: false })
            && owner.Runner.Slots.RunningOn(host) < use.HostMax ? task : null;
    }
}

using Backhaul.Node.Journal;

namespace Backhaul.Node.Sharding.Membership;

/// <summary>
/// Whom to declare dead, and when to look again; pure. One look proves nothing: after an outage of the store everybody's lease is over
/// at once, and the first to come back would kill the whole cluster. So a suspect must be seen overdue twice, at least half a second apart,
/// and the judge must itself have renewed for a whole lease without a break. Nobody judges itself; the store decides in the end.
/// </summary>
internal sealed class DeathWatch(NodeId self, LeaseTerms terms)
{
    private static readonly TimeSpan Apart = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan LookAgain = TimeSpan.FromSeconds(1);

    /// <summary>The store declares nobody dead whose lease is not over for longer than this.</summary>
    private static readonly TimeSpan DeadAfter = TimeSpan.FromSeconds(1);

    private readonly Dictionary<NodeId, Sighting> _overdue = [];

    /// <summary>A view was read at <paramref name="now"/>. Returns who may be declared dead.</summary>
    public IReadOnlyList<Member> Observe(ClusterView view, TimeSpan now, TimeSpan judgeUnbrokenFor)
    {
        List<Member> dead = [];
        List<Member> overdue = [.. Others(view).Where(member => member.LeaseLeft < TimeSpan.Zero)];
        foreach (var back in _overdue.Keys.Where(id => overdue.TrueForAll(member => member.Id != id)).ToList())
            _overdue.Remove(back);
        foreach (var member in overdue)
        {
            if (!_overdue.TryGetValue(member.Id, out var seen))
                _overdue.Add(member.Id, seen = new Sighting(now, 1));
            else if (now - seen.At >= Apart)
                _overdue[member.Id] = seen = new Sighting(now, seen.Times + 1);
            if (seen.Times >= 2 && member.LeaseLeft <= -DeadAfter && judgeUnbrokenFor >= terms.Lease)
                dead.Add(member);
        }
        return dead;
    }

    /// <summary>Trust was lost: what was seen before counts no more.</summary>
    public void Forget() => _overdue.Clear();

    /// <summary>How soon after its reading the next view is wanted because of somebody's lease; null when all leases are in order.</summary>
    public TimeSpan? NextLook(ClusterView view)
    {
        TimeSpan? next = null;
        foreach (var left in Others(view).Select(member => member.LeaseLeft).Where(left => left < terms.SuspectBelow))
        {
            var look = left < TimeSpan.Zero ? LookAgain : left + TimeSpan.FromMilliseconds(5);
            next = next is { } known && known < look ? known : look;
        }
        return next;
    }

    private IEnumerable<Member> Others(ClusterView view) =>
        view.Members.Where(member => member.Id != self && member.State is MemberState.Active or MemberState.Draining);

    private readonly record struct Sighting(TimeSpan At, int Times);
}

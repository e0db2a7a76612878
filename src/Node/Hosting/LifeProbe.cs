using Backhaul.Node.Actors;
using Backhaul.Node.Sharding.Membership;

namespace Backhaul.Node.Hosting;

/// <summary>
/// Whether this process still makes progress: its heartbeat beats, and work that is queued for actors is begun. Each question leaves a
/// piece of work behind and looks at what became of the last one. It asks no store and no other node.
/// </summary>
internal sealed class LifeProbe(ActorScheduler scheduler, LeaseKeeper? lease, TimeProvider time)
{
    /// <summary>Longer than any pause of a healthy process; a probe that asks three times at ten seconds' distance decides after that.</summary>
    private static readonly TimeSpan StuckAfter = TimeSpan.FromSeconds(30);

    private readonly Lock _lock = new();
    private long? _queuedAt;

    public bool IsAlive()
    {
        lock (_lock)
        {
            if (_queuedAt is { } since)
                return time.GetElapsedTime(since) < StuckAfter && Beats;
            _queuedAt = time.GetTimestamp();
        }
        scheduler.Queue(static probe => ((LifeProbe)probe!).Begun(), this);
        return Beats;
    }

    private bool Beats => lease is null || lease.SinceBeat < StuckAfter;

    private void Begun()
    {
        lock (_lock)
            _queuedAt = null;
    }
}

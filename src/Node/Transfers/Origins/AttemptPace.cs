using Backhaul.Node.Telemetry;

namespace Backhaul.Node.Transfers.Origins;

/// <summary>
/// The limits that one attempt is under, in one. Every taking is counted by all of them at once and waits for the slowest. Waits are cut into
/// pieces of a second, after which the limits are looked at again: one that was raised, or lifted, is felt then.
/// </summary>
internal sealed class AttemptPace(RateGate[] limits, TimeProvider time) : IPace
{
    private static readonly TimeSpan LookAgain = TimeSpan.FromSeconds(1);

    /// <summary>Timers have no finer hand; what would be waited less is made up for by the next taking.</summary>
    private static readonly TimeSpan Shortest = TimeSpan.FromMilliseconds(1);

    private long _heldTicks;

    public int Grain
    {
        get
        {
            var grain = int.MaxValue;
            foreach (var limit in limits)
                grain = Math.Min(grain, limit.Grain);
            return grain;
        }
    }

    public TimeSpan Held => TimeSpan.FromTicks(Volatile.Read(ref _heldTicks));

    public ValueTask TakeAsync(int bytes, CancellationToken stop)
    {
        if (bytes <= 0)
            return default;
        foreach (var limit in limits)
        {
            if (limit.IsLimited)
                return TakeLimitedAsync(bytes, stop);
        }
        return default;
    }

    private async ValueTask TakeLimitedAsync(int bytes, CancellationToken stop)
    {
        stop.ThrowIfCancellationRequested();
        var tickets = new double[limits.Length];
        for (var i = 0; i < limits.Length; i++)
            tickets[i] = limits[i].Take(bytes);
        var began = time.GetTimestamp();
        try
        {
            while (Longest(tickets) is var wait && wait >= Shortest)
                await Task.Delay(wait < LookAgain ? wait : LookAgain, time, stop);
        }
        finally
        {
            var held = time.GetElapsedTime(began);
            Interlocked.Add(ref _heldTicks, held.Ticks);
            OriginInstruments.Held(held);
        }
    }

    private TimeSpan Longest(double[] tickets)
    {
        var longest = TimeSpan.Zero;
        for (var i = 0; i < limits.Length; i++)
        {
            var wait = limits[i].Wait(tickets[i]) ?? LookAgain;
            longest = wait > longest ? wait : longest;
        }
        return longest;
    }
}

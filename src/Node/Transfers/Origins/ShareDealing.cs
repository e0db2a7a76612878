namespace Backhaul.Node.Transfers.Origins;

/// <summary>
/// How the limits of an origin are dealt among the nodes that want to use it. Pure; every node deals for itself, over the same document.
/// <para>
/// A node's aim is its part of a fair deal: everybody gets what he wants up to an equal part, and what some do not want is divided among the
/// others; what cannot be divided goes around with time. It takes no more than that, and no more than the others leave: the sum of what is
/// written as held never exceeds the limit, whatever the nodes' aims are. A node that has more than its aim gives it up first and is written down
/// with less only when it says so the next time; what it was written down with counts until its time is over, also when it died.
/// </para>
/// </summary>
internal static class ShareDealing
{
    /// <summary>How long an odd rest stays with the same nodes.</summary>
    private static readonly TimeSpan Round = TimeSpan.FromSeconds(10);

    /// <summary>This node's next entry, and what it may use from when that is written.</summary>
    /// <param name="record">What is written now.</param>
    /// <param name="limits">Those in force.</param>
    /// <param name="node">Whose turn it is.</param>
    /// <param name="wanted">What it could use.</param>
    /// <param name="held">What it may be using until it hears otherwise.</param>
    /// <param name="now">The store's clock.</param>
    /// <param name="age">How long an entry holds.</param>
    public static (OriginRecord Next, OriginAmounts Granted) Deal(
        OriginRecord record, OriginLimits limits, Guid node, OriginAmounts wanted, OriginAmounts held, DateTimeOffset now, TimeSpan age)
    {
        List<OriginHolder> others = [.. record.Holders.Where(holder => holder.Node != node && holder.Until > now)];
        var granted = new OriginAmounts(
            Part(limits.ConnectionsMax, wanted.Connections, others, node, now, static amounts => amounts.Connections),
            Part(limits.RequestsPerSecondMax is { } requests ? (long)(requests * 1000) : null, wanted.MilliRequests, others, node, now, static amounts => amounts.MilliRequests),
            Part(limits.BytesPerSecondMax, wanted.Bytes, others, node, now, static amounts => amounts.Bytes));
        var entry = new OriginHolder(node, now + age, wanted, OriginAmounts.Max(granted, held));
        if (entry.Held == OriginAmounts.None && wanted == OriginAmounts.None)
            return (record with { Holders = others }, granted);
        return (record with { Holders = [.. others, entry] }, granted);
    }

    /// <summary>Everybody's part of a limit, in the order of the demands. Odd units go to those whose turn it is.</summary>
    public static long[] Divide(long limit, IReadOnlyList<long> demands, long turn)
    {
        var parts = new long[demands.Count];
        var left = limit;
        List<int> open = [.. Enumerable.Range(0, demands.Count).Where(i => demands[i] > 0)];
        while (open.Count > 0 && left >= open.Count)
        {
            var each = left / open.Count;
            foreach (var i in open)
            {
                var more = Math.Min(each, demands[i] - parts[i]);
                parts[i] += more;
                left -= more;
            }
            if (open.RemoveAll(i => parts[i] == demands[i]) == 0)
                break;
        }
        for (var k = 0; k < open.Count && left > 0; k++)
        {
            var i = open[(int)((turn + k) % open.Count)];
            if (parts[i] == demands[i])
                continue;
            parts[i]++;
            left--;
        }
        return parts;
    }

    private static long Part(long? limit, long wanted, List<OriginHolder> others, Guid node, DateTimeOffset now, Func<OriginAmounts, long> amount)
    {
        if (limit is not { } most || wanted <= 0)
            return 0;
        List<(Guid Node, long Wanted)> demands = [(node, wanted), .. others.Select(other => (other.Node, amount(other.Wanted)))];
        demands.Sort(static (one, other) => one.Node.CompareTo(other.Node));
        var parts = Divide(most, [.. demands.Select(demand => demand.Wanted)], now.UtcTicks / Round.Ticks);
        var aim = parts[demands.FindIndex(demand => demand.Node == node)];
        return Math.Max(0, Math.Min(aim, most - others.Sum(other => amount(other.Held))));
    }
}

namespace Backhaul.Node.Transfers.Origins;

/// <summary>
/// The paces of a node's attempts: each is under the limit of its task and of its session, which come with its order and may change while it
/// runs, of the node, which may change with the time of day, and of the origin, which may be a share of the cluster's.
/// </summary>
internal sealed class Paces : IDisposable
{
    /// <summary>How often the table is looked at; its rows change by the minute.</summary>
    private static readonly TimeSpan Look = TimeSpan.FromSeconds(10);

    private readonly TimeProvider _time;
    private readonly OriginGates _origins;
    private readonly BandwidthTable _table;
    private readonly ITimer? _timer;

    public Paces(TransferOptions options, OriginGates origins, TimeProvider time)
    {
        (_time, _origins, _table) = (time, origins, options.BandwidthTable());
        Node = new RateGate(time, _table.At(time.GetUtcNow()));
        if (!_table.IsEmpty)
            _timer = time.CreateTimer(static paces => ((Paces)paces!).Follow(), this, Look, Look);
    }

    public RateGate Node { get; }

    public IPace For(AttemptOrder order)
    {
        List<RateGate> limits = [Node, _origins.BytesOf(OriginName.Of(order.Url))];
        if (order.SessionRate is { } session)
            limits.Add(session);
        if (order.TaskRate is { } task)
            limits.Add(task);
        else if (order.BytesPerSecondMax is { } most)
            limits.Add(new RateGate(_time, most));
        return new AttemptPace([.. limits], _time);
    }

    public void Dispose() => _timer?.Dispose();

    private void Follow() => Node.Set(_table.At(_time.GetUtcNow()));
}

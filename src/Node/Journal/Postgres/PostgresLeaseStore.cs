using Backhaul.Node.Sharding.Membership;

namespace Backhaul.Node.Journal.Postgres;

/// <summary>
/// Renews the node's lease over a connection that nothing else uses. The call blocks: it is made for the heartbeat's own thread, so that a
/// crowded thread pool cannot make a node look dead. Behind it a second thread talks to PostgreSQL synchronously (LeaseLine), because
/// neither a name look-up nor the driver's time-outs, which count whole seconds, can be held to a deadline: when it passes, this call
/// returns with an exception, and the line that hangs is left to end by itself; the next renewal takes a new one.
/// Outcomes: Transient when the lease was certainly not renewed, Unknown otherwise. Both mean the same to the caller: trust runs out.
/// </summary>
internal sealed class PostgresLeaseStore(PostgresDatabase database) : ILeaseStore, IDisposable
{
    /// <summary>Lines that hang at the same time. More would only pile up threads before a network that is cut.</summary>
    private const int HangingMax = 4;

    private readonly List<LeaseLine> _hanging = [];
    private LeaseLine? _line;

    public ValueTask<LeaseRenewal> RenewAsync(NodeId node, TimeSpan within, CancellationToken stop)
    {
        stop.ThrowIfCancellationRequested();
        _hanging.RemoveAll(static line => line.HasEnded);
        if (_hanging.Count >= HangingMax)
            throw new JournalStoreException(StoreFailure.Transient, $"Could not renew the lease. {HangingMax} renewals before it still wait for PostgreSQL.");

        _line ??= new LeaseLine(database.Source(ConnectionKind.Lease));
        if (_line.TryRun(node, within, out var renewal))
            return new ValueTask<LeaseRenewal>(renewal);

        _hanging.Add(_line);
        _line = null;
        throw new JournalStoreException(
            StoreFailure.Unknown, $"Could not renew the lease. PostgreSQL did not answer within {within.TotalSeconds:0.0} seconds.");
    }

    public void Dispose()
    {
        _line?.Leave();
        _line = null;
    }
}

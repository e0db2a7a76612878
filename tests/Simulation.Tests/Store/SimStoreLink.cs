using Backhaul.Node.Journal;
using Backhaul.Node.Sharding.Membership;
using Backhaul.Protocol;
using Backhaul.World;

namespace Backhaul.Simulation.Tests.Store;

/// <summary>
/// One process's connections to the database, as the four ports see them. A call travels there, is carried out by the server whatever becomes of
/// the caller, and its answer travels back; on either way it may be late or lost, and then the caller knows what a real one would know:
/// nothing happened (Transient) or perhaps it did (Unknown).
/// </summary>
internal sealed class SimStoreLink(SimStore store, VirtualProcess process, string name, SimLine line)
    : IJournalStore, IClusterStore, ILeaseStore, IClusterSignals
{
    private static readonly TimeSpan ReadLimit = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan CommitLimit = TimeSpan.FromSeconds(7);
    private static readonly TimeSpan ClusterLimit = TimeSpan.FromSeconds(4);

    private ClusterView? _view;
    private bool _isSignalled;

    /// <summary>What becomes of a call.</summary>
    private enum Fate
    {
        Fine,
        Refused,
        RequestLost,
        ResetBefore,
        ResetAfter,
        ReplyLost,
        RolledBack,
    }

    // ---- the journal ----

    public ValueTask<CommitReport> CommitAsync(IReadOnlyList<SessionAppend> batch, CancellationToken stop) =>
        CallAsync(rollBack => store.CommitAsync(name, batch, rollBack), CommitLimit);

    public ValueTask<ShardGrant?> ReacquireAsync(ShardGrant grant, CancellationToken stop) => CallAsync(
        async _ =>
        {
            var raised = await store.Journal.ReacquireAsync(grant, CancellationToken.None);
            if (raised is { } now)
                store.Oracle.OnReacquired(name, now);
            return raised;
        },
        CommitLimit);

    public ValueTask<long?> ReadLastSequenceAsync(ShardGrant grant, SessionKey session, CancellationToken stop) =>
        ReadAsync(() => store.Journal.ReadLastSequenceAsync(grant, session, CancellationToken.None));

    public ValueTask<SessionOpening?> OpenAsync(ShardGrant grant, SessionKey session, CancellationToken stop) =>
        ReadAsync(() => store.Journal.OpenAsync(grant, session, CancellationToken.None));

    public ValueTask<IReadOnlyList<JournalRow>?> ReadRowsAsync(ShardGrant grant, SessionKey session, long afterSequence, int rowsMax, CancellationToken stop) =>
        ReadAsync(() => store.Journal.ReadRowsAsync(grant, session, afterSequence, rowsMax, CancellationToken.None));

    public ValueTask<IReadOnlyList<JournalRow>?> ReadNumberedAsync(ShardGrant grant, SessionKey session, long afterNumber, int rowsMax, CancellationToken stop) =>
        ReadAsync(async () =>
        {
            var rows = await store.Journal.ReadNumberedAsync(grant, session, afterNumber, rowsMax, CancellationToken.None);
            return rows?.Count > 1 && store.Rules.ReadsLeaveOut && store.Random.Chance(0.05) ? [.. rows.Skip(1)]
                : rows?.Count > 1 && store.Rules.EventsAreMixedUp && store.Random.Chance(0.05)
                    ? [rows[0] with { EventType = rows[1].EventType, Payload = rows[1].Payload }, .. rows.Skip(1)]
                : rows;
        });

    public ValueTask<bool> SaveSnapshotAsync(ShardGrant grant, SessionKey session, StoredSnapshot snapshot, CancellationToken stop) => CallAsync(
        async _ =>
        {
            var saved = await store.Journal.SaveSnapshotAsync(grant, session, snapshot, CancellationToken.None);
            if (saved)
                store.Oracle.OnSnapshot(name, grant, session, snapshot);
            return saved;
        },
        CommitLimit);

    public ValueTask<int?> TrimAsync(ShardGrant grant, SessionKey session, long upToSequence, int rowsMax, CancellationToken stop) =>
        CallAsync(_ => store.Journal.TrimAsync(grant, session, upToSequence, rowsMax, CancellationToken.None), CommitLimit);

    public ValueTask<IReadOnlyList<ArchivedTask>?> ListArchiveAsync(
        ShardGrant grant, SessionKey session, int generation, long afterOrdinal, int rowsMax, CancellationToken stop) =>
        ReadAsync(() => store.Journal.ListArchiveAsync(grant, session, generation, afterOrdinal, rowsMax, CancellationToken.None));

    public ValueTask<IReadOnlyList<ArchivedTask>?> FindArchivedAsync(
        ShardGrant grant, SessionKey session, int generation, IReadOnlyList<TaskId> ids, CancellationToken stop) =>
        ReadAsync(() => store.Journal.FindArchivedAsync(grant, session, generation, ids, CancellationToken.None));

    public ValueTask<IReadOnlyList<DestinationClaim>?> FindClaimsAsync(
        ShardGrant grant, SessionKey session, IReadOnlyList<Destination> destinations, CancellationToken stop) =>
        ReadAsync(() => store.Journal.FindClaimsAsync(grant, session, destinations, CancellationToken.None));

    public ValueTask<IReadOnlyList<ExpiredFile>> ListExpiredFilesAsync(IReadOnlyList<ShardGrant> grants, DateTimeOffset until, int rowsMax, CancellationToken stop) =>
        ReadAsync(() => store.Journal.ListExpiredFilesAsync(grants, until, rowsMax, CancellationToken.None));

    public ValueTask<bool> ForgetExpiredFilesAsync(ShardGrant grant, IReadOnlyList<ExpiredFile> files, CancellationToken stop) =>
        CallAsync(_ => store.Journal.ForgetExpiredFilesAsync(grant, files, CancellationToken.None), CommitLimit);

    public ValueTask<IReadOnlyList<DueSession>> ListDueAsync(IReadOnlyList<ShardGrant> grants, DateTimeOffset until, int rowsMax, CancellationToken stop) =>
        ReadAsync(() => store.Journal.ListDueAsync(grants, until, rowsMax, CancellationToken.None));

    public ValueTask<SessionPage> ListSessionsAsync(TenantId? tenant, string? afterKey, int rowsMax, CancellationToken stop) =>
        ReadAsync(() => store.Journal.ListSessionsAsync(tenant, afterKey, rowsMax, CancellationToken.None));

    // ---- the cluster ----

    public ValueTask<ClusterFacts> OpenAsync(ClusterFounding founding, CancellationToken stop) =>
        ReadAsync(() => store.Cluster.OpenAsync(founding, CancellationToken.None));

    public async ValueTask JoinAsync(NodeId node, string nodeName, string address, string build, CancellationToken stop) => await CallAsync(
        async _ =>
        {
            await store.Cluster.JoinAsync(node, nodeName, address, build, CancellationToken.None);
            store.Oracle.OnMembership(name, node, "joined");
            return true;
        },
        ClusterLimit);

    public async ValueTask<ClusterView> ReadViewAsync(CancellationToken stop)
    {
        if (store.Rules.PollingIsOff && _view is { } known && !_isSignalled)
            return known;
        _isSignalled = false;
        return _view = await ReadAsync(() => store.Cluster.ReadViewAsync(CancellationToken.None));
    }

    public ValueTask<bool> MoveAsync(NodeId node, MemberState to, CancellationToken stop) => CallAsync(
        async _ =>
        {
            var moved = await store.Cluster.MoveAsync(node, to, CancellationToken.None);
            if (moved)
                store.Oracle.OnMembership(name, node, to == MemberState.Draining ? "draining" : "left");
            return moved;
        },
        ClusterLimit);

    public ValueTask<bool> DeclareDeadAsync(NodeId suspect, CancellationToken stop) => CallAsync(
        async _ =>
        {
            var dead = await store.Cluster.DeclareDeadAsync(suspect, CancellationToken.None);
            if (dead)
                store.Oracle.OnMembership(name, suspect, "dead");
            return dead;
        },
        ClusterLimit);

    public ValueTask<ShardGrant?> ClaimAsync(NodeId node, int shardId, long seenEpoch, CancellationToken stop) => CallAsync(
        async _ =>
        {
            var claimed = await store.Cluster.ClaimAsync(node, shardId, seenEpoch, CancellationToken.None);
            if (claimed is { } grant)
                store.Oracle.OnClaimed(name, grant);
            return claimed;
        },
        ClusterLimit);

    public ValueTask<bool> ReleaseAsync(ShardGrant grant, CancellationToken stop) => CallAsync(
        async _ =>
        {
            var released = await store.Cluster.ReleaseAsync(grant, CancellationToken.None);
            if (released)
                store.Oracle.OnReleased(name, grant);
            return released;
        },
        ClusterLimit);

    public ValueTask<bool> ForgiveAsync(int shardId, CancellationToken stop) =>
        CallAsync(_ => store.Cluster.ForgiveAsync(shardId, CancellationToken.None), ClusterLimit);

    public async ValueTask<LeaseRenewal> RenewAsync(NodeId node, TimeSpan within, CancellationToken stop)
    {
        try
        {
            var renewal = await CallAsync(_ => store.Cluster.RenewAsync(node, within, CancellationToken.None), within);
            return store.Rules.PollingIsOff ? renewal with { ViewVersion = _view?.Version ?? 0 } : renewal;
        }
        catch (JournalStoreException) when (store.Rules.TrustIsForEver)
        {
            return new LeaseRenewal(MemberState.Active, _view?.Version ?? 0);
        }
    }

    public IDisposable Subscribe(Action changed) => store.Cluster.Subscribe(() =>
    {
        if (line.FromStoreCut || store.Random.Chance(line.SignalsLost))
            return;
        var delay = store.Random.Milliseconds(1, store.Random.Chance(0.1) ? 3000 : 20);
        store.Server.Clock.CreateTimer(_ => process.Queue(_ => Called(changed), null), null, delay, Timeout.InfiniteTimeSpan);
    });

    private void Called(Action changed)
    {
        _isSignalled = true;
        changed();
    }

    // ---- the way there and back ----

    private ValueTask<T> ReadAsync<T>(Func<ValueTask<T>> onServer) => CallAsync(_ => onServer(), ReadLimit);

    private async ValueTask<T> CallAsync<T>(Func<bool, ValueTask<T>> onServer, TimeSpan limit)
    {
        var fate = Draw();
        if (fate == Fate.Refused || store.IsDown)
        {
            await Task.Delay(store.Random.Milliseconds(1, 30), process.Clock);
            throw new JournalStoreException(StoreFailure.Transient, "The database cannot be reached.");
        }
        var reply = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        if (fate is Fate.RequestLost && store.Random.Chance(0.5))
        {
            await Task.Delay(limit, process.Clock); // no connection came about
            throw new JournalStoreException(StoreFailure.Transient, "The database did not answer the connection.");
        }
        await using var timer = process.Clock.CreateTimer(
            static state => ((TaskCompletionSource<T>)state!).TrySetException(Lost("No answer came in time.")), reply, limit, Timeout.InfiniteTimeSpan);
        if (fate != Fate.RequestLost)
            store.Server.Queue(_ => _ = ServeAsync(onServer, fate, reply), null);
        return await reply.Task;
    }

    /// <summary>In the server.</summary>
    private async Task ServeAsync<T>(Func<bool, ValueTask<T>> onServer, Fate fate, TaskCompletionSource<T> reply)
    {
        await Task.Delay(TravelTime(), store.Server.Clock);
        if (fate == Fate.ResetBefore || store.IsDown)
        {
            reply.TrySetException(Lost("The connection was reset."));
            return;
        }
        var incarnation = store.Incarnation;
        if (fate == Fate.ResetAfter)
            _ = ResetAsync(reply);
        Action answer;
        try
        {
            var result = await onServer(fate == Fate.RolledBack);
            answer = () => reply.TrySetResult(result);
        }
        catch (JournalStoreException failure)
        {
            answer = () => reply.TrySetException(failure);
        }
        if (incarnation != store.Incarnation)
            answer = () => reply.TrySetException(Lost("The connection was lost with the database."));
        if (fate == Fate.ReplyLost)
            return;
        await Task.Delay(TravelTime(), store.Server.Clock);
        if (!line.FromStoreCut)
            answer();
    }

    /// <summary>The caller loses the connection at some moment of the transaction, which goes on.</summary>
    private async Task ResetAsync<T>(TaskCompletionSource<T> reply)
    {
        await Task.Delay(store.Random.Milliseconds(0, 12), store.Server.Clock);
        reply.TrySetException(Lost("The connection was reset."));
    }

    private Fate Draw()
    {
        if (line.ToStoreCut)
            return Fate.RequestLost;
        if (!store.Random.Chance(line.Trouble))
            return Fate.Fine;
        return store.Random.Next(6) switch
        {
            0 => Fate.Refused,
            1 => Fate.RequestLost,
            2 => Fate.ResetBefore,
            3 => Fate.ResetAfter,
            4 => Fate.ReplyLost,
            _ => Fate.RolledBack,
        };
    }

    private TimeSpan TravelTime() =>
        store.Random.Milliseconds(1, 3) + (line.Slowness > TimeSpan.Zero ? store.Random.Milliseconds(0, line.Slowness.TotalMilliseconds) : TimeSpan.Zero);

    private static JournalStoreException Lost(string what) => new(StoreFailure.Unknown, what);
}

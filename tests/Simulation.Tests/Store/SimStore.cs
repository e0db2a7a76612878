using Backhaul.Node.Journal;
using Backhaul.Node.Journal.Memory;
using Backhaul.Simulation.Tests.Invariants;
using Backhaul.Simulation.Tests.Runs;
using Backhaul.World;

namespace Backhaul.Simulation.Tests.Store;

/// <summary>
/// The database server: a process of its own with its own clock, in which transactions go on whatever becomes of those who sent
/// them. What it does is the memory store's, which passes the contract of Store.Tests as PostgreSQL does; what happens to it is here.
/// </summary>
internal sealed class SimStore
{
    /// <summary>PostgreSQL ends a statement of the journal after this, and rolls back.</summary>
    private static readonly TimeSpan StatementTimeout = TimeSpan.FromSeconds(5);

    private readonly SimRandom _random;
    private readonly SimTrace _trace;
    private MemoryBackup? _replica;

    public SimStore(ProcessWorld world, SimRandom random, SimTrace trace, Oracle oracle, SimRules rules)
    {
        (_random, _trace, Oracle, Rules) = (random, trace, oracle, rules);
        Server = world.NewProcess("store");
        Journal = new MemoryJournalStore(Server.Clock);
        Cluster = new MemoryClusterStore(Journal);
    }

    public VirtualProcess Server { get; }

    public MemoryJournalStore Journal { get; }

    public MemoryClusterStore Cluster { get; }

    public Oracle Oracle { get; }

    public SimRules Rules { get; }

    public SimRandom Random => _random;

    /// <summary>It does not answer, and connections to it are refused.</summary>
    public bool IsDown { get; private set; }

    /// <summary>How often a commit is slow, holding its rows.</summary>
    public double SlowCommits { get; set; }

    public int Incarnation => Journal.Tables.Incarnation;

    public SimStoreLink Connect(VirtualProcess process, string name, SimLine line) => new(this, process, name, line);

    /// <summary>The server goes away; what was in flight is rolled back, and nobody is told what became of it.</summary>
    public void GoDown()
    {
        IsDown = true;
        Journal.Tables.Restore(Journal.Tables.Save());
    }

    public void ComeUp() => IsDown = false;

    /// <summary>An asynchronous replica stands here. Before the cluster is founded there is nothing to replicate.</summary>
    public void RememberReplica()
    {
        if (Journal.Tables.Facts is null)
            return;
        _replica = Journal.Tables.Save();
        Oracle.OnReplicaTaken();
    }

    /// <summary>It is promoted: what came after is lost. False: there is none.</summary>
    public bool PromoteReplica()
    {
        if (_replica is not { } replica)
            return false;
        Journal.Tables.Restore(replica);
        Oracle.OnReplicaPromoted();
        _replica = null;
        return true;
    }

    /// <summary>One transaction on the server. Held rows stay locked while it is slow.</summary>
    public async ValueTask<CommitReport> CommitAsync(string writer, IReadOnlyList<SessionAppend> batch, bool rollBack)
    {
        var sent = Rules.FenceIsOff ? [.. batch.Select(append => append with { Grant = RowOf(append.Grant) })] : batch;
        return await Journal.CommitAsync(
            sent,
            async apply =>
            {
                var duration = _random.Chance(SlowCommits) ? _random.Milliseconds(50, 7000) : _random.Milliseconds(1, 4);
                if (duration > StatementTimeout)
                {
                    await Task.Delay(StatementTimeout, Server.Clock);
                    throw new JournalStoreException(StoreFailure.Transient, "The statement took too long and was rolled back.");
                }
                await Task.Delay(duration, Server.Clock);
                if (rollBack)
                    throw new JournalStoreException(StoreFailure.Transient, "The transaction was rolled back.");
                var report = apply();
                foreach (var append in batch)
                {
                    if (!report.FencedShards.Contains(append.Grant.ShardId))
                        Oracle.OnApplied(writer, append);
                }
                if (report.FencedShards.Count > 0)
                    _trace.Line(writer, $"fenced: shards {string.Join(' ', report.FencedShards.Order())}");
                return report;
            },
            CancellationToken.None);
    }

    /// <summary>The mutant's way past the fence: whatever the row says now.</summary>
    private ShardGrant RowOf(ShardGrant grant)
    {
        var row = Journal.Tables.Shards[grant.ShardId];
        return row.Owner is { } owner ? new ShardGrant(grant.ShardId, row.Epoch, owner) : grant;
    }
}

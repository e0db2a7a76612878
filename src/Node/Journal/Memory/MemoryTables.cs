using Backhaul.Node.Sharding.Membership;
using Backhaul.Protocol;

namespace Backhaul.Node.Journal.Memory;

/// <summary>
/// The rows that both memory stores share, and the locks on them as a database has them: an append shares the rows of its shards while it
/// is in flight, a change of a shard's row waits until nobody does and then happens at once. Everything waits by await, on a task whose
/// continuation goes back to where it was awaited; what happens under the lock never calls out.
/// </summary>
internal sealed class MemoryTables(TimeProvider time)
{
    private readonly LinkedList<Waiter> _waiting = new();

    /// <summary>Held for a moment by whoever reads or changes a row.</summary>
    public Lock Gate { get; } = new();

    public TimeProvider Time => time;

    public SortedDictionary<int, ShardRow> Shards { get; private set; } = [];

    public SortedDictionary<string, MemorySession> Sessions { get; private set; } = new(StringComparer.Ordinal);

    /// <summary>Destinations of tasks that have not ended.</summary>
    public Dictionary<Destination, DestinationClaim> Claims { get; private set; } = [];

    public SortedDictionary<string, (long Version, string Payload)> Origins { get; private set; } = new(StringComparer.Ordinal);

    public Dictionary<NodeId, MemberRow> Members { get; private set; } = [];

    public ClusterFacts? Facts { get; set; }

    public long ViewVersion { get; set; }

    /// <summary>Goes up when the store is replaced: connections to the one before are broken.</summary>
    public int Incarnation { get; private set; }

    public bool IsHeld(ShardGrant grant) =>
        Shards.TryGetValue(grant.ShardId, out var row) && row.Epoch == grant.Epoch && row.Owner == grant.Node;

    public MemorySession? Find(SessionKey session) => Sessions.GetValueOrDefault(session.ToString());

    /// <summary>Reads or changes what is no shard's row.</summary>
    public ValueTask<T> NowAsync<T>(Func<T> work, CancellationToken stop)
    {
        if (stop.IsCancellationRequested)
            return ValueTask.FromCanceled<T>(stop);
        try
        {
            lock (Gate)
                return ValueTask.FromResult(work());
        }
        catch (JournalStoreException failure)
        {
            return ValueTask.FromException<T>(failure);
        }
    }

    /// <summary>
    /// Changes shards' rows when no append shares any of them, in the order of arrival; Transient when that takes longer than
    /// <paramref name="within"/>.
    /// </summary>
    public async ValueTask<T> ChangeAsync<T>(IReadOnlyCollection<int> shards, Func<T> change, TimeSpan? within, CancellationToken stop)
    {
        stop.ThrowIfCancellationRequested();
        var done = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);
        LinkedListNode<Waiter> node;
        lock (Gate)
        {
            var rows = shards.Select(Shards.GetValueOrDefault).OfType<ShardRow>().ToArray();
            if (Array.TrueForAll(rows, row => row.Appending == 0))
                return change();
            node = _waiting.AddLast(new Waiter(rows, () => Settle(done, change), () => done.TrySetException(Lost())));
        }
        using var limit = within is null ? null : time.CreateTimer(_ => GiveUp(node, () => done.TrySetException(TooLong())), null, within.Value, Timeout.InfiniteTimeSpan);
        await using var cancellation = stop.Register(() => GiveUp(node, () => done.TrySetCanceled(stop)));
        return await done.Task;
    }

    /// <summary>Begins an append: the shards whose grants hold are shared until <see cref="EndAppend"/>, so what holds now holds until then.</summary>
    public List<ShardRow> BeginAppend(IEnumerable<SessionAppend> batch)
    {
        lock (Gate)
        {
            List<ShardRow> shared = [.. batch.Where(append => IsHeld(append.Grant)).Select(append => append.Grant.ShardId).Distinct().Select(shard => Shards[shard])];
            shared.ForEach(row => row.Appending++);
            return shared;
        }
    }

    public void EndAppend(List<ShardRow> shared)
    {
        lock (Gate)
        {
            shared.ForEach(row => row.Appending--);
            for (var node = _waiting.First; node is not null;)
            {
                var (waiter, next) = (node.Value, node.Next);
                if (Array.TrueForAll(waiter.Rows, row => row.Appending == 0))
                {
                    _waiting.Remove(node);
                    waiter.Proceed();
                }
                node = next;
            }
        }
    }

    /// <summary>A copy of everything, as a replica that stopped here would have it.</summary>
    public MemoryBackup Save()
    {
        lock (Gate)
        {
            return new MemoryBackup(
                Shards.ToDictionary(shard => shard.Key, shard => (shard.Value.Epoch, shard.Value.Owner, shard.Value.Takeovers)),
                [.. Sessions.Values.Select(session => session.Copy())], [.. Members.Values], ViewVersion, [.. Claims.Values]);
        }
    }

    /// <summary>
    /// The replica takes over: what was written since is lost, and so are the connections with what was in flight on them.
    /// </summary>
    public void Restore(MemoryBackup backup)
    {
        lock (Gate)
        {
            foreach (var (shard, row) in Shards)
                (row.Epoch, row.Owner, row.Takeovers) = backup.Shards[shard];
            Sessions = new(backup.Sessions.ToDictionary(session => session.Head.Session.ToString(), session => session.Copy(), StringComparer.Ordinal), StringComparer.Ordinal);
            Members = backup.Members.ToDictionary(member => member.Id);
            ViewVersion = backup.ViewVersion;
            Claims = backup.Claims.ToDictionary(claim => claim.Destination);
            Incarnation++;
            foreach (var waiter in _waiting)
                waiter.Break();
            _waiting.Clear();
        }
    }

    private static void Settle<T>(TaskCompletionSource<T> done, Func<T> change)
    {
        try
        {
            done.TrySetResult(change());
        }
        catch (JournalStoreException failure)
        {
            done.TrySetException(failure);
        }
    }

    private void GiveUp(LinkedListNode<Waiter> node, Action answer)
    {
        lock (Gate)
        {
            if (node.List is null)
                return; // its turn came first
            _waiting.Remove(node);
        }
        answer();
    }

    private static JournalStoreException TooLong() => new(StoreFailure.Transient, "The shard's row was locked by an append for too long; nothing was changed.");

    private static JournalStoreException Lost() => new(StoreFailure.Unknown, "The connection was lost with the store.");

    private sealed record Waiter(ShardRow[] Rows, Action Proceed, Action Break);
}

/// <summary>A shard's row.</summary>
internal sealed class ShardRow
{
    public long Epoch { get; set; }

    public NodeId? Owner { get; set; }

    public int Takeovers { get; set; }

    /// <summary>Appends in flight that share this row.</summary>
    public int Appending { get; set; }
}

/// <summary>A member's row.</summary>
internal sealed record MemberRow(NodeId Id, string Name, string Address, string Build, MemberState State, DateTimeOffset LeaseExpiresAt);

/// <summary>All rows of one session.</summary>
internal sealed class MemorySession
{
    public required SessionHead Head { get; set; }

    public SortedList<long, JournalRow> Rows { get; private init; } = [];

    public SortedList<long, StoredSnapshot> Snapshots { get; private init; } = [];

    public SortedDictionary<(int Generation, long Ordinal), ArchivedTask> Archive { get; private init; } = [];

    public List<FileExpiry> Expiries { get; private init; } = [];

    public MemorySession Copy() => new()
    {
        Head = Head,
        Rows = new SortedList<long, JournalRow>(Rows),
        Snapshots = new SortedList<long, StoredSnapshot>(Snapshots),
        Archive = new SortedDictionary<(int Generation, long Ordinal), ArchivedTask>(Archive),
        Expiries = [.. Expiries],
    };
}

/// <summary>A copy of a store's rows: see <see cref="MemoryTables.Save"/>.</summary>
internal sealed record MemoryBackup(
    IReadOnlyDictionary<int, (long Epoch, NodeId? Owner, int Takeovers)> Shards, IReadOnlyList<MemorySession> Sessions, IReadOnlyList<MemberRow> Members, long ViewVersion,
    IReadOnlyList<DestinationClaim> Claims);

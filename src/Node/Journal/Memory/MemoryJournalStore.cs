using Backhaul.Protocol;

namespace Backhaul.Node.Journal.Memory;

/// <summary>
/// The store in memory, with the semantics that the real ones have: fences, row waits of a take-over behind an append in flight,
/// roll-back of a whole batch on a conflict, outcomes that the caller cannot know. For tests and simulation: faults are injected by
/// <see cref="FailCommits"/>, <see cref="StallCommits"/> and <see cref="TakeOverAsync"/>. Everything waits by await, never by blocking.
/// The rows lie in <see cref="MemoryTables"/>, which <see cref="MemoryClusterStore"/> shares.
/// </summary>
internal sealed class MemoryJournalStore(TimeProvider time) : IJournalStore, IEmbeddedStore, IDisposable
{
    private readonly Queue<StoreFault> _faults = [];
    private readonly Queue<StoreFault> _reacquireFaults = [];
    private TaskCompletionSource? _stall;

    internal MemoryTables Tables { get; } = new(time);

    /// <summary>Commits that reached the store, applied or not, as sent.</summary>
    public List<IReadOnlyList<SessionAppend>> Received { get; } = [];

    /// <summary>The next commits end as the fault says.</summary>
    public void FailCommits(StoreFault fault) => Enqueue(_faults, fault);

    /// <summary>The next re-acquires end as the fault says.</summary>
    public void FailReacquires(StoreFault fault) => Enqueue(_reacquireFaults, fault);

    /// <summary>No fault is left: from now on everything goes well.</summary>
    public void Heal()
    {
        lock (_faults)
        {
            _faults.Clear();
            _reacquireFaults.Clear();
        }
    }

    /// <summary>Commits wait, holding their shards, until the returned action is called.</summary>
    public Action StallCommits()
    {
        var stall = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_faults)
            _stall = stall;
        return () =>
        {
            lock (_faults)
                _stall = null;
            stall.TrySetResult();
        };
    }

    /// <summary>Another node claims a shard; waits for an append in flight.</summary>
    public ValueTask<ShardGrant> TakeOverAsync(int shardId, NodeId node, CancellationToken stop) => Tables.ChangeAsync(
        [shardId],
        () =>
        {
            var row = Tables.Shards[shardId];
            row.Epoch++;
            row.Owner = node;
            return new ShardGrant(shardId, row.Epoch, node);
        },
        null, stop);

    /// <summary>Changes stored rows behind the store's back, as a broken disk would.</summary>
    public ValueTask DamageAsync(SessionKey session, Action<SortedList<long, JournalRow>> damage, CancellationToken stop) => Discard(Tables.NowAsync(
        () =>
        {
            damage(Tables.Sessions[session.ToString()].Rows);
            return true;
        },
        stop));

    public ValueTask<IReadOnlyList<ShardGrant>> TakeAllAsync(NodeId node, int shardCount, CancellationToken stop) => Tables.ChangeAsync(
        [.. Enumerable.Range(0, shardCount)],
        () =>
        {
            var shards = Tables.Shards;
            if (shards.Count != 0 && shards.Count != shardCount)
            {
                throw new JournalStoreException(
                    StoreFailure.Rejected,
                    $"The journal was created with {shards.Count} shards, and the configuration says {shardCount}. The number is fixed for life.");
            }

            for (var shard = 0; shard < shardCount; shard++)
            {
                shards.TryAdd(shard, new ShardRow());
                shards[shard].Epoch++;
                shards[shard].Owner = node;
            }

            return (IReadOnlyList<ShardGrant>)[.. shards.Select(shard => new ShardGrant(shard.Key, shard.Value.Epoch, node))];
        },
        null, stop);

    public ValueTask ReleaseAllAsync(NodeId node, CancellationToken stop) => Discard(Tables.ChangeAsync(
        [.. Tables.Shards.Keys],
        () =>
        {
            foreach (var row in Tables.Shards.Values.Where(row => row.Owner == node))
            {
                row.Epoch++;
                row.Owner = null;
            }

            return true;
        },
        null, stop));

    public ValueTask<CommitReport> CommitAsync(IReadOnlyList<SessionAppend> batch, CancellationToken stop) => CommitAsync(
        batch,
        async apply =>
        {
            var (fault, stall) = NextFault();
            lock (_faults)
                Received.Add([.. batch]);
            if (stall is not null)
                await stall;
            if (fault is { Applied: false })
                throw Failed(fault);
            var report = apply();
            return fault is null ? report : throw Failed(fault);
        },
        stop);

    /// <summary>
    /// A commit whose time in flight is the caller's to shape: its shards are shared until <paramref name="inFlight"/> ends, and what was
    /// applied by then is durable.
    /// </summary>
    internal async ValueTask<CommitReport> CommitAsync(
        IReadOnlyList<SessionAppend> batch, Func<Func<CommitReport>, ValueTask<CommitReport>> inFlight, CancellationToken stop)
    {
        stop.ThrowIfCancellationRequested();
        var incarnation = Tables.Incarnation;
        var shared = Tables.BeginAppend(batch);
        try
        {
            return await inFlight(() => Apply(batch, incarnation));
        }
        finally
        {
            Tables.EndAppend(shared);
        }
    }

    public ValueTask<ShardGrant?> ReacquireAsync(ShardGrant grant, CancellationToken stop) => Tables.ChangeAsync<ShardGrant?>(
        [grant.ShardId],
        () =>
        {
            StoreFault? fault;
            lock (_faults)
                _reacquireFaults.TryDequeue(out fault);
            if (fault is { Applied: false })
                throw Failed(fault);
            if (!Tables.IsHeld(grant))
                return fault is null ? null : throw Failed(fault);
            var raised = grant with { Epoch = ++Tables.Shards[grant.ShardId].Epoch };
            return fault is null ? raised : throw Failed(fault);
        },
        null, stop);

    public ValueTask<long?> ReadLastSequenceAsync(ShardGrant grant, SessionKey session, CancellationToken stop) =>
        ReadAsync<long?>(grant, () => Find(session)?.Head.LastSequence ?? 0, stop);

    public ValueTask<SessionOpening?> OpenAsync(ShardGrant grant, SessionKey session, CancellationToken stop) => ReadAsync<SessionOpening?>(
        grant,
        () => new SessionOpening(Find(session)?.Head, [.. (Find(session)?.Snapshots.Values ?? []).Reverse()]),
        stop);

    public ValueTask<IReadOnlyList<JournalRow>?> ReadRowsAsync(
        ShardGrant grant, SessionKey session, long afterSequence, int rowsMax, CancellationToken stop) => ReadAsync<IReadOnlyList<JournalRow>?>(
        grant,
        () => [.. (Find(session)?.Rows ?? []).Where(row => row.Key > afterSequence).Take(rowsMax).Select(row => row.Value)],
        stop);

    public ValueTask<IReadOnlyList<JournalRow>?> ReadNumberedAsync(
        ShardGrant grant, SessionKey session, long afterNumber, int rowsMax, CancellationToken stop) => ReadAsync<IReadOnlyList<JournalRow>?>(
        grant,
        () => [.. (Find(session)?.Rows.Values ?? []).Where(row => row.Number > afterNumber).Take(rowsMax)],
        stop);

    public ValueTask<bool> SaveSnapshotAsync(ShardGrant grant, SessionKey session, StoredSnapshot snapshot, CancellationToken stop) => Tables.NowAsync(
        () =>
        {
            if (!Tables.IsHeld(grant))
                return false;
            if (Find(session) is not { } stored || stored.Head.LastSequence < snapshot.Sequence)
            {
                throw new JournalStoreException(
                    StoreFailure.Rejected, $"A snapshot of {session} at {snapshot.Sequence} covers rows that are not in the journal.");
            }

            stored.Snapshots[snapshot.Sequence] = snapshot;
            while (stored.Snapshots.Count > 2)
                stored.Snapshots.RemoveAt(0);
            stored.Head = stored.Head with { SnapshotSequence = Math.Max(stored.Head.SnapshotSequence, snapshot.Sequence) };
            return true;
        },
        stop);

    public ValueTask<int?> TrimAsync(ShardGrant grant, SessionKey session, long upToSequence, int rowsMax, CancellationToken stop) => ReadAsync<int?>(
        grant,
        () =>
        {
            if (Find(session) is not { Snapshots.Count: 2 } stored)
                return 0;
            var upTo = Math.Min(upToSequence, stored.Snapshots.Keys[0]);
            var gone = stored.Rows.Keys.TakeWhile(sequence => sequence <= upTo).Take(rowsMax).ToList();
            gone.ForEach(sequence => stored.Rows.Remove(sequence));
            return gone.Count;
        },
        stop);

    public ValueTask<IReadOnlyList<ArchivedTask>?> ListArchiveAsync(
        ShardGrant grant, SessionKey session, int generation, long afterOrdinal, int rowsMax, CancellationToken stop) =>
        ReadAsync<IReadOnlyList<ArchivedTask>?>(
            grant,
            () => [.. Archive(session, generation).Where(task => task.Ordinal > afterOrdinal).Take(rowsMax)],
            stop);

    public ValueTask<IReadOnlyList<ArchivedTask>?> FindArchivedAsync(
        ShardGrant grant, SessionKey session, int generation, IReadOnlyList<TaskId> ids, CancellationToken stop) =>
        ReadAsync<IReadOnlyList<ArchivedTask>?>(
            grant,
            () => [.. ids.Select(id => Archive(session, generation).FirstOrDefault(task => task.Id == id)).OfType<ArchivedTask>()],
            stop);

    public ValueTask<IReadOnlyList<DestinationClaim>?> FindClaimsAsync(
        ShardGrant grant, SessionKey session, IReadOnlyList<Destination> destinations, CancellationToken stop) =>
        ReadAsync<IReadOnlyList<DestinationClaim>?>(
            grant,
            () => [.. destinations.Select(Tables.Claims.GetValueOrDefault).OfType<DestinationClaim>().Where(claim => claim.Session != session)],
            stop);

    public ValueTask<IReadOnlyList<ExpiredFile>> ListExpiredFilesAsync(
        IReadOnlyList<ShardGrant> grants, DateTimeOffset until, int rowsMax, CancellationToken stop) => Tables.NowAsync(
        () =>
        {
            var shards = grants.Where(Tables.IsHeld).Select(grant => grant.ShardId).ToHashSet();
            return (IReadOnlyList<ExpiredFile>)[.. Tables.Sessions.Values.Where(session => shards.Contains(session.Head.ShardId))
                .SelectMany(session => session.Expiries.Select(expiry => new ExpiredFile(session.Head.ShardId, session.Head.Session, expiry)))
                .Where(file => file.Expiry.At <= until).OrderBy(file => file.Expiry.At).Take(rowsMax)];
        },
        stop);

    public ValueTask<bool> ForgetExpiredFilesAsync(ShardGrant grant, IReadOnlyList<ExpiredFile> files, CancellationToken stop) => ReadAsync(
        grant,
        () =>
        {
            foreach (var file in files)
                Find(file.Session)?.Expiries.Remove(file.Expiry);
            return true;
        },
        stop);

    public ValueTask<IReadOnlyList<DueSession>> ListDueAsync(
        IReadOnlyList<ShardGrant> grants, DateTimeOffset until, int rowsMax, CancellationToken stop) => Tables.NowAsync(
        () =>
        {
            var shards = grants.Where(Tables.IsHeld).Select(grant => grant.ShardId).ToHashSet();
            return (IReadOnlyList<DueSession>)[.. Tables.Sessions.Values.Select(session => session.Head)
                .Where(head => head.WakeAt <= until && shards.Contains(head.ShardId))
                .OrderBy(head => head.WakeAt).Take(rowsMax)
                .Select(head => new DueSession(head.ShardId, head.Session, head.WakeAt!.Value))];
        },
        stop);

    public ValueTask<SessionPage> ListSessionsAsync(TenantId? tenant, string? afterKey, int rowsMax, CancellationToken stop) => Tables.NowAsync(
        () =>
        {
            List<SessionHead> heads =
            [
                .. Tables.Sessions
                    .Where(session => tenant is null || session.Value.Head.Session.Tenant == tenant)
                    .Where(session => afterKey is null || string.CompareOrdinal(session.Key, afterKey) > 0)
                    .Take(rowsMax).Select(session => session.Value.Head),
            ];
            return new SessionPage(heads, heads.Count == rowsMax ? heads[^1].Session.ToString() : null);
        },
        stop);

    public void Dispose()
    {
    }

    private CommitReport Apply(IReadOnlyList<SessionAppend> batch, int incarnation)
    {
        List<SessionAppend> held = [];
        HashSet<int> fenced = [];
        lock (Tables.Gate)
        {
            if (incarnation != Tables.Incarnation)
                throw new JournalStoreException(StoreFailure.Unknown, "The connection was lost with the store.");
            foreach (var append in batch)
            {
                if (Tables.IsHeld(append.Grant))
                    held.Add(append);
                else
                    fenced.Add(append.Grant.ShardId);
            }

            held.ForEach(Check);
            CheckClaims(held);
            held.ForEach(Apply);
        }

        return fenced.Count == 0 ? CommitReport.Complete : new CommitReport(fenced);
    }

    private void Check(SessionAppend append)
    {
        var session = Find(append.Session);
        if ((session?.Head.LastSequence ?? 0) != append.FirstSequence - 1)
            throw new JournalStoreException(StoreFailure.Conflict, $"The next row of {append.Session} is not {append.FirstSequence}.");
        if (append.Archive.Any(task => session?.Archive.ContainsKey((task.Generation, task.Ordinal)) == true)
            || append.Archive.DistinctBy(task => (task.Generation, task.Ordinal)).Count() != append.Archive.Count)
            throw new JournalStoreException(StoreFailure.Conflict, $"A task of {append.Session} is in the archive already.");
    }

    private void CheckClaims(List<SessionAppend> held)
    {
        Dictionary<Destination, SessionKey> owners = [];
        foreach (var append in held)
        {
            foreach (var (destination, _) in append.Claims.Where(change => change.Task is not null))
            {
                var owner = owners.TryGetValue(destination, out var first) ? first : Tables.Claims.GetValueOrDefault(destination)?.Session ?? append.Session;
                if (owner != append.Session)
                    throw new JournalStoreException(StoreFailure.Taken, $"{destination} belongs to a task of {owner}.");
                owners[destination] = owner;
            }
        }
    }

    private void Apply(SessionAppend append)
    {
        var key = append.Session.ToString();
        var last = append.FirstSequence + append.Rows.Count - 1;
        var head = new SessionHead(
            append.Session, append.Grant.ShardId, last, append.Grant.Epoch, append.Head.LastNumber, append.Head.State,
            append.Head.Generation, Find(append.Session)?.Head.SnapshotSequence ?? 0, append.Head.WakeAt);
        if (!Tables.Sessions.TryGetValue(key, out var session))
            Tables.Sessions.Add(key, session = new MemorySession { Head = head });
        session.Head = head;
        for (var index = 0; index < append.Rows.Count; index++)
        {
            var row = append.Rows[index];
            var sequence = append.FirstSequence + index;
            session.Rows.Add(sequence, new JournalRow(
                sequence, append.Grant.Epoch, row.EventType, row.Payload.ToArray(), row.Number, row.Command, time.GetUtcNow()));
        }

        foreach (var task in append.Archive)
            session.Archive.Add((task.Generation, task.Ordinal), task);
        session.Expiries.AddRange(append.Expiries);
        foreach (var (destination, task) in append.Claims)
        {
            if (task is { } owner)
                Tables.Claims[destination] = new DestinationClaim(destination, append.Session, owner);
            else if (Tables.Claims.GetValueOrDefault(destination)?.Session == append.Session)
                Tables.Claims.Remove(destination);
        }
    }

    private IEnumerable<ArchivedTask> Archive(SessionKey session, int generation) => Archive(session).Where(task => task.Generation == generation);

    private IEnumerable<ArchivedTask> Archive(SessionKey session) => Find(session)?.Archive.Values ?? Enumerable.Empty<ArchivedTask>();

    private MemorySession? Find(SessionKey session) => Tables.Find(session);

    private ValueTask<T> ReadAsync<T>(ShardGrant grant, Func<T> read, CancellationToken stop) =>
        Tables.NowAsync(() => Tables.IsHeld(grant) ? read() : default!, stop);

    private void Enqueue(Queue<StoreFault> faults, StoreFault fault)
    {
        lock (_faults)
        {
            for (var count = 0; count < fault.Times; count++)
                faults.Enqueue(fault);
        }
    }

    private (StoreFault? Fault, Task? Stall) NextFault()
    {
        lock (_faults)
        {
            _faults.TryDequeue(out var fault);
            return (fault, _stall?.Task);
        }
    }

    private static JournalStoreException Failed(StoreFault fault) => new(fault.Failure, $"An injected fault ({fault.Failure}).");

    private static async ValueTask Discard<T>(ValueTask<T> work) => await work;
}

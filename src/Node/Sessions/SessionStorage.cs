using System.Text.Json;
using Backhaul.Node.Journal;
using Backhaul.Protocol;

namespace Backhaul.Node.Sessions;

/// <summary>
/// A session's place in the journal: where it stands, how it is loaded, how it appends, when it takes a snapshot and trims what is
/// covered. A snapshot is written beside the mailbox and after the commit it covers; that it fails is a warning, the journal holds everything.
/// Trimming never passes the older of the two kept snapshots, nor the oldest event that nobody acknowledged or that is being sent again.
/// </summary>
internal sealed class SessionStorage
{
    /// <summary>Rows read or deleted in one store call: between two, other sessions' commits get their turn.</summary>
    private const int ReplayPageRows = 2_000;
    private const int TrimRowsMax = 5_000;

    private readonly SessionEnvironment _environment;
    private readonly ILogger _logger;
    private long _snapshotSequence;
    private long _olderSnapshotSequence;
    private long _triedSequence;
    private Task _saving = Task.CompletedTask;

    private SessionStorage(SessionEnvironment environment, ILogger logger)
    {
        _environment = environment;
        _logger = logger;
    }

    /// <summary>The sequence of the newest durable row.</summary>
    public long Sequence { get; private set; }

    /// <summary>Of the grant that the newest append was made under, or of a later one of this node: also when the trust has run out since.</summary>
    public long Epoch => _environment.Holder.Epoch;

    /// <summary>Fills the session from snapshot and rows; a damaged journal throws <see cref="SessionDamagedException"/>.</summary>
    public static async ValueTask<SessionStorage> LoadAsync(SessionEnvironment environment, Session session, ILogger logger, CancellationToken stop)
    {
        var storage = new SessionStorage(environment, logger);
        var grant = environment.Holder.Current ?? throw new OperationCanceledException("The shard is not held any more.");
        var replay = new JournalReplay(environment.Store, ReplayPageRows);
        switch (await replay.RunAsync(grant, session.Key, snapshot => storage.Restore(session, snapshot), row => Apply(session, row), stop))
        {
            case ReplayOutcome.Absent:
                return storage;
            case ReplayOutcome.Loaded loaded:
                if (session.Delivery.LastNumber != loaded.Head.LastNumber)
                    throw new SessionDamagedException($"The journal of session '{session.Key}' is damaged: its state counts {session.Delivery.LastNumber} events, its head {loaded.Head.LastNumber}.");
                storage.Sequence = loaded.Head.LastSequence;
                return storage;
            case ReplayOutcome.Damaged damaged:
                throw new SessionDamagedException(damaged.Sentence);
            default:
                throw new OperationCanceledException("The shard is not held any more.");
        }
    }

    public static ArchivedTask Archived(int generation, TaskState task) =>
        new(generation, task.Ordinal, task.Id, JsonSerializer.SerializeToUtf8Bytes(task, SessionJson.Default.TaskState));

    public static TaskState Read(ArchivedTask row) =>
        JsonSerializer.Deserialize(row.Payload.Span, SessionJson.Default.TaskState) ?? throw new JsonException("An archived task is null.");

    public async ValueTask<IEnumerable<TaskState>> FindArchivedAsync(int generation, IReadOnlyList<TaskId> ids, CancellationToken stop)
    {
        var rows = _environment.Holder.Current is { } grant
            ? await _environment.Store.FindArchivedAsync(grant, _environment.Session, generation, ids, stop)
            : null;
        return rows?.Select(Read) ?? throw new OperationCanceledException("The shard is not held any more.");
    }

    public async ValueTask<ClaimedElsewhere> FindClaimsAsync(IReadOnlyList<Destination> destinations, CancellationToken stop)
    {
        var claims = _environment.Holder.Current is { } grant
            ? await _environment.Store.FindClaimsAsync(grant, _environment.Session, destinations, stop)
            : null;
        return claims is null ? throw new OperationCanceledException("The shard is not held any more.") : new ClaimedElsewhere(claims);
    }

    /// <summary>A snapshot is being written, and what it covers trimmed.</summary>
    public bool IsSaving => !_saving.IsCompleted;

    /// <summary>
    /// The number of the first event behind this one that the journal still has, and keeps: not to be asked while <see cref="IsSaving"/>, because a trimming
    /// that is under way knows of no later wish.
    /// </summary>
    public async ValueTask<long?> FindOldestEventAsync(long after, CancellationToken stop)
    {
        if (IsSaving)
            throw new InvalidOperationException("What is kept is not known while the journal is trimmed.");
        var rows = _environment.Holder.Current is { } grant
            ? await _environment.Store.ReadNumberedAsync(grant, _environment.Session, after, 1, stop)
            : null;
        return rows is null ? throw new OperationCanceledException("The shard is not held any more.") : rows.Count > 0 ? rows[0].Number : null;
    }

    public async ValueTask<AppendOutcome> AppendAsync(SessionTurn turn, Session session, HeadUpdate head)
    {
        var outcome = await _environment.Journal.AppendAsync(
            new AppendRequest(_environment.Holder, session.Key, Sequence + 1, turn.Rows, head, turn.Archive) { Claims = turn.Claims, Expiries = turn.Expiries },
            CancellationToken.None);
        if (outcome is AppendOutcome.Committed)
            Sequence += turn.Rows.Count;
        return outcome;
    }

    /// <summary>Starts a snapshot when one is due and none is under way: its cost stays constant per event however large the session is.</summary>
    public void SaveWhenDue(Session session)
    {
        if (_saving.IsCompleted && Sequence - Math.Max(_snapshotSequence, _triedSequence) >= Math.Max(_environment.Options.SnapshotEvery, SizeOf(session)))
            _saving = SaveAsync(Take(session), session.NeededAfter, CancellationToken.None);
    }

    /// <summary>Before leaving memory: what makes the next load short, unless it is short already.</summary>
    public async ValueTask SaveBeforeStopAsync(Session session, CancellationToken stop)
    {
        await _saving;
        if (session.Phase is not SessionPhase.Absent && Sequence - _snapshotSequence > SizeOf(session) / 10)
            await SaveAsync(Take(session), session.NeededAfter, stop);
    }

    /// <summary>What makes a snapshot long.</summary>
    private static int SizeOf(Session session) => session.Tasks.Count + session.Notifications.Count + session.Delivery.Temporary.Count;

    private StoredSnapshot Take(Session session) => new(Sequence, SessionSnapshot.Format, SessionSnapshot.Of(session).Encode());

    private bool Restore(Session session, StoredSnapshot stored)
    {
        if (SessionSnapshot.Decode(stored.Format, stored.Payload) is not { } snapshot)
        {
            _logger.SnapshotUnreadable(session.Key, stored.Sequence);
            return false;
        }
        session.Restore(snapshot);
        _snapshotSequence = stored.Sequence;
        return true;
    }

    private static string? Apply(Session session, JournalRow row)
    {
        if (SessionEvent.Codec.Decode(row.EventType, row.Payload) is not DecodeResult<SessionEvent>.Decoded { Event: var happened })
            return $"row {row.Sequence} ({row.EventType}) cannot be read";
        try
        {
            session.Apply(happened);
        }
        catch (Exception misfit) when (misfit is InvalidOperationException or KeyNotFoundException or ArgumentException or NullReferenceException)
        {
            return $"row {row.Sequence} ({row.EventType}) does not fit what came before: {misfit.Message}";
        }
        session.TakeEnded(); // in the archive since the transaction of this row
        return row.Number is { } number && number != session.Delivery.LastNumber
            ? $"row {row.Sequence} has the event number {number}, expected was {session.Delivery.LastNumber}"
            : null;
    }

    private async Task SaveAsync(StoredSnapshot snapshot, long neededAfter, CancellationToken stop)
    {
        _triedSequence = snapshot.Sequence;
        try
        {
            if (_environment.Holder.Current is not { } grant || !await _environment.Store.SaveSnapshotAsync(grant, _environment.Session, snapshot, stop))
                return; // the shard is lost: its new owner takes its own
            (_olderSnapshotSequence, _snapshotSequence) = (_snapshotSequence, snapshot.Sequence);
            await TrimAsync(grant, neededAfter, stop);
        }
        catch (Exception failure)
        {
            _logger.SnapshotFailed(_environment.Session, snapshot.Sequence, failure);
        }
    }

    private async ValueTask TrimAsync(ShardGrant grant, long neededAfter, CancellationToken stop)
    {
        var upTo = _olderSnapshotSequence;
        var needed = await _environment.Store.ReadNumberedAsync(grant, _environment.Session, neededAfter, 1, stop);
        if (needed is null)
            return;
        if (needed.Count > 0)
            upTo = Math.Min(upTo, needed[0].Sequence - 1);
        while (upTo > 0 && await _environment.Store.TrimAsync(grant, _environment.Session, upTo, TrimRowsMax, stop) is TrimRowsMax)
        {
            // another slice: commits come in between
        }
    }
}

/// <summary>A session's journal cannot be read as written. It is quarantined, never repaired by discarding; its neighbours live on.</summary>
internal sealed class SessionDamagedException(string sentence) : Exception(sentence);

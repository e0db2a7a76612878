using Backhaul.Protocol;

namespace Backhaul.Node.Journal;

/// <summary>How reading a session back ended.</summary>
internal abstract record ReplayOutcome
{
    private ReplayOutcome()
    {
    }

    /// <summary>The session was never written.</summary>
    internal sealed record Absent : ReplayOutcome;

    /// <summary>Everything was read and fits together.</summary>
    internal sealed record Loaded(SessionHead Head, long SnapshotSequence, long RowsRead) : ReplayOutcome;

    /// <summary>
    /// What is stored does not fit together; the sentence says what. The session is put aside, nothing is repaired by throwing rows away.
    /// </summary>
    internal sealed record Damaged(string Sentence) : ReplayOutcome;

    /// <summary>The shard was lost.</summary>
    internal sealed record Fenced : ReplayOutcome;
}

/// <summary>
/// Reads a session back: newest readable snapshot, else the older one, else from the first row; then the rows after it, in pages. Checks
/// on the way what was promised at writing: sequences without gap, epochs that never fall, event numbers without gap, an end where
/// the head says.
/// </summary>
internal sealed class JournalReplay(IJournalStore store, int pageRows)
{
    /// <summary>
    /// <paramref name="onSnapshot"/> says whether it could be read (it may be asked again for an older one and must start afresh);
    /// <paramref name="onRow"/> gives null, or why the row cannot be applied. A store that fails throws.
    /// </summary>
    public async ValueTask<ReplayOutcome> RunAsync(
        ShardGrant grant, SessionKey session, Func<StoredSnapshot, bool> onSnapshot, Func<JournalRow, string?> onRow, CancellationToken stop)
    {
        if (await store.OpenAsync(grant, session, stop) is not { } opening)
            return new ReplayOutcome.Fenced();
        if (opening.Head is not { } head)
            return new ReplayOutcome.Absent();
        if (opening.Snapshots.FirstOrDefault(snapshot => snapshot.Sequence > head.LastSequence) is { } ahead)
            return Damaged(session, $"its snapshot stands at {ahead.Sequence}, its head at {head.LastSequence}");

        var start = opening.Snapshots.FirstOrDefault(onSnapshot)?.Sequence ?? 0;
        var unreadable = start == 0 ? opening.Snapshots.Count : 0;
        var last = new Position(start, 0, null);
        while (last.Sequence < head.LastSequence)
        {
            var rows = await store.ReadRowsAsync(grant, session, last.Sequence, pageRows, stop);
            if (rows is null)
                return new ReplayOutcome.Fenced();
            if (rows.Count == 0)
                break;
            foreach (var row in rows)
            {
                if ((last.Misfit(row) ?? onRow(row)) is { } why)
                    return Damaged(session, unreadable == 0 ? why : $"{why} (and none of its {unreadable} snapshots could be read)");
                last = new Position(row.Sequence, row.Epoch, row.Number ?? last.Number);
            }
        }

        if (last.Sequence != head.LastSequence)
            return Damaged(session, $"its rows end at {last.Sequence}, its head says {head.LastSequence}");
        if (last.Number is { } number && number != head.LastNumber)
            return Damaged(session, $"its last event has the number {number}, its head says {head.LastNumber}");
        if (last.Epoch > head.LastEpoch)
            return Damaged(session, $"its last row was written in epoch {last.Epoch}, its head says {head.LastEpoch}");
        return new ReplayOutcome.Loaded(head, start, head.LastSequence - start);
    }

    private static ReplayOutcome.Damaged Damaged(SessionKey session, string why) =>
        new($"The journal of session '{session}' is damaged: {why}.");

    private readonly record struct Position(long Sequence, long Epoch, long? Number)
    {
        public string? Misfit(JournalRow row)
        {
            if (row.Sequence != Sequence + 1)
                return $"after row {Sequence} comes row {row.Sequence}";
            if (row.Epoch < Epoch)
                return $"row {row.Sequence} was written in epoch {row.Epoch}, after one of epoch {Epoch}";
            if (row.Number is { } number && Number is { } before && number != before + 1)
                return $"row {row.Sequence} has the event number {number}, after {before}";
            return null;
        }
    }
}

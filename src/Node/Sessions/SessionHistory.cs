using System.Text.Json.Serialization;
using Backhaul.Node.Journal;
using Backhaul.Protocol;

namespace Backhaul.Node.Sessions;

/// <summary>
/// The state of a session right after one of its events, for operators: its journal folded up to there into a session of its own, beside
/// the one that lives. It begins at the newest snapshot that is older than the event, else at the first row; when the rows before the
/// older snapshot were trimmed, an earlier state cannot be had, and the answer says from where on it can. A long fold ends with its caller.
/// </summary>
internal sealed class SessionHistory(SessionEnvironment environment, SessionConditions conditions, Func<bool> isGone)
{
    private const int PageRows = 1_000;

    private readonly Session _session = new(environment.Session, environment.Options);
    private readonly List<TaskState> _ended = [];
    private JournalRow? _event;

    /// <summary>Null when the shard was lost meanwhile.</summary>
    public async ValueTask<CommandReply?> AtAsync(SessionCommand.ShowHistory ask, long lastNumber, CancellationToken stop)
    {
        var number = ask.Number ?? lastNumber;
        if (number < 1 || number > lastNumber)
            return Refuse(lastNumber == 0 ? "The session has no events yet." : $"The session has the events 1 to {lastNumber}; there is no event {number}.");
        if (environment.Holder.Current is not { } grant || await environment.Store.OpenAsync(grant, environment.Session, stop) is not { } opening)
            return null;
        var snapshots = opening.Snapshots
            .Select(stored => (stored.Sequence, State: SessionSnapshot.Decode(stored.Format, stored.Payload)))
            .Where(stored => stored.State is not null).ToList();
        // One that is older than the event is better than one right after it: the event itself is read on the way.
        var start = snapshots.Find(stored => stored.State!.LastNumber < number);
        start = start.State is null ? snapshots.Find(stored => stored.State!.LastNumber == number) : start;
        if (start.State is not null)
            _session.Restore(start.State);
        return await FoldAsync(grant, start.Sequence, number, stop) switch
        {
            null => null,
            true => SessionViews.Json(200, View(number, ask.TasksMax), HistoryJson.Default.HistoryView),
            false => Refuse(snapshots.Count > 0
                ? $"The journal was trimmed: the session's history begins with the state at event {snapshots.Min(stored => stored.State!.LastNumber)}."
                : "The rows before this event were trimmed, and there is no snapshot that can be read."),
        };
    }

    /// <summary>True when the state is the one asked for, false when rows are missing, null when the shard was lost or nobody waits any more.</summary>
    private async ValueTask<bool?> FoldAsync(ShardGrant grant, long sequence, long number, CancellationToken stop)
    {
        while (_session.Delivery.LastNumber < number)
        {
            var rows = await environment.Store.ReadRowsAsync(grant, environment.Session, sequence, PageRows, stop);
            if (rows is null || isGone())
                return null;
            if (rows.Count == 0)
                return false;
            foreach (var row in rows)
            {
                if (row.Sequence != sequence + 1)
                    return false;
                if (SessionEvent.Codec.Decode(row.EventType, row.Payload) is not DecodeResult<SessionEvent>.Decoded { Event: var happened })
                    throw new JournalStoreException(StoreFailure.Rejected, $"Row {row.Sequence} of session {environment.Session} cannot be read.");
                _session.Apply(happened);
                _ended.AddRange(_session.TakeEnded());
                sequence = row.Sequence;
                if (row.Number == number)
                {
                    _event = row;
                    return true;
                }
            }
        }
        return true;
    }

    private HistoryView View(long number, int tasksMax)
    {
        var then = conditions with { Now = _event?.RecordedAt ?? conditions.Now, Live = static _ => null };
        var tasks = _session.Tasks.After(0).Concat(_ended).OrderBy(task => task.Ordinal).ToList();
        return new HistoryView(
            number, _event?.EventType, _event?.Sequence, _event?.Epoch, _event?.RecordedAt, SessionViews.StateOf(_session.Phase), _session.Generation, _session.Paused,
            _session.Delivery.Acknowledged, _session.Ended.Total, tasks.Count,
            [.. tasks.Take(tasksMax).Select(task => HistoryTask.Of(TaskViews.View(task, _session, then)))]);
    }

    private static CommandReply.Refused Refuse(string sentence) => CommandReply.Refuse(400, ProblemCodes.InvalidField, sentence);
}

/// <summary>A session as it was. The event's own fields are absent when only a snapshot of that moment is left.</summary>
internal sealed record HistoryView(
    long Number, string? Event, long? Sequence, long? Epoch, DateTimeOffset? At, string State, int Generation, bool Paused, long Acknowledged,
    long EndedBefore, int TaskCount, IReadOnlyList<HistoryTask> Tasks);

/// <summary>A task as it was: those that lived, and those that had ended since the snapshot that the fold began with.</summary>
internal sealed record HistoryTask(string Id, string Kind, string State, string? Why, int Attempts, long Done, long? Total, string Url)
{
    public static HistoryTask Of(TaskView view) => view.Kind == "upload"
        ? new(view.Id, view.Kind, view.State, view.Outcome ?? view.Reason, view.Attempts, view.Progress.BytesSent, view.Progress.TotalToSend, view.Url)
        : new(view.Id, view.Kind, view.State, view.Outcome ?? view.Reason, view.Attempts, view.Progress.BytesReceived, view.Progress.TotalToReceive, view.Url);
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(HistoryView))]
internal sealed partial class HistoryJson : JsonSerializerContext;

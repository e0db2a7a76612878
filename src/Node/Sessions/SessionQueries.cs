using Backhaul.Node.Actors;
using Backhaul.Node.Journal;
using Backhaul.Protocol;

namespace Backhaul.Node.Sessions;

/// <summary>
/// Answers to queries. What the live state knows is taken at once and given after the turn's commit; what lies in the archive or the
/// journal is read beside the mailbox, so that a long list never holds up a transfer.
/// </summary>
internal sealed class SessionQueries(Session session, SessionEnvironment environment, ILogger logger, SessionConditions conditions, WebhookTest tests)
{
    /// <summary>Archived tasks that are read at once when a page of as many as were asked for did not have enough of the kind: few among many are found in few reads.</summary>
    private const int SoughtRows = 500;

    /// <summary>What is rendered beside the mailbox touches nothing that the session changes meanwhile.</summary>
    private readonly SessionConditions _beside = conditions with { Live = _ => null };
    private readonly int _generation = session.Generation;

    public void Answer(SessionCommand.Query query, Request<CommandReply> reply, SessionTurn turn)
    {
        if (session.Phase is SessionPhase.Absent)
        {
            turn.Answer(reply, SessionDecider.Absent(session).Reply(session, conditions));
            return;
        }
        switch (query)
        {
            case SessionCommand.ReadEvents read:
                if (read.After > 0 && read.After < session.Delivery.ExpiredThrough)
                {
                    turn.Answer(reply, CommandReply.Refuse(410, ProblemCodes.EventsExpired,
                        $"Events up to {session.Delivery.ExpiredThrough} ended unread with their retention. Go on with after={session.Delivery.ExpiredThrough}.", "after"));
                    break;
                }
                var (last, acknowledged) = (session.Delivery.LastNumber, session.Delivery.Acknowledged);
                var first = read with { After = Math.Max(read.After, session.Delivery.ExpiredThrough) };
                turn.Reads.Add(() => AnswerAsync(reply, () => ReadEventsAsync(first, last, acknowledged)));
                break;
            case SessionCommand.ShowHistory show:
                var newest = session.Delivery.LastNumber;
                turn.Reads.Add(() => AnswerAsync(reply, () => new SessionHistory(environment, _beside, () => reply.IsAnswered).AtAsync(show, newest, CancellationToken.None)));
                break;
            case SessionCommand.FindReferenced find:
                turn.Answer(reply, SessionViews.Json(200, FileReferences.Of(session, find.Stems), FileReferencesJson.Default.FileReferences));
                break;
            case SessionCommand.GetWebhook get:
                turn.Answer(reply, WebhookControl.Reply(get.Target, session, conditions));
                break;
            case SessionCommand.TestWebhook test when WebhookControl.Missing(session, test.Target) is { } missing:
                turn.Answer(reply, missing);
                break;
            case SessionCommand.TestWebhook test:
                var (configuration, newestEvent) = (session.Configurations.Current, session.Delivery.LastNumber);
                turn.Reads.Add(() => AnswerAsync(reply, () => tests.SendAsync(test.Target, configuration, newestEvent, reply.Reply)));
                break;
            case SessionCommand.GetGroup { Group: var name }:
                turn.Answer(reply, session.Groups.TryFind(name, out var group) ? GroupViews.Reply(200, group) : GroupDecider.NotFound(session, name).Reply(session, conditions));
                break;
            case SessionCommand.GetCompletionGroup { Group: var name }:
                turn.Answer(reply, session.Completions.TryFind(name, out var set)
                    ? SessionViews.Json(200, CompletionDecider.View(set), ProtocolJson.Default.CompletionGroupView)
                    : CompletionDecider.NotFound(session, name).Reply(session, conditions));
                break;
            case SessionCommand.ListGroups groups:
                turn.Answer(reply, SessionViews.Json(200, GroupViews.Page(session.Groups, groups.After?.ToString(), groups.Limit), ProtocolJson.Default.PageGroupView));
                break;
            case SessionCommand.GetPrefetch:
                turn.Answer(reply, session.Prefetch.Settings is null ? PrefetchDecider.NotFound(session).Reply(session, conditions) : PrefetchViews.Reply(session));
                break;
            case SessionCommand.ListTasks list:
                ListTasks(list, reply, turn);
                break;
            case SessionCommand.ITaskCommand { Task: var id }:
                if (session.Tasks.TryFind(id, out var task) || turn.Ended.TryGetValue(id, out task))
                    turn.Answer(reply, Render(query, task, conditions));
                else
                    FindArchived(query, id, reply, turn);
                break;
        }
    }

    private CommandReply Render(SessionCommand.Query query, TaskState task, SessionConditions shown) => query switch
    {
        SessionCommand.GetTask => TaskViews.Reply(200, task, session, shown),
        SessionCommand.ExplainTask => SessionViews.Json(200, TaskViews.Why(task, session, shown), ProtocolJson.Default.WhyView),
        SessionCommand.GetRanges => SessionViews.Json(200, RangeDecider.View(task), ProtocolJson.Default.RangesView),
        SessionCommand.LocateContent => SessionViews.Json(200, TaskContent.Of(task, session), SessionJson.Default.TaskContent),
        SessionCommand.ListAttempts => SessionViews.Json(
            200, new Page<AttemptView> { Items = task.Run?.Attempts ?? [], Next = null }, ProtocolJson.Default.PageAttemptView),
        _ => throw new InvalidOperationException($"{query.GetType().Name} is not about one task."),
    };

    /// <summary>A task of an earlier generation is found while its temporary file is unread: its event names the task, and the file is read by that name.</summary>
    private void FindArchived(SessionCommand.Query query, TaskId id, Request<CommandReply> reply, SessionTurn turn)
    {
        List<int> generations = [_generation];
        if (session.Delivery.UnreadOf(id) is { } unread && unread.Generation < _generation)
            generations.Add(unread.Generation);
        turn.Reads.Add(() => AnswerAsync(reply, () => FindAsync(query, id, generations)));
    }

    private async ValueTask<CommandReply?> FindAsync(SessionCommand.Query query, TaskId id, List<int> generations)
    {
        foreach (var generation in generations)
        {
            if (environment.Holder.Current is not { } grant)
                return null;
            var rows = await environment.Store.FindArchivedAsync(grant, session.Key, generation, [id], CancellationToken.None);
            if (rows is null)
                return null;
            if (rows.Count > 0)
                return Render(query, SessionStorage.Read(rows[0]), _beside);
        }
        return TaskDecider.NotFound(session, id).Reply(session, _beside);
    }

    private void ListTasks(SessionCommand.ListTasks list, Request<CommandReply> reply, SessionTurn turn)
    {
        var live = new List<TaskState>();
        var wantsLive = list.State is null || TaskFilter.IsLiveState(list.State);
        var wantsEnded = list.State is null || !TaskFilter.IsLiveState(list.State);
        if (wantsLive)
            live.AddRange(Live(list).Where(task => TaskFilter.Matches(list, task)).Take(list.Limit + 1));
        if (wantsEnded)
            live.AddRange(turn.Ended.Values.Where(task => task.Ordinal > list.AfterOrdinal && TaskFilter.Matches(list, task)));
        var views = live.ToDictionary(task => task.Ordinal, task => TaskViews.View(task, session, conditions));
        if (!wantsEnded || session.Ended.Total == 0)
            turn.Answer(reply, PageOf(views, list.Limit));
        else
            turn.Reads.Add(() => AnswerAsync(reply, () => WithArchiveAsync(list, views, reply)));
    }

    private IEnumerable<TaskState> Live(SessionCommand.ListTasks list) =>
        list.Group is not { } name ? session.Tasks.After(list.AfterOrdinal)
        : session.Groups.TryFind(name, out var group) ? session.Tasks.InGroup(group, list.AfterOrdinal)
        : [];

    private async ValueTask<CommandReply?> WithArchiveAsync(SessionCommand.ListTasks list, Dictionary<long, TaskView> views, Request<CommandReply> reply)
    {
        var (after, pageRows) = (list.AfterOrdinal, list.Limit + 1);
        while (true)
        {
            if (environment.Holder.Current is not { } grant || reply.IsAnswered)
                return null; // nobody waits any more, or the session is elsewhere
            var rows = await environment.Store.ListArchiveAsync(grant, session.Key, _generation, after, pageRows, CancellationToken.None);
            if (rows is null)
                return null;
            foreach (var row in rows)
            {
                var task = SessionStorage.Read(row);
                after = row.Ordinal;
                if (TaskFilter.Matches(list, task))
                    views.TryAdd(task.Ordinal, TaskViews.View(task, session, _beside));
            }
            // What comes later is behind those that are known up to here, live ones too.
            if (rows.Count < pageRows || views.Keys.Count(ordinal => ordinal <= after) > list.Limit)
                return PageOf(views, list.Limit);
            pageRows = Math.Max(pageRows, SoughtRows);
        }
    }

    private static CommandReply.Done PageOf(Dictionary<long, TaskView> views, int limit)
    {
        var ordered = views.OrderBy(view => view.Key).Take(limit + 1).ToList();
        var next = ordered.Count > limit ? TaskCursor.Of(ordered[limit - 1].Key) : null;
        return SessionViews.Json(200, new Page<TaskView> { Items = [.. ordered.Take(limit).Select(view => view.Value)], Next = next }, ProtocolJson.Default.PageTaskView);
    }

    private async ValueTask<CommandReply?> ReadEventsAsync(SessionCommand.ReadEvents read, long last, long acknowledged)
    {
        if (environment.Holder.Current is not { } grant)
            return null;
        var rows = read.After >= last ? [] : await environment.Store.ReadNumberedAsync(grant, session.Key, read.After, read.Limit, CancellationToken.None);
        if (rows is null)
            return null;
        List<EventView> events = new(rows.Count);
        foreach (var row in rows)
        {
            if (SessionEvent.Codec.Decode(row.EventType, row.Payload) is not DecodeResult<SessionEvent>.Decoded { Event: var happened })
                throw new JournalStoreException(StoreFailure.Rejected, $"Row {row.Sequence} of session {session.Key} cannot be read.");
            events.Add(EventViews.View(row, happened));
        }
        return SessionViews.Json(
            200, new EventPage { Events = events, Last = Math.Max(last, events.Count > 0 ? events[^1].Number : 0), Acknowledged = acknowledged }, ProtocolJson.Default.EventPage);
    }

    /// <summary>Runs beside the mailbox; whatever happens, the question is answered.</summary>
    private async Task AnswerAsync(Request<CommandReply> reply, Func<ValueTask<CommandReply?>> read)
    {
        CommandReply? answer = null;
        try
        {
            answer = await read();
        }
        catch (Exception failure)
        {
            logger.ReadFailed(session.Key, failure);
            answer = new CommandReply.Unavailable(UnavailableReason.Storage, TimeSpan.FromSeconds(1), "The journal cannot be read at the moment. Send the same request again.");
        }
        finally
        {
            reply.TryAnswer(answer ?? new CommandReply.Unavailable(UnavailableReason.Moving, TimeSpan.FromMilliseconds(200), "The session is moving. Send the same request again."));
        }
    }
}

/// <summary>Which tasks a list wants. States are those of the wire; outcomes are taken as states of ended tasks.</summary>
internal static class TaskFilter
{
    /// <summary>All tasks that have not ended.</summary>
    private const string Live = "live";

    public static bool IsLiveState(string state) => state is Live or "suspended" or "waiting" or "running" or "canceling";

    public static bool IsState(string state) =>
        IsLiveState(state) || state is "completed" or TaskOutcomes.Succeeded or TaskOutcomes.Failed or TaskOutcomes.Cancelled or TaskOutcomes.Expired;

    public static bool Matches(SessionCommand.ListTasks list, TaskState task) =>
        (list.Kind is null || list.Kind == task.Spec.Kind)
        && (list.Group is null || list.Group == task.Spec.Group)
        && (list.CompletionGroup is null || list.CompletionGroup == task.Spec.CompletionGroup)
        && (list.State is null || (list.State == Live && task.End is null) || list.State == TaskViews.StateOf(task.Phase) || list.State == task.End?.Outcome);
}

using System.Text.Json;
using Backhaul.Protocol;

namespace Backhaul.Node.Sessions;

/// <summary>
/// From a session and a command to events or a refusal. Pure: it reads the session, never changes it, and gets time and randomness as
/// arguments. One line a command; the part that owns the matter decides.
/// </summary>
internal static class SessionDecider
{
    /// <param name="claimed">Destinations among those that the command names that other sessions' tasks own, read beforehand.</param>
    /// <param name="oldestKept">The first event that the journal still has, read beforehand for a command that needs it; null: it has none.</param>
    /// <param name="archived">Ended tasks among the ids that the command names, read from the archive beforehand.</param>
    public static Decision Decide(
        Session session, SessionCommand command, IReadOnlyDictionary<TaskId, TaskState> archived, DateTimeOffset now, string? traceParent = null,
        ClaimedElsewhere? claimed = null, long? oldestKept = null) => command switch
        {
            SessionCommand.Open open => Open(session, open, now),
            _ when session.Phase is SessionPhase.Absent => Absent(session),
            SessionCommand.Describe => Unchanged(session, 200),
            SessionCommand.End end => End(session, end.Mode, now),
            SessionCommand.SuspendAll pause => Pause(session, pause.Suspend, now),
            SessionCommand.AddTask add => TaskDecider.Add(session, add.Spec, archived, claimed ?? ClaimedElsewhere.Nothing, now, traceParent),
            SessionCommand.AddTasks add => TaskDecider.AddMany(session, add.Entries, archived, claimed ?? ClaimedElsewhere.Nothing, now, traceParent),
            SessionCommand.ChangeTask change => TaskDecider.Change(session, change.Task, change.Change, archived, now),
            SessionCommand.ResumeTask resume => TaskDecider.Resume(session, resume.Task, archived, now),
            SessionCommand.SuspendTask suspend => TaskDecider.Suspend(session, suspend.Task, archived, now),
            SessionCommand.CancelTask cancel => TaskDecider.Cancel(session, cancel.Task, archived, now),
            SessionCommand.AnswerChallenge answer => ChallengeDecider.Answer(session, answer, archived, now),
            SessionCommand.AnswerDelayedRequest answer => DelayedRequestDecider.Answer(session, answer, archived, now),
            SessionCommand.PutGroup put => GroupDecider.Put(session, put.Group, put.Mode, now),
            SessionCommand.ActOnGroup act => GroupDecider.Act(session, act.Group, act.Act, now),
            SessionCommand.OpenCompletionGroup open => CompletionDecider.Open(session, open.Group, now),
            SessionCommand.EnableCompletionGroup enable => CompletionDecider.Enable(session, enable.Group, now),
            SessionCommand.MakeCurrent make => GroupDecider.MakeCurrent(session, make.Task, archived, now),
            SessionCommand.KeepTask keep => PartKeeping.Decide(session, keep.Task, archived, now),
            SessionCommand.WantRanges want => RangeDecider.Want(session, want, archived, now),
            SessionCommand.CompleteLaunch complete => LaunchDecider.Complete(session, complete.Number, now),
            SessionCommand.EnableWebhook enable => WebhookControl.Enable(session, enable.Target, now),
            SessionCommand.DisableWebhook disable => WebhookControl.Disable(session, disable, now),
            SessionCommand.ReplayPush replay => WebhookControl.Replay(session, replay, oldestKept, now),
            SessionCommand.SetPrefetch set => PrefetchDecider.Set(session, set.Settings, now),
            SessionCommand.RemovePrefetch => PrefetchDecider.Remove(session, now),
            SessionCommand.Acknowledge acknowledge => Acknowledge(session, acknowledge.Through, now),
            _ => throw new InvalidOperationException($"{command.GetType().Name} is a query: nothing is decided."),
        };

    private static Decision Open(Session session, SessionCommand.Open open, DateTimeOffset now)
    {
        switch (session.Phase)
        {
            case SessionPhase.Absent or SessionPhase.Invalidated:
                var created = new SessionCreated(session.Generation + 1, ConfigurationBook.WithDefaults(open.Configuration), now) { KeepsUnread = session.Generation > 0 ? true : null };
                return new Decision([created], (after, conditions) => SessionViews.Reply(201, after, conditions, created: true));
            case SessionPhase.Invalidating:
                return Decision.Refuse(409, ProblemCodes.SessionInvalidated,
                    "This session is being ended. Wait for its sessionInvalidated event, then create it anew.");
        }
        var attached = LaunchDecider.Attach(session, now);
        var wanted = open.Configuration is null ? session.Configurations.Current : ConfigurationBook.WithDefaults(open.Configuration);
        if (open.Configuration is null || ConfigurationBook.AreSame(wanted, session.Configurations.Current))
            return new Decision(attached, (after, conditions) => SessionViews.Reply(200, after, conditions));
        if (wanted.Container != session.Configurations.Current.Container)
        {
            return Decision.Refuse(409, ProblemCodes.ImmutableField,
                $"The container of a session cannot change: it is {session.Configurations.Current.Container}. Use another identifier, or end this session first.", "container");
        }
        if (session.Configurations.IsFull && session.VersionsInUse().Count >= ConfigurationBook.VersionsMax)
        {
            return Decision.Refuse(409, ProblemCodes.SessionLimit,
                $"This session's tasks that have not ended, and its notifications that are not sent, were created under {ConfigurationBook.VersionsMax} configurations, which is the limit. "
                + "Wait for some to end, or cancel those of old configurations.");
        }
        return new Decision(
            [.. attached, new SessionConfigured(session.Configurations.Version + 1, wanted, now)],
            (after, conditions) => SessionViews.Reply(200, after, conditions));
    }

    private static Decision End(Session session, EndMode mode, DateTimeOffset now)
    {
        if (session.Ending is { Mode: EndMode.ForceQuit } && mode is EndMode.Finish)
            return Decision.Refuse(409, ProblemCodes.Busy, "A force quit of this session is being carried out. Send the same request again in a moment.");
        var isNews = session.Phase is SessionPhase.Active or SessionPhase.Invalidating
            && (session.Ending is not { } under || (under.Mode != mode && under.Mode is not EndMode.Cancel));
        var effective = session.Phase is SessionPhase.Invalidating && mode is EndMode.ForceQuit ? EndMode.Cancel : mode;
        IReadOnlyList<SessionEvent> events = isNews ? [new SessionEnding(effective, session.LastOrdinal, now)] : [];
        return new Decision(events, (after, conditions) => SessionViews.Reply(202, after, conditions));
    }

    private static Decision Pause(Session session, bool pause, DateTimeOffset now)
    {
        IReadOnlyList<SessionEvent> events = session.Paused == pause ? [] : [pause ? new SessionPaused(now) : new SessionUnpaused(now)];
        return new Decision(events, (after, conditions) => SessionViews.Reply(200, after, conditions));
    }

    private static Decision Acknowledge(Session session, long through, DateTimeOffset now)
    {
        var delivery = session.Delivery;
        if (through < 0 || through > delivery.LastNumber)
        {
            return Decision.Refuse(400, ProblemCodes.FutureEvent,
                $"The newest event has the number {delivery.LastNumber}; {through} cannot be acknowledged. Acknowledge the highest number you have handled.", "through");
        }
        return new Decision(WebhookDecider.Acknowledge(session, through, now), (after, _) => SessionViews.Json(200,
            new AckView { Acknowledged = after.Delivery.Acknowledged, Last = after.Delivery.LastNumber }, ProtocolJson.Default.AckView));
    }

    internal static Decision Unchanged(Session session, int status) =>
        new([], (after, conditions) => SessionViews.Reply(status, after, conditions));

    internal static Decision Absent(Session session) => Decision.Refuse(404, ProblemCodes.SessionNotFound,
        $"There is no session {session.Key.Identifier}. Create it with PUT /v1/sessions/{session.Key.Identifier}.");

    /// <summary>Two specs ask for the same when their persisted forms agree.</summary>
    internal static bool AreSame(TaskSpec one, TaskSpec other) =>
        JsonSerializer.SerializeToUtf8Bytes(one, SessionJson.Default.TaskSpec).AsSpan()
            .SequenceEqual(JsonSerializer.SerializeToUtf8Bytes(other, SessionJson.Default.TaskSpec));
}

namespace Backhaul.Node.Sessions;

/// <summary>What events ask of the world, noted while the state still shows what was before: attempts to stop, files to remove, limits and wishes to pass on.</summary>
internal static class TurnEffects
{
    /// <param name="turn">Where it is noted; it is done when the turn is durable.</param>
    /// <param name="session">The state before the event.</param>
    /// <param name="happened">The event.</param>
    public static void Note(SessionTurn turn, Session session, SessionEvent happened)
    {
        switch (happened)
        {
            case TaskSuspended or TaskCancelRequested:
                turn.Stops.Add(((TaskEvent)happened).Task);
                break;
            case TaskChanged { Change.BytesPerSecondMax: not null } changed:
                turn.Rates.Add(changed.Task);
                break;
            case TaskRangesWanted wanted:
                turn.Wishes.Add(wanted.Task);
                break;
            case SessionPaused:
                turn.Stops.UnionWith(session.Tasks.Active().Select(task => task.Id));
                break;
            case TaskCompleted { Outcome: TaskOutcomes.Succeeded } succeeded:
                turn.Publishes = true;
                if (session.Tasks[succeeded.Task] is { Run.Generation: > 1 } restarted)
                    turn.Discards.Add((session.FilesOf(restarted), false)); // parts of earlier generations
                if (succeeded.File is null && session.Tasks[succeeded.Task] is { Run.Attempt: > 1 } repeated && IsAnswer(repeated))
                    turn.Discards.Add((session.FilesOf(repeated), true));
                break;
            case TaskCompleted completed when session.Tasks[completed.Task] is { Run: not null } unfinished:
                turn.Discards.Add((session.FilesOf(unfinished), IsAnswer(unfinished)));
                break;
            case EventsAcknowledged acknowledged:
                turn.Discards.AddRange(session.Delivery.FreedBy(acknowledged.Through).Select(files => (files, true)));
                break;
            case EventsExpired expired:
                turn.Discards.AddRange(session.Delivery.FreedBy(expired.Through).Select(files => (files, true)));
                break;
        }
    }

    /// <summary>Its file is what its target answered: one that an attempt stored, and whose node died before that was on record, is nobody's.</summary>
    private static bool IsAnswer(TaskState task) => task.Spec.Kind is TaskKind.Upload;
}

using Backhaul.Node.Journal;
using Backhaul.Protocol;

namespace Backhaul.Node.Sessions;

/// <summary>What messages name that the live state does not hold, read before anything is decided: destinations of other sessions, and tasks that ended.</summary>
internal sealed class SessionLookups(Session session, SessionStorage storage, CancellationToken stop)
{
    private static readonly IReadOnlyDictionary<TaskId, TaskState> NoneArchived = new Dictionary<TaskId, TaskState>();

    /// <summary>One read for the destinations of all messages.</summary>
    public async ValueTask<ClaimedElsewhere> FindClaimedAsync(List<SessionMessage> messages)
    {
        if (session.Phase is SessionPhase.Absent)
            return ClaimedElsewhere.Nothing;
        List<Destination> wanted = [];
        foreach (var message in messages)
        {
            switch (message)
            {
                case SessionMessage.Prefetch { Step: var step }:
                    wanted.AddRange(PrefetchDecider.Destinations(session, step));
                    break;
                case SessionMessage.Execute { Command: SessionCommand.AddTask add } when session.DestinationOf(add.Spec) is { } destination:
                    wanted.Add(destination);
                    break;
                case SessionMessage.Execute { Command: SessionCommand.AddTasks add }:
                    wanted.AddRange(add.Entries.Select(entry => entry.Spec is { } spec ? session.DestinationOf(spec) : null).OfType<Destination>());
                    break;
            }
        }
        return wanted.Count == 0 ? ClaimedElsewhere.Nothing : await storage.FindClaimsAsync(wanted, stop);
    }

    /// <summary>The answer to a command that would have to wait for the store, and must not: it would hold up the session's transfers.</summary>
    public CommandReply.Unavailable? FindHindrance(SessionCommand command) => command is SessionCommand.ReplayPush && storage.IsSaving
        ? new CommandReply.Unavailable(UnavailableReason.Storage, TimeSpan.FromSeconds(1), "The session's journal is being trimmed; what it keeps is known in a moment. Send the same request again.")
        : null;

    /// <summary>The number of the first event that can be sent again; null when there is none, or the command does not ask.</summary>
    public async ValueTask<long?> FindOldestEventAsync(SessionCommand command) =>
        command is SessionCommand.ReplayPush && session.Phase is not SessionPhase.Absent
            ? await storage.FindOldestEventAsync(session.Delivery.ExpiredThrough, stop)
            : null;

    /// <summary>Ids that clients choose may belong to tasks that ended.</summary>
    public async ValueTask<IReadOnlyDictionary<TaskId, TaskState>> FindArchivedAsync(SessionCommand command, SessionTurn turn)
    {
        if (session.Ended.Total == 0)
            return NoneArchived;
        List<TaskId> ids = command switch
        {
            SessionCommand.AddTask { Spec.Id: { } id } => [id],
            SessionCommand.AddTasks add => [.. add.Entries.Where(entry => entry.Spec?.Id is not null).Select(entry => entry.Spec!.Id!.Value)],
            SessionCommand.ITaskCommand { Task: var id } => [id],
            _ => [],
        };
        ids.RemoveAll(id => session.Tasks.TryFind(id, out _));
        if (ids.Count == 0)
            return NoneArchived;
        Dictionary<TaskId, TaskState> found = [];
        foreach (var id in ids)
        {
            if (turn.Ended.TryGetValue(id, out var ended))
                found[id] = ended;
        }
        foreach (var row in await storage.FindArchivedAsync(session.Generation, ids, stop))
            found[row.Id] = row;
        return found;
    }
}

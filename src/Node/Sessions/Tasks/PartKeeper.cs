using Backhaul.Node.Files;

namespace Backhaul.Node.Sessions;

/// <summary>
/// What <see cref="PartKeeping"/> decided, done: parts are in their kept place before the event that says so. A crash in between keeps one for nothing, which its
/// age ends, and the next try finds it there. Whoever asked is answered when the task has ended. Belongs to one <see cref="SessionActor"/>.
/// </summary>
internal sealed class PartKeeper(SessionEnvironment environment, Session session, ILogger logger)
{
    /// <summary>Callers who wait for the end of an attempt that was told to stop; there is no more than one for each task unless they repeat themselves.</summary>
    private const int WaitingMax = 256;

    /// <summary>A link and the flush of a folder; a disk that takes longer would hold the session.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private readonly List<SessionMessage.Execute> _waiting = [];

    /// <summary>The events as they may be journaled. Throws when this node may not act for the session any more.</summary>
    public async ValueTask<IReadOnlyList<SessionEvent>> KeepAsync(IReadOnlyList<SessionEvent> events, long epoch)
    {
        if (!events.Any(happened => happened is TaskCompleted { Kept: not null }))
            return events;
        var confirmed = new List<SessionEvent>(events.Count);
        foreach (var happened in events)
            confirmed.Add(happened is TaskCompleted { Kept: { } kept } ended ? await KeepAsync(ended, kept, epoch) : happened);
        return confirmed;
    }

    /// <summary>The caller is answered when the task has ended.</summary>
    public void Wait(SessionMessage.Execute execute)
    {
        _waiting.RemoveAll(static waiting => waiting.Reply.IsAnswered);
        if (_waiting.Count < WaitingMax)
        {
            _waiting.Add(execute);
            return;
        }
        execute.Reply.TryAnswer(new CommandReply.Unavailable(
            UnavailableReason.Full, TimeSpan.FromSeconds(1), "Too many callers wait for tasks of this session to end. Send the same request again."));
    }

    /// <summary>Those whose task has ended, and who still want to know. They stay until they are answered: the turn may fail before that.</summary>
    public IReadOnlyList<SessionMessage.Execute> Ended()
    {
        if (_waiting.Count == 0)
            return [];
        _waiting.RemoveAll(static waiting => waiting.Reply.IsAnswered);
        return _waiting.FindAll(waiting => !session.Tasks.TryFind(((SessionCommand.ITaskCommand)waiting.Command).Task, out _));
    }

    public IReadOnlyList<SessionMessage.Execute> TakeAll()
    {
        var all = _waiting.ToArray();
        _waiting.Clear();
        return all;
    }

    private async ValueTask<TaskCompleted> KeepAsync(TaskCompleted ended, KeptPart kept, long epoch)
    {
        try
        {
            var files = session.FilesOf(session.Tasks[ended.Task]);
            var outcome = await environment.Runner.KeepAsync(files, epoch, environment.Trust, kept).WaitAsync(Patience, environment.Time);
            return outcome.Age is { } age ? ended with { Kept = kept with { Until = kept.At + age } } : PartKeeping.WithoutPart(ended, outcome.WhyNot!);
        }
        catch (Exception refused) when (refused is IOException or TimeoutException)
        {
            logger.KeepFailed(session.Key, ended.Task, refused);
            return PartKeeping.WithoutPart(ended, refused is TimeoutException ? $"The disk did not keep its part within {Patience.TotalSeconds:0} seconds." : refused.Message);
        }
    }
}

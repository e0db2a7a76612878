using Backhaul.Node.Files;

namespace Backhaul.Node.Sessions;

/// <summary>
/// What <see cref="PartKeeping"/> decided, done: parts are in their kept place before the event that says so. A crash in between keeps one for nothing, which its
/// age ends, and the next try finds it there. Belongs to one <see cref="SessionActor"/>.
/// </summary>
internal sealed class PartKeeper(SessionEnvironment environment, Session session, ILogger logger)
{
    /// <summary>A link and the flush of a folder; a disk that takes longer would hold the session.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

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

using Backhaul.Node.Actors;
using Backhaul.Node.Transfers;
using Backhaul.Protocol;

namespace Backhaul.Node.Sessions;

/// <summary>
/// What tasks that ended left in the world: files are removed, and targets are told to forget uploads, a few at a time. Both go on beside the mailbox. A file whose
/// removal is lost is swept; an upload stays in the session's state until the outcome of its telling is an event, so a restart tells again.
/// </summary>
internal sealed class SessionRemains(SessionEnvironment environment, Session session, ILogger logger)
{
    private const int TellingsMax = 4;

    private readonly HashSet<(int Generation, TaskId Task)> _underWay = [];

    public async Task DiscardAsync(TaskFiles files, long epoch, bool resultToo)
    {
        try
        {
            await environment.Runner.DiscardAsync(files, epoch, resultToo);
        }
        catch (Exception failure)
        {
            logger.DiscardFailed(session.Key, files.Task, failure);
        }
    }

    /// <summary>Tells of as many uploads as may be told of at once.</summary>
    public void GiveUp(long epoch, ActorRef<SessionMessage> self)
    {
        foreach (var upload in session.Abandoned.All)
        {
            if (_underWay.Count >= TellingsMax)
                return;
            if (_underWay.Add((upload.Generation, upload.Task.Id)))
                _ = TellAsync(AttemptOrders.ToGiveUp(session.Key, upload, epoch, environment.Trust), self);
        }
    }

    /// <summary>Nothing when it was recorded already: a telling that began before a restart of the actor may end after the one that followed it.</summary>
    public IReadOnlyList<SessionEvent> GaveUp(SessionMessage.GaveUp report, DateTimeOffset now)
    {
        _underWay.Remove((report.Generation, report.Task));
        return session.Abandoned.Contains(report.Generation, report.Task) ? [new UploadAbandoned(report.Generation, report.Task, report.Told, now)] : [];
    }

    private async Task TellAsync(AttemptOrder order, ActorRef<SessionMessage> self)
    {
        var told = false;
        try
        {
            told = await environment.Runner.AbandonUploadAsync(order);
        }
        catch (Exception failure)
        {
            logger.DiscardFailed(session.Key, order.Files.Task, failure);
        }
        await self.PostAsync(new SessionMessage.GaveUp(order.Files.Generation, order.Files.Task, told), CancellationToken.None);
    }
}

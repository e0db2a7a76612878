using System.Globalization;
using Backhaul.Node.Actors;
using Backhaul.Protocol;

namespace Backhaul.Node.Sessions;

/// <summary>
/// What prefetching needs of the world: the list that was fetched is read beside the mailbox, and each step comes back as a message, so that the destinations
/// it takes are looked up like those of a client's tasks. One step at a time. Nothing here is remembered: after a crash the state says what is to be done.
/// </summary>
internal sealed class PrefetchSteps(SessionEnvironment environment, Session session, ILogger logger)
{
    private bool _isUnderWay;
    private (long Round, IReadOnlyList<PrefetchUrl> Urls)? _list;

    public void Act(DateTimeOffset now, ActorRef<SessionMessage> self)
    {
        var need = PrefetchDecider.NeedOf(session, now);
        if (need is PrefetchNeed.None || _isUnderWay)
            return;
        _isUnderWay = true;
        var prefetch = session.Prefetch;
        _ = need is PrefetchNeed.Begin
            ? PostAsync(new PrefetchStep(need, prefetch.LastRound + 1), self)
            : _list is var (round, urls) && round == prefetch.LastRound
                ? PostAsync(new PrefetchStep(need, round, urls), self)
                : ReadAsync(prefetch.LastRound, prefetch.Settings!.FileOf(prefetch.Settings.List!.Name), self);
    }

    public IReadOnlyList<SessionEvent> Take(PrefetchStep step, ClaimedElsewhere claimed, DateTimeOffset now)
    {
        _isUnderWay = false;
        var events = PrefetchDecider.Take(session, step, claimed, now);
        _list = step.Listed is { } urls && !events.Any(happened => happened is PrefetchListed { IsLast: true }) ? (step.Round, urls) : null;
        return events;
    }

    private async Task ReadAsync(long round, FileReference file, ActorRef<SessionMessage> self)
    {
        IReadOnlyList<PrefetchUrl>? urls = null;
        string fault;
        try
        {
            var content = await environment.Runner.ReadFileAsync(session.Key.Tenant, file, PrefetchSettings.ListBytesMax);
            fault = "The file of the list is gone.";
            if (content is not null)
                urls = UrlList.Read(content, PrefetchSettings.ListedMax, out fault)?.Select(Judge).ToList();
        }
        catch (Exception failure)
        {
            logger.PrefetchListUnread(session.Key, round, failure);
            fault = failure is IOException ? failure.Message : "The file of the list could not be read.";
        }
        var error = urls is null ? new TaskError { Code = ProblemCodes.InvalidList, Message = fault } : null;
        await PostAsync(new PrefetchStep(PrefetchNeed.List, round, urls, error), self);
    }

    /// <summary>Of what no task can fetch no text is kept, which may hold a password: it is told by its place in the list.</summary>
    private PrefetchUrl Judge(string clear, int index)
    {
        if (UrlText.FaultOf(clear, "URL") is { } fault)
            return PrefetchUrl.Of(string.Create(CultureInfo.InvariantCulture, $"entry {index + 1} of the list")) with { Fault = fault };
        var url = PrefetchUrl.Of(clear);
        return url with { Url = environment.Runner.SealUrl(session.Key.Tenant, url.Url) };
    }

    private static async Task PostAsync(PrefetchStep step, ActorRef<SessionMessage> self) =>
        await self.PostAsync(new SessionMessage.Prefetch(step), CancellationToken.None);
}

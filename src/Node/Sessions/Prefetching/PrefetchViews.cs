using Backhaul.Node.Transfers;
using Backhaul.Protocol;

namespace Backhaul.Node.Sessions;

/// <summary>From what a session prefetches to what clients see of it.</summary>
internal static class PrefetchViews
{
    public static CommandReply Reply(Session session) => Reply(200, session, created: false, withItems: true);

    /// <summary>Of a command: journaled with its key, so without the URLs of the round, which may be too many for a row.</summary>
    public static CommandReply ReplyToCommand(int status, Session session, bool created) => Reply(status, session, created, withItems: false);

    private static CommandReply Reply(int status, Session session, bool created, bool withItems) =>
        SessionViews.Json(status, View(session, session.Prefetch.Settings!, created, withItems), ProtocolJson.Default.PrefetchView);

    private static PrefetchView View(Session session, PrefetchSettings settings, bool created, bool withItems) => new()
    {
        Urls = [.. settings.Urls.Select(url => ShownUrl.Of(url.Url))],
        ListUrl = ShownUrl.Of(settings.List?.Url),
        Every = settings.Every,
        Container = settings.Container!,
        Prefix = settings.Prefix!,
        LastSuccessfulPrefetch = session.Prefetch.LastSuccess,
        NextRoundAt = session.Prefetch.IsRunning ? session.Prefetch.DueAt : PrefetchDecider.BeginsAt(session),
        Round = session.Prefetch.Run is { } run ? RoundOf(session.Prefetch, run, settings, withItems) : null,
        Created = created ? true : null,
    };

    private static PrefetchRound RoundOf(PrefetchState prefetch, PrefetchRun run, PrefetchSettings settings, bool withItems)
    {
        var entries = prefetch.Entries;
        var succeeded = entries.Count(entry => entry.Outcome == TaskOutcomes.Succeeded);
        var pending = entries.Count(entry => entry.Outcome is null);
        return new PrefetchRound
        {
            Number = run.Number,
            State = run.IsStopped ? "stopped" : run.EndedAt is null ? "running" : run.Succeeded ? "succeeded" : "failed",
            StartedAt = run.StartedAt,
            EndedAt = run.EndedAt,
            Succeeded = succeeded,
            Failed = entries.Count - succeeded - pending,
            Pending = pending,
            Unchanged = entries.Count(entry => entry.SparedBytes is not null),
            BytesSpared = entries.Sum(entry => entry.SparedBytes ?? 0),
            ListError = run.ListError,
            Items = withItems ? [.. entries.Select(entry => ItemOf(entry, run, PlaceOf(run, settings)))] : [],
        };
    }

    /// <summary>Its own, whatever the settings are by now. A round of an older build does not say: where the settings are, unless they stopped it.</summary>
    private static PrefetchPlace? PlaceOf(PrefetchRun run, PrefetchSettings settings) => run.Place ?? (run.IsStopped ? null : settings.Place);

    private static PrefetchItem ItemOf(PrefetchEntry entry, PrefetchRun run, PrefetchPlace? place) => new()
    {
        Url = ShownUrl.Of(entry.Url),
        File = entry.Task is null ? null : place?.FileOf(entry.Name),
        Task = entry.Task?.ToString(),
        Outcome = entry.Outcome,
        Unchanged = entry.SparedBytes is not null ? true : null,
        Error = entry.Error,
        IsList = entry.Task is not null && entry.Task == run.List ? true : null,
    };
}

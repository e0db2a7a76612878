using Backhaul.Node.Journal;
using Backhaul.Node.Transfers;
using Backhaul.Protocol;

namespace Backhaul.Node.Sessions;

/// <summary>What prefetching has to do that only its shell can: read a file, or look up which destinations others own.</summary>
internal enum PrefetchNeed
{
    None,

    /// <summary>A round is due.</summary>
    Begin,

    /// <summary>The list was fetched: it is to be read.</summary>
    List,
}

/// <summary>
/// What a session prefetches, when, and what a round comes to. Pure. The tasks of a round are ordinary ones, discretionary, marked, and not the client's: they
/// are counted, archived and told of nowhere but in the view of what is prefetched, and launch nobody. Each ends by the time the next round is due.
/// </summary>
internal static class PrefetchDecider
{
    /// <summary>Of a list, in one append: their rows stay far below its limits however they are written.</summary>
    private const int SliceUrlsMax = 100;
    private const int SliceBytesMax = 96 * 1024;

    public static Decision Set(Session session, PrefetchSettings asked, DateTimeOffset now)
    {
        if (session.Phase is not SessionPhase.Active)
            return Decision.Refuse(409, ProblemCodes.SessionInvalidated, "This session was ended: it prefetches nothing any more. Create it anew with PUT when its sessionInvalidated event is there.");
        var settings = asked.WithDefaults(session);
        var before = session.Prefetch.Settings;
        IReadOnlyList<SessionEvent> events = before?.IsSameAs(settings) == true ? [] : [new PrefetchSet(settings, now)];
        return new Decision(events, (after, _) => PrefetchViews.ReplyToCommand(before is null ? 201 : 200, after, created: before is null));
    }

    /// <summary>Answered with what it was; files stay.</summary>
    public static Decision Remove(Session session, DateTimeOffset now)
    {
        if (session.Prefetch.Settings is null)
            return NotFound(session);
        var was = PrefetchViews.ReplyToCommand(200, session, created: false);
        return new Decision([new PrefetchRemoved(now)], (_, _) => was);
    }

    public static Decision NotFound(Session session) => Decision.Refuse(404, ProblemCodes.PrefetchNotFound,
        $"Session {session.Key.Identifier} prefetches nothing. Say what with PUT /v1/sessions/{session.Key.Identifier}/prefetch.");

    public static PrefetchNeed NeedOf(Session session, DateTimeOffset now) =>
        !MayGoOn(session) ? PrefetchNeed.None
        : session.Prefetch.AwaitsList ? PrefetchNeed.List
        : BeginsAt(session) <= now ? PrefetchNeed.Begin
        : PrefetchNeed.None;

    /// <summary>When a round begins if nothing happens until then; null while something else has to happen first.</summary>
    public static DateTimeOffset? BeginsAt(Session session) =>
        MayGoOn(session) && !session.Launching.IsHeld && session.Prefetch is { IsRunning: false, LiveCount: 0 } prefetch ? prefetch.DueAt : null;

    /// <summary>The destinations that a step is about to take.</summary>
    public static IEnumerable<Destination> Destinations(Session session, PrefetchStep step) => session.Prefetch.Settings is { } settings
        ? UrlsOf(session, step, settings).Select(url => DestinationOf(session, settings.FileOf(url.Name)))
        : [];

    /// <summary>The events of a step whose shell has done its part; none when it is late.</summary>
    public static IReadOnlyList<SessionEvent> Take(Session session, PrefetchStep step, ClaimedElsewhere claimed, DateTimeOffset now)
    {
        var (need, prefetch) = (NeedOf(session, now), session.Prefetch);
        if (need != step.Need || step.Round != (need is PrefetchNeed.Begin ? prefetch.LastRound + 1 : prefetch.LastRound))
            return [];
        if (step.Error is { } error)
            return [new PrefetchListed(step.Round, 0, IsLast: true, now) { Error = error }];
        var urls = UrlsOf(session, step, prefetch.Settings!);
        var until = (need is PrefetchNeed.Begin ? now : prefetch.Run!.StartedAt) + prefetch.Settings!.Every;
        var (created, refused) = Create(session, urls, until, claimed, now);
        if (need is PrefetchNeed.List)
        {
            var through = prefetch.Run!.ListedThrough + urls.Count;
            return [new PrefetchListed(step.Round, through, through >= step.Listed!.Count, now) { Refused = refused }, .. created];
        }
        var list = prefetch.Settings.List is { } wanted ? created.Find(task => task.Spec.Destination == prefetch.Settings.FileOf(wanted.Name))?.Task : null;
        return [new PrefetchBegan(step.Round, list, now) { Refused = refused }, .. created];
    }

    /// <summary>What a round asks for by itself: tasks of one that stopped are cancelled, and one without any ends.</summary>
    public static IReadOnlyList<SessionEvent> Continue(Session session, DateTimeOffset now)
    {
        var prefetch = session.Prefetch;
        if (prefetch.Run is not { EndedAt: null } run)
            return [];
        var stops = run.IsStopped || session.Phase is not SessionPhase.Active;
        if (prefetch.LiveCount > 0)
        {
            var code = session.Ending is { Mode: EndMode.ForceQuit } ? TransferCodes.ForceQuit : TransferCodes.Cancelled;
            return !stops ? [] :
            [
                .. prefetch.Live.Select(id => session.Tasks[id]).Where(task => task.Phase is not TaskPhase.Canceling).Take(AttemptDecider.StepTasksMax)
                    .SelectMany(task => TaskDecider.EndTask(task, code, now)),
            ];
        }
        if (!stops && prefetch.AwaitsList)
            return [];
        var succeeded = !stops && run.ListError is null && prefetch.Entries.All(entry => entry.Outcome == TaskOutcomes.Succeeded);
        return [new PrefetchEnded(run.Number, succeeded, now)];
    }

    private static bool MayGoOn(Session session) => session is { Phase: SessionPhase.Active, Paused: false, Prefetch.Settings: not null };

    /// <summary>Each once, and not what the round has already.</summary>
    private static List<PrefetchUrl> UrlsOf(Session session, PrefetchStep step, PrefetchSettings settings)
    {
        if (step.Need is PrefetchNeed.Begin)
            return [.. settings.List is { } list ? settings.Urls.Prepend(list) : settings.Urls];
        List<PrefetchUrl> slice = [];
        var bytes = 0;
        foreach (var url in (step.Listed ?? []).Skip(session.Prefetch.Run?.ListedThrough ?? 0))
        {
            bytes += url.Url.Length;
            if (slice.Count == SliceUrlsMax || (bytes > SliceBytesMax && slice.Count > 0))
                break;
            slice.Add(url);
        }
        return slice;
    }

    private static (List<TaskCreated> Created, List<PrefetchRefusal>? Refused) Create(
        Session session, List<PrefetchUrl> urls, DateTimeOffset until, ClaimedElsewhere claimed, DateTimeOffset now)
    {
        var settings = session.Prefetch.Settings!;
        var isFirst = !session.Prefetch.IsRunning; // entries of the round before are not this one's
        List<TaskCreated> created = new(urls.Count);
        List<PrefetchRefusal> refused = [];
        HashSet<string> seen = new(StringComparer.Ordinal);
        foreach (var url in urls)
        {
            if (!seen.Add(url.Name) || (!isFirst && session.Prefetch.Has(url.Name)))
                continue;
            var file = settings.FileOf(url.Name);
            if (Refuse(session, url, file, claimed, created.Count) is { } why)
            {
                refused.Add(new PrefetchRefusal(url.Url, url.Name, why));
                continue;
            }
            var ordinal = session.LastOrdinal + 1 + created.Count;
            created.Add(new TaskCreated(TaskId.FromOrdinal(ordinal), ordinal, SpecOf(url.Url, file, until, url == settings.List), session.Configurations.Version, now)
            {
                Discretionary = true,
                Prefetch = true,
            });
        }
        return (created, refused.Count > 0 ? refused : null);
    }

    private static TaskSpec SpecOf(string url, FileReference file, DateTimeOffset until, bool isList) => new()
    {
        Kind = TaskKind.Download,
        Url = url,
        Method = "GET",
        Destination = file,
        Priority = 0,
        Deadline = until,
        MaxBytes = isList ? PrefetchSettings.ListBytesMax : null,
    };

    private static TaskError? Refuse(Session session, PrefetchUrl url, FileReference file, ClaimedElsewhere claimed, int more)
    {
        if (url.Fault is { } fault)
            return fault;
        if (session.Tasks.Count + more >= session.Options.LiveTasksMax)
            return new TaskError { Code = ProblemCodes.SessionLimit, Message = "The session has as many tasks as it may have." };
        return session.Tasks.IsDestinationTaken(file.Container!.Value, file.Path) || claimed.Find(DestinationOf(session, file)) is not null
            ? new TaskError { Code = ProblemCodes.DestinationTaken, Message = $"Another task that has not ended writes to {file}." }
            : null;
    }

    private static Destination DestinationOf(Session session, FileReference file) => Destination.Of(session.Key.Tenant, file.Container!.Value, file.Path);
}

/// <summary>What the shell found out for a round that begins, or for its list: what it names, or what is wrong with it.</summary>
internal sealed record PrefetchStep(PrefetchNeed Need, long Round, IReadOnlyList<PrefetchUrl>? Listed = null, TaskError? Error = null);

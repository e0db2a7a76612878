using System.Text.Json;
using Backhaul.Node.Delivery;
using Backhaul.Node.Sessions;
using Backhaul.Protocol;
using Backhaul.Simulation.Tests.Runs;

namespace Backhaul.Simulation.Tests.Invariants;

/// <summary>
/// D1 to D5: what goes out as webhooks, and what is written down about it. Each check hangs on the moment of sending, of arriving, or of the commit.
/// After the store was put back nothing is checked: numbers are given out twice then.
/// </summary>
internal sealed class WebhookChecks(Func<TimeSpan> now, Func<SessionKey, JournalShadow?> journalOf, Func<bool> isExcused)
{
    /// <summary>A message that was decided on just before may still be sent: its child reads the journal meanwhile.</summary>
    private static readonly TimeSpan Late = TimeSpan.FromSeconds(45);

    private readonly Dictionary<SessionKey, Book> _books = [];
    private readonly Dictionary<string, (SessionKey Session, string Kind, long Number)> _byId = new(StringComparer.Ordinal);
    private long _instances;

    /// <summary>The kind of webhook that tells of a task's end.</summary>
    public const string Notify = "notify";

    public LaunchChecks Launches { get; } = new(now);

    public NotificationChecks Notifications { get; } = new(now);

    public long Sent { get; private set; }

    /// <summary>That came to their end.</summary>
    public long Replays { get; private set; }

    /// <summary>What a message is about, by its data.</summary>
    public static long NumberOf(string kind, JsonElement data) => data.GetProperty(kind switch { "launch" => "launch", Notify => "event", _ => "number" }).GetInt64();

    /// <summary>A session's actor was made: it knows nothing of what others sent and did not write down.</summary>
    public long NewInstance() => ++_instances;

    /// <summary>Before the command leaves the client.</summary>
    public void OnClientAcknowledges(SessionKey session, long through)
    {
        var book = Of(session);
        book.AckedByClient = Math.Max(book.AckedByClient, through);
    }

    /// <summary>A node makes a request.</summary>
    public void OnSent(IWatchedNode node, long instance, WebhookMessage message)
    {
        Sent++;
        if (isExcused())
            return;
        using var json = JsonDocument.Parse(message.Body);
        var type = json.RootElement.GetProperty("type").GetString()!;
        var data = json.RootElement.GetProperty("data");
        var kind = message.IsNotification ? Notify : type == CloudEvent.TypePrefix + "launch" ? "launch" : "push";
        var number = NumberOf(kind, data);
        CheckId(message, kind, number);
        var (book, journal) = (Of(message.Session), journalOf(message.Session)!);
        if (kind == "push")
            CheckPush(node, message, book, journal, JsonSerializer.Deserialize(data.GetRawText(), ProtocolJson.Default.EventView)!);
        else if (kind == Notify)
            Notifications.OnSent(node, message, number, type, data);
        else if (!node.IsExcused)
            Launches.CheckSent(message.Session, number);
        CheckRepetition(instance, message, book, kind, number);
    }

    /// <summary>A receiver has it. Taken: it will say so, whether or not anybody hears it.</summary>
    public void OnArrived(SessionKey session, string kind, long number, int? status)
    {
        if (status is 204)
            Of(session).Taken.Add((kind, number));
        if (status is 204 && kind == "push")
            Of(session).Replay?.Taken.Add(number);
        if (kind == Notify)
            Notifications.OnArrived(session, number, status);
        if (kind == "launch" && !isExcused())
            Launches.OnArrived(session, number);
    }

    /// <summary>An event is durable.</summary>
    public void OnDurable(JournalShadow journal, SessionEvent happened)
    {
        if (isExcused())
            return;
        var book = Of(journal.Session);
        switch (happened)
        {
            case EventsAcknowledged acknowledged:
                if (acknowledged.Through > book.AckedByClient)
                    CheckTaken(book, journal, "push", acknowledged.Through);
                book.Advance(acknowledged.Through, now());
                break;
            case EventsExpired expired:
                book.Advance(expired.Through, now());
                break;
            case WebhookDelivered { Target: WebhookTarget.Push, Status: null } nothing:
                CheckNoneWanted(book, journal, nothing.Number + 1);
                OnHandled(book, journal, nothing.Number);
                break;
            case WebhookDelivered { Target: WebhookTarget.Push } taken:
                CheckTaken(book, journal, "push", taken.Number);
                OnHandled(book, journal, taken.Number);
                break;
            case PushReplayed replayed:
                book.Begin(new Replay(replayed.From, replayed.Through ?? journal.LastNumber) { ChangedAt = now() }, now());
                break;
            case WebhookDelivered { Target: WebhookTarget.Launch } launched:
                CheckTaken(book, journal, "launch", launched.Number);
                break;
            case WebhookDelivered { Target: WebhookTarget.Notify } told:
                CheckTaken(book, journal, Notify, told.Number);
                break;
            case WebhookFailed failed:
                book.Count(failed.Target switch { WebhookTarget.Push => "push", WebhookTarget.Launch => "launch", _ => Notify }, failed.Number);
                break;
            case WebhookDisabled { Target: WebhookTarget.Push }:
                book.DisabledAt = now();
                book.Replay?.End(now());
                break;
            case WebhookEnabled or SessionConfigured or SessionCreated:
                (book.DisabledAt, book.Changes) = (null, book.Changes + 1);
                break;
        }
        Launches.OnDurable(journal, happened);
        Notifications.OnDurable(journal, happened);
    }

    /// <summary>D6: a replay that has come to its end has sent everything that is wanted of it, and it was taken.</summary>
    private void OnHandled(Book book, JournalShadow journal, long number)
    {
        book.Advance(number, now());
        if (book.Replay is not { IsOver: false } replay)
            return;
        replay.After = Math.Max(replay.After, number);
        if (replay.After < replay.Until)
            return;
        replay.End(now());
        Replays++;
        var push = journal.Fold.Configurations.Current.Push;
        for (var next = replay.From; journal.Events.FirstWanted(push, next - 1, replay.Until + 1) is { } wanted; next = wanted + 1)
        {
            if (!replay.Taken.Contains(wanted))
                throw new InvariantBrokenException("D6", $"The replay of {journal.Session} from {replay.From} to {replay.Until} is over, and its receiver did not take event {wanted} again.");
        }
    }

    /// <summary>D5: one id for one message, wherever and however often it is sent.</summary>
    private void CheckId(WebhookMessage message, string kind, long number)
    {
        var about = (message.Session, kind, number);
        if (!_byId.TryAdd(message.Id, about) && _byId[message.Id] != about)
            throw new InvariantBrokenException("D5", $"The id {message.Id} stands for {_byId[message.Id]} and for {about}.");
        if (Of(message.Session).Ids.TryGetValue((kind, number), out var known) && known != message.Id)
            throw new InvariantBrokenException("D5", $"{kind} {number} of {message.Session} is sent as {message.Id}, and was sent as {known}.");
        Of(message.Session).Ids[(kind, number)] = message.Id;
    }

    /// <summary>D2, D3: in order, nothing left out, nothing that is on record as taken.</summary>
    private void CheckPush(IWatchedNode node, WebhookMessage message, Book book, JournalShadow journal, EventView view)
    {
        journal.Events.CheckSeen(view, "A webhook");
        if (node.IsExcused)
            return;
        var push = journal.Fold.Configurations.Current.Push;
        var isReplayed = book.Replays(now() - Late).Any(replay => replay.Covers(now() - Late, view.Number) && journal.Events.FirstWanted(push, replay.After, view.Number) is null);
        if (!isReplayed && journal.Events.FirstWanted(push, book.After, view.Number) is { } skipped)
            throw new InvariantBrokenException("D2", $"{node.Name} pushes event {view.Number} of {message.Session}, and {skipped} was neither taken nor acknowledged.");
        if (!isReplayed && book.AfterAt(now() - Late) >= view.Number)
            throw new InvariantBrokenException("D3", $"{node.Name} pushes event {view.Number} of {message.Session}, which was handled up to {book.After} long ago.");
        if (book.DisabledAt is { } disabled && now() - disabled > Late)
            throw new InvariantBrokenException("D3", $"{node.Name} pushes event {view.Number} of {message.Session}, whose receiver said that it wants no more.");
    }

    /// <summary>D4: the same actor sends a message again only after its failure is on record; so a node that dies after sending costs one repetition.</summary>
    private void CheckRepetition(long instance, WebhookMessage message, Book book, string kind, long number)
    {
        var failures = book.Failures.GetValueOrDefault((kind, number)) + book.Changes;
        var key = (instance, kind, number);
        var (sends, before) = book.Sends.GetValueOrDefault(key, (0, failures));
        if (sends > failures - before)
            throw new InvariantBrokenException("D4", $"{kind} {number} of {message.Session} is sent for the {sends + 1}. time by one actor, and {failures - before} failures are on record since.");
        book.Sends[key] = (sends + 1, before);
    }

    /// <summary>D1: what is on record as taken was taken, and so was all that comes before it.</summary>
    private static void CheckTaken(Book book, JournalShadow journal, string kind, long number)
    {
        if (!book.Taken.Contains((kind, number)))
            throw new InvariantBrokenException("D1", $"{kind} {number} of {journal.Session} is on record as taken, and its receiver took nothing of the kind.");
        if (kind == "push")
            CheckNoneWanted(book, journal, number);
    }

    private static void CheckNoneWanted(Book book, JournalShadow journal, long before)
    {
        if (journal.Events.FirstWanted(journal.Fold.Configurations.Current.Push, book.After, before) is { } lost)
            throw new InvariantBrokenException("D1", $"The push of {journal.Session} goes on to {before}, and event {lost} was neither taken nor acknowledged.");
    }

    private Book Of(SessionKey session)
    {
        if (!_books.TryGetValue(session, out var book))
            _books.Add(session, book = new Book());
        return book;
    }

    private sealed class Book
    {
        private readonly List<(TimeSpan At, long After)> _advances = [];
        private readonly List<Replay> _replaced = [];

        public long AckedByClient { get; set; }

        /// <summary>Everything up to here is on record as handled.</summary>
        public long After { get; private set; }

        public TimeSpan? DisabledAt { get; set; }

        /// <summary>The newest one.</summary>
        public Replay? Replay { get; private set; }

        /// <summary>Of the target: then it counts anew.</summary>
        public int Changes { get; set; }

        public HashSet<(string Kind, long Number)> Taken { get; } = [];

        public Dictionary<(string Kind, long Number), string> Ids { get; } = [];

        public Dictionary<(string Kind, long Number), int> Failures { get; } = [];

        public Dictionary<(long Instance, string Kind, long Number), (int Sends, int FailuresBefore)> Sends { get; } = [];

        /// <summary>It takes the place of one under way, whose last message may still be sent.</summary>
        public void Begin(Replay replay, TimeSpan at)
        {
            if (Replay is { } replaced)
            {
                replaced.End(at);
                _replaced.Add(replaced);
            }
            (Replay, Changes) = (replay, Changes + 1);
        }

        /// <summary>The newest one, and those in whose place it came since then.</summary>
        public IEnumerable<Replay> Replays(TimeSpan since) => _replaced.Where(replaced => replaced.ChangedAt > since).Concat(Replay is { } newest ? [newest] : []);

        public void Count(string kind, long number) => Failures[(kind, number)] = Failures.GetValueOrDefault((kind, number)) + 1;

        public void Advance(long number, TimeSpan at)
        {
            if (number <= After)
                return;
            After = number;
            _advances.Add((at, number));
        }

        public long AfterAt(TimeSpan moment) => _advances.FindLast(advance => advance.At <= moment).After;
    }

    /// <summary>Events that are sent once more, from the first to the last.</summary>
    private sealed class Replay(long from, long until)
    {
        public long From => from;

        public long Until => until;

        public long After { get; set; } = from - 1;

        public bool IsOver { get; private set; }

        public TimeSpan ChangedAt { get; set; }

        /// <summary>Since it began.</summary>
        public HashSet<long> Taken { get; } = [];

        public void End(TimeSpan at) => (IsOver, ChangedAt) = (true, IsOver ? ChangedAt : at);

        /// <summary>It goes on, or went on until a moment ago: its last message may be under way.</summary>
        public bool Covers(TimeSpan since, long number) => number >= From && number <= Until && (!IsOver || ChangedAt > since);
    }
}

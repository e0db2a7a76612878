using Backhaul.Node.Sessions;
using Backhaul.Protocol;
using Backhaul.Simulation.Tests.Runs;

namespace Backhaul.Simulation.Tests.Invariants;

/// <summary>
/// L1 to L4: how often absent clients are launched. The rows are held against the limiter's and the budget's rules, written down here once more; what arrives
/// at receivers is held against the clock of the world, where the machines' clocks agree.
/// </summary>
internal sealed class LaunchChecks(Func<TimeSpan> now)
{
    private static readonly TimeSpan Late = TimeSpan.FromSeconds(45);
    private static readonly TimeSpan PresenceCountsFor = TimeSpan.FromMinutes(2);

    /// <summary>Machines whose clocks agree do so to a fraction of this.</summary>
    private static readonly TimeSpan ClocksDiffer = TimeSpan.FromSeconds(1);

    /// <summary>The time of day when the world began, where clocks agree.</summary>
    private static readonly DateTimeOffset Began = new(2030, 1, 1, 0, 0, 0, TimeSpan.Zero);

    private readonly Dictionary<SessionKey, Book> _books = [];
    private readonly Dictionary<SessionKey, SessionConfiguration> _promises = [];

    /// <summary>False: wall clocks differ by minutes, and what they say is held against the rows only.</summary>
    public bool ClocksAgree { get; set; }

    public long Arrived { get; private set; }

    /// <summary>The delay behind the launch of a level: 60 s, 2 min, 4 min … 4 h.</summary>
    public static TimeSpan DelayOf(int level) => TimeSpan.FromSeconds(Math.Min(4 * 3600, 60 * Math.Pow(2, level - 1)));

    /// <summary>What the client of a session asked for: it holds, whatever the session made of it.</summary>
    public void OnPromised(SessionKey session, SessionConfiguration asked) => _promises[session] = asked;

    public TimeSpan? RetentionOf(SessionKey session) => _promises.GetValueOrDefault(session)?.EventRetention;

    /// <summary>A client opens the session, attaches, or is attached.</summary>
    public void OnPresent(SessionKey session) => Of(session).PresentAt = now();

    public void OnDurable(JournalShadow journal, SessionEvent happened)
    {
        switch (happened)
        {
            case SessionCreated:
                _books[journal.Session] = new Book { Number = _books.TryGetValue(journal.Session, out var before) ? before.Number : 0, PresentAt = now() };
                break;
            case LaunchRequested requested:
                OnRequested(journal, Of(journal.Session), requested);
                break;
            case WebhookDelivered { Target: WebhookTarget.Launch } delivered when Of(journal.Session) is var book && book.Number == delivered.Number:
                (book.IsDelivered, book.Until) = (true, Later(book.Until, delivered.At + DelayOf(book.Level)));
                break;
            case LaunchEnded ended:
                Of(journal.Session).EndedAt[ended.Number] = now();
                break;
            case ClientAttached:
                OnRested(journal.Session, Of(journal.Session));
                break;
        }
    }

    /// <summary>L3: what is sent was asked for, and is not over.</summary>
    public void CheckSent(SessionKey session, long number)
    {
        var book = Of(session);
        if (number > book.Number || number < 1)
            throw new InvariantBrokenException("L3", $"Launch {number} of {session} is sent, and the newest on record is {book.Number}.");
        if (book.EndedAt.TryGetValue(number, out var ended) && now() - ended > Late)
            throw new InvariantBrokenException("L3", $"Launch {number} of {session} is sent, and has been over since {ended}.");
    }

    /// <summary>L1 where it counts: two different launches are not nearer to each other than the first one's delay.</summary>
    public void OnArrived(SessionKey session, long number)
    {
        var book = Of(session);
        if (number <= book.NewestArrived)
            return; // once more, with the same id
        Arrived++;
        if (ClocksAgree && book.Earliest is { } earliest && number == book.Number && now() < earliest - ClocksDiffer)
            throw new InvariantBrokenException("L1", $"Launch {number} of {session} arrives at {now()}, before {earliest}: the one before it came at {book.ArrivedAt}, of level {book.LevelBefore}.");
        (book.NewestArrived, book.ArrivedAt) = (number, now());
    }

    private void OnRequested(JournalShadow journal, Book book, LaunchRequested requested)
    {
        var session = journal.Session;
        if (requested.Number != book.Number + 1)
            throw new InvariantBrokenException("L3", $"Launch {requested.Number} of {session} follows launch {book.Number}.");
        if (!book.IsRested && requested.At < book.Until)
            throw new InvariantBrokenException("L1", $"Launch {requested.Number} of {session} is asked for at {requested.At:o}, before the delay of the last one ends at {book.Until:o}.");
        if (requested.Level != book.Level + 1 && requested.Level != 1)
            throw new InvariantBrokenException("L1", $"Launch {requested.Number} of {session} has level {requested.Level} after level {book.Level}.");
        CheckBudget(journal, book, requested);
        var delay = DelayOf(book.Level);
        book.Earliest = book.IsRested ? null
            : book.IsDelivered && book.ArrivedAt is { } arrived && arrived > book.RequestedAt ? arrived + delay
            : book.RequestedAt + delay;
        (book.Number, book.LevelBefore, book.Level, book.IsRested, book.IsDelivered) = (requested.Number, book.Level, requested.Level, false, false);
        (book.RequestedAt, book.Until) = (requested.At - Began, requested.At + DelayOf(requested.Level));
        book.Requests.Add(requested.At);
    }

    /// <summary>L2: so many in any hour, and so far apart.</summary>
    private void CheckBudget(JournalShadow journal, Book book, LaunchRequested requested)
    {
        if (_promises.GetValueOrDefault(journal.Session)?.LaunchLimit is not { } limit)
            return;
        if (limit.MinimumSpacing is { } spacing && book.Requests.Count > 0 && requested.At < book.Requests[^1] + spacing)
            throw new InvariantBrokenException("L2", $"Launch {requested.Number} of {journal.Session} comes {requested.At - book.Requests[^1]} after the last one, and {spacing} is the least.");
        if (limit.PerHour is { } most && book.Requests.Count(at => at > requested.At - TimeSpan.FromHours(1)) >= most)
            throw new InvariantBrokenException("L2", $"Launch {requested.Number} of {journal.Session} is one more than {most} in an hour.");
    }

    /// <summary>L4: the limiter rests when a client came, and not otherwise.</summary>
    private void OnRested(SessionKey session, Book book)
    {
        if (now() - book.PresentAt > PresenceCountsFor)
            throw new InvariantBrokenException("L4", $"A client of {session} is said to have come, and none was there after {book.PresentAt}.");
        book.IsRested = true;
        book.Level = 0;
    }

    private static DateTimeOffset Later(DateTimeOffset one, DateTimeOffset other) => one > other ? one : other;

    private Book Of(SessionKey session)
    {
        if (!_books.TryGetValue(session, out var book))
            _books.Add(session, book = new Book());
        return book;
    }

    private sealed class Book
    {
        public long Number { get; set; }

        public int Level { get; set; }

        public int LevelBefore { get; set; }

        public bool IsRested { get; set; } = true;

        public bool IsDelivered { get; set; }

        /// <summary>By the clocks of those who wrote it down.</summary>
        public DateTimeOffset Until { get; set; }

        public List<DateTimeOffset> Requests { get; } = [];

        /// <summary>By the world's.</summary>
        public TimeSpan RequestedAt { get; set; }

        /// <summary>The newest launch may not arrive before.</summary>
        public TimeSpan? Earliest { get; set; }

        public TimeSpan? ArrivedAt { get; set; }

        public long NewestArrived { get; set; }

        public TimeSpan PresentAt { get; set; } = TimeSpan.FromDays(-1);

        public Dictionary<long, TimeSpan> EndedAt { get; } = [];
    }
}

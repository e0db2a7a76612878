using System.Text.Json;
using Backhaul.Node.Sessions;
using Backhaul.Protocol;
using Backhaul.Simulation.Tests.Invariants;
using Backhaul.Simulation.Tests.Runs;
using Backhaul.World;

namespace Backhaul.Simulation.Tests.Workload;

/// <summary>How a client reaches a node: null when nobody answered in time.</summary>
internal interface ISimEdge
{
    Task<CommandReply?> AskAsync(SessionKey session, SessionCommand command, CommandKey? key, TimeSpan patience);
}

/// <summary>
/// A backend service: creates its sessions, adds tasks, changes its mind, reads events and acknowledges them. A command without an answer is sent
/// again with the same key, through whatever node, until it is decided. What it was told it holds the cluster to.
/// </summary>
internal sealed class SimClient(
    string name, IReadOnlyList<SessionKey> sessions, ISimEdge edge, VirtualProcess process, SimRandom random, Oracle oracle, SimTrace trace)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private readonly Dictionary<SessionKey, Book> _books = sessions.ToDictionary(session => session, _ => new Book());
    private int _tasks;

    public bool IsDone { get; private set; }

    /// <summary>No new intents; what was begun is brought to its end.</summary>
    public bool MustStop { get; set; }

    public async Task RunAsync()
    {
        while (!MustStop)
        {
            var session = random.Pick(sessions);
            var book = _books[session];
            if (!book.IsOpen)
                book.IsOpen = await DoAsync(session, new SessionCommand.Open(Configuration())) is CommandReply.Done;
            else
                await StepAsync(session, book);
            await Task.Delay(random.Milliseconds(5, 3000), process.Clock);
        }
        IsDone = true;
    }

    /// <summary>Everything it may read and acknowledge; true when nothing is left. For the end of a run.</summary>
    public async Task<bool> DrainEventsAsync()
    {
        foreach (var (session, book) in _books)
        {
            if (book.IsOpen && await ReadEventsAsync(session, book) != 0)
                return false;
        }
        return true;
    }

    private static SessionConfiguration Configuration() => new()
    {
        ResourceTimeout = TimeSpan.FromHours(6),
        Retry = new RetryConfiguration { First = TimeSpan.FromSeconds(1), Longest = TimeSpan.FromSeconds(10) },
    };

    private async Task StepAsync(SessionKey session, Book book)
    {
        switch (random.Next(100))
        {
            case < 40:
                await AddAsync(session, book, withId: true);
                break;
            case < 55:
                await AddAsync(session, book, withId: false);
                break;
            case < 75:
                await ReadEventsAsync(session, book);
                break;
            case < 90 when book.Tasks.Count > 0:
                await ChangeAsync(session, PickTask(book));
                break;
            case < 96 when book.Tasks.Count > 0:
                await LookAsync(session, PickTask(book));
                break;
            case < 97:
                await DoAsync(session, new SessionCommand.SuspendAll(book.IsPaused = !book.IsPaused));
                break;
            default:
                await DoAsync(session, new SessionCommand.Open(random.Chance(0.5) ? null : Configuration()));
                break;
        }
    }

    private async Task AddAsync(SessionKey session, Book book, bool withId)
    {
        var upload = random.Chance(0.15);
        var spec = new TaskSpec
        {
            Id = withId ? TaskId.Parse($"{name}-{++_tasks}") : null,
            Kind = upload ? TaskKind.Upload : TaskKind.Download,
            Url = $"http://origin-{random.Next(4)}.example/{random.Next(40)}",
            Method = upload ? "PUT" : "GET",
            Source = upload ? new FileReference(null, ContainerPath.Parse("source.bin")) : null,
            Start = random.Chance(0.95),
        };
        if (await DoAsync(session, new SessionCommand.AddTask(spec)) is CommandReply.Done done)
            book.Tasks.Add(IdOf(done));
    }

    /// <summary>Mostly one of the newest: those are the ones that run.</summary>
    private TaskId PickTask(Book book) => random.Chance(0.7) ? book.Tasks[^random.Between(1, Math.Min(4, book.Tasks.Count))] : random.Pick(book.Tasks);

    private async Task ChangeAsync(SessionKey session, TaskId task)
    {
        switch (random.Next(5))
        {
            case 0:
                await DoAsync(session, new SessionCommand.CancelTask(task));
                break;
            case 1 or 2 or 3:
                await DoAsync(session, new SessionCommand.SuspendTask(task));
                if (random.Chance(0.3))
                    break; // somebody else's turn
                await Task.Delay(random.Milliseconds(1, random.Chance(0.5) ? 200 : 20_000), process.Clock);
                await DoAsync(session, new SessionCommand.ResumeTask(task));
                break;
            default:
                await DoAsync(session, new SessionCommand.ResumeTask(task));
                break;
        }
    }

    /// <summary>R1: what was acknowledged is seen.</summary>
    private async Task LookAsync(SessionKey session, TaskId task)
    {
        var restores = oracle.Restores;
        var reply = await edge.AskAsync(session, new SessionCommand.GetTask(task), null, Patience);
        if (reply is CommandReply.Refused { Problem.Status: 404 } refused && restores == oracle.Restores && !_books[session].IsBefore(restores) && !oracle.MayReadTheOld)
            throw new InvariantBrokenException("R1", $"{name} added {task} to {session}, and is told: {refused.Problem.Detail}");
    }

    /// <summary>R2: events come in order and without a gap. Gives back how many were new; -1 when nobody answered.</summary>
    private async Task<int> ReadEventsAsync(SessionKey session, Book book)
    {
        var restores = oracle.Restores;
        if (book.IsBefore(restores))
            book.StartAnew(restores);
        var reply = await edge.AskAsync(session, new SessionCommand.ReadEvents(book.Seen, 50), null, Patience);
        if (reply is CommandReply.Refused { Problem.Status: 404 } && oracle.Restores > 0)
            return 0; // it was created in the time that is lost
        if (reply is not CommandReply.Done done || restores != oracle.Restores || oracle.MayReadTheOld)
            return -1;
        var page = JsonSerializer.Deserialize(done.Json.Span, ProtocolJson.Default.EventPage)!;
        if (book.IsLost && page.Events.Count > 0)
            (book.Seen, book.IsLost) = (page.Events[0].Number - 1, false);
        foreach (var seen in page.Events)
        {
            if (seen.Number != book.Seen + 1)
                throw new InvariantBrokenException("R2", $"{name} had read {session} up to event {book.Seen}, and the next one is {seen.Number}.");
            book.Seen = seen.Number;
        }
        if (page.Last < book.Seen)
            throw new InvariantBrokenException("R2", $"{name} has read event {book.Seen} of {session}, and the last one is said to be {page.Last}.");
        if (page.Events.Count > 0 && random.Chance(0.7))
            await DoAsync(session, new SessionCommand.Acknowledge(book.Seen));
        return page.Events.Count;
    }

    /// <summary>One intent, under one key, until it is decided.</summary>
    private async Task<CommandReply?> DoAsync(SessionKey session, SessionCommand command)
    {
        var key = new CommandKey(new CommandId(random.Next()), 1);
        var restores = oracle.Restores;
        for (var attempt = 1; attempt <= 40; attempt++)
        {
            var reply = await edge.AskAsync(session, command, key, Patience);
            switch (reply)
            {
                case CommandReply.Done done:
                    trace.Line(name, $"{command.GetType().Name} {session} → {done.Status} after {attempt}");
                    if (restores == oracle.Restores)
                        oracle.OnAcknowledged(session, command, key, done, command is SessionCommand.AddTask ? IdOf(done) : null);
                    return done;
                case CommandReply.Refused refused:
                    trace.Line(name, $"{command.GetType().Name} {session} → {refused.Problem.Status} {refused.Problem.Code}");
                    return refused;
            }
            await Task.Delay(random.Milliseconds(100, 1000), process.Clock);
        }
        trace.Line(name, $"{command.GetType().Name} {session} given up");
        return null;
    }

    private static TaskId IdOf(CommandReply.Done done) =>
        TaskId.Parse(JsonSerializer.Deserialize(done.Json.Span, ProtocolJson.Default.TaskView)!.Id);

    private sealed class Book
    {
        private int _restores;

        public bool IsOpen { get; set; }

        public bool IsPaused { get; set; }

        public List<TaskId> Tasks { get; } = [];

        public long Seen { get; set; }

        /// <summary>Where the session's events begin now is not known: those that were acknowledged are gone.</summary>
        public bool IsLost { get; set; }

        public bool IsBefore(int restores) => _restores != restores;

        /// <summary>The store was put back: what was seen may not have been.</summary>
        public void StartAnew(int restores)
        {
            _restores = restores;
            (IsOpen, Seen, IsLost) = (false, 0, true);
            Tasks.Clear();
        }
    }
}

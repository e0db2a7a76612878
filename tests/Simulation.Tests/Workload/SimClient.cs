using System.Text.Json;
using Backhaul.Node.Sessions;
using Backhaul.Protocol;
using Backhaul.Simulation.Tests.Invariants;
using Backhaul.Simulation.Tests.Runs;
using Backhaul.World;

namespace Backhaul.Simulation.Tests.Workload;

/// <summary>
/// A backend service: creates its sessions, adds tasks, changes its mind, reads events and acknowledges them. A command without an answer is sent
/// again with the same key, through whatever node, until it is decided. What it was told it holds the cluster to.
/// </summary>
internal sealed class SimClient(
    string name, IReadOnlyList<SessionKey> sessions, ISimEdge edge, VirtualProcess process, SimRandom random, Oracle oracle, SimTrace trace, double pace)
{
    private static readonly GroupName Serialized = GroupName.Parse("g0");
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private readonly Dictionary<SessionKey, SimBook> _books = sessions.ToDictionary(session => session, session => new SimBook(SimProfile.Of(session, random)));
    private readonly SimReader _reader = new(name, edge, process, random, oracle);
    private SimAnswers? _answers;
    private SimTasks? _made;
    private int _tasks;

    private SimAnswers Answers => _answers ??= new SimAnswers(process, random, oracle, DoAsync);

    private SimTasks Tasks => _made ??= new SimTasks(process.Clock, random);

    public bool IsDone { get; private set; }

    /// <summary>No new intents; what was begun is brought to its end.</summary>
    public bool MustStop { get; set; }

    public async Task RunAsync()
    {
        _reader.Saw = (session, _, view) => Answers.OnSeen(session, view);
        while (!MustStop)
        {
            var session = random.Pick(sessions);
            var book = _books[session];
            if (!book.IsOpen)
                book.IsOpen = await OpenAsync(session, book);
            else
                await StepAsync(session, book);
            await Task.Delay(random.Milliseconds(5, 3000 * pace), process.Clock);
            if (random.Chance(0.01))
                await VanishAsync();
        }
        IsDone = true;
    }

    /// <summary>A receiver was told to start this client for one of its sessions.</summary>
    public bool TryLaunch(SessionKey session, long launch)
    {
        if (!_books.TryGetValue(session, out var book))
            return false;
        process.Start(() => ComeAsync(session, book, launch));
        return true;
    }

    /// <summary>Its process is gone for a while, with its streams.</summary>
    private async Task VanishAsync()
    {
        foreach (var book in _books.Values)
            book.Stream?.Leave();
        var until = random.Seconds(10, 120 * pace);
        trace.Line(name, $"is away for {until.TotalSeconds:0} s");
        for (var waited = TimeSpan.Zero; waited < until && !MustStop; waited += TimeSpan.FromSeconds(5))
            await Task.Delay(TimeSpan.FromSeconds(5), process.Clock);
    }

    private async Task<bool> OpenAsync(SessionKey session, SimBook book)
    {
        oracle.Webhooks.Launches.OnPresent(session);
        oracle.Webhooks.Launches.OnPromised(session, book.Profile.Configuration);
        if (await DoAsync(session, new SessionCommand.Open(book.Profile.Configuration)) is not CommandReply.Done)
            return false;
        if (book.Profile.Grouped > 0 && await DoAsync(session, new SessionCommand.PutGroup(Serialized, GroupMode.Serialized)) is CommandReply.Done)
            oracle.TaskAnswers.OnSerialized(session, Serialized);
        return true;
    }

    /// <summary>It is back, and wants everything to come to its end: whatever is suspended goes on. For the end of a run.</summary>
    public async Task SettleAsync()
    {
        foreach (var (session, book) in _books)
        {
            if (book.Profile.Reading is SimReading.Streams)
                _reader.Attach(session, book, isPatient: true);
            if (oracle.Restores > 0 && !book.IsSettled)
                await DoAsync(session, new SessionCommand.SuspendAll(true)); // an actor that knows nothing of the loss finds out when it writes
            if (oracle.IsPaused(session) || (oracle.Restores > 0 && !book.IsSettled))
                await DoAsync(session, new SessionCommand.SuspendAll(false));
            book.IsSettled = true;
            foreach (var set in oracle.Sets.OpenOf(session))
                await DoAsync(session, new SessionCommand.EnableCompletionGroup(set));
            foreach (var task in oracle.WaitingForClient(session))
            {
                if (task.Phase is TaskPhase.Suspended)
                    await DoAsync(session, new SessionCommand.ResumeTask(task.Id));
                else
                    await Answers.SettleAsync(session, task);
            }
        }
    }

    /// <summary>Streams are kept open, and show what there is.</summary>
    public string? FindBehind()
    {
        foreach (var (session, book) in _books)
        {
            if (book.Profile.Reading is not SimReading.Streams || oracle.Restores > 0)
                continue;
            var last = oracle.LastOf(session);
            if (book.Seen < last && !(book.Profile.MayMiss && oracle.HandledOf(session) >= last))
                return $"{name}'s stream of {session} is at event {book.Seen} of {last}";
        }
        return null;
    }

    /// <summary>Everything it may read and acknowledge; true when nothing is left. For the end of a run.</summary>
    public async Task<bool> DrainEventsAsync()
    {
        foreach (var (session, book) in _books)
        {
            if (!book.IsOpen)
                continue;
            if (await _reader.PageAsync(session, book) != 0)
                return false;
            await AcknowledgeAsync(session, book);
            if (!oracle.IsHandled(session))
                return false;
        }
        return true;
    }

    private async Task StepAsync(SessionKey session, SimBook book)
    {
        switch (random.Next(100))
        {
            case < 34:
                await AddAsync(session, book, withId: true);
                break;
            case < 48:
                await AddAsync(session, book, withId: false);
                break;
            case < 68:
                await ReadAsync(session, book);
                break;
            case < 90 when book.Tasks.Count > 0:
                await ChangeAsync(session, PickTask(book));
                break;
            case < 96 when book.Tasks.Count > 0:
                await LookAsync(session, PickTask(book));
                break;
            case < 97 when book.Profile.Grouped > 0:
                await ActOnGroupAsync(session, book);
                break;
            case < 98 when book.Profile.InSets > 0:
                await CloseSetAsync(session, book);
                break;
            case < 99 when book.Profile.Configuration.Push is not null:
                await ActOnPushAsync(session);
                break;
            case < 99:
                await DoAsync(session, new SessionCommand.SuspendAll(book.IsPaused = !book.IsPaused));
                break;
            default:
                oracle.Webhooks.Launches.OnPresent(session);
                await DoAsync(session, new SessionCommand.Open(random.Chance(0.5) ? null : book.Profile.Configuration));
                break;
        }
    }

    private async Task ActOnGroupAsync(SessionKey session, SimBook book)
    {
        if (book.Tasks.Count > 0 && random.Chance(0.4))
        {
            await DoAsync(session, new SessionCommand.MakeCurrent(PickTask(book)));
            return;
        }
        var group = GroupName.Parse($"g{random.Next(3)}");
        await DoAsync(session, new SessionCommand.ActOnGroup(group, random.Pick([GroupAct.Suspend, GroupAct.Resume, GroupAct.Cancel])));
        await Task.Delay(random.Milliseconds(1, 3000), process.Clock);
        await DoAsync(session, new SessionCommand.ActOnGroup(group, GroupAct.Resume));
    }

    /// <summary>As an operator: what was sent is sent again, or the target is shut for a while.</summary>
    private async Task ActOnPushAsync(SessionKey session)
    {
        var last = Math.Max(1, oracle.LastOf(session));
        if (random.Chance(0.7))
        {
            var from = Math.Max(1, last - random.Next(12));
            await DoAsync(session, new SessionCommand.ReplayPush(from, random.Chance(0.5) ? null : Math.Min(last, from + random.Next(4))));
            return;
        }
        await DoAsync(session, new SessionCommand.DisableWebhook(WebhookTarget.Push, "Its operator says so."));
        await Task.Delay(random.Milliseconds(1, 20_000), process.Clock);
        await DoAsync(session, new SessionCommand.EnableWebhook(WebhookTarget.Push));
    }

    private async Task AddAsync(SessionKey session, SimBook book, bool withId)
    {
        var spec = Tasks.Next(session, book, withId ? TaskId.Parse($"{name}-{++_tasks}") : null);
        var restores = oracle.Restores;
        if (await DoAsync(session, new SessionCommand.AddTask(spec)) is not CommandReply.Done done)
            return;
        book.Tasks.Add(IdOf(done));
        if (restores == oracle.Restores)
            oracle.OnTaskPromised(session, IdOf(done), spec);
    }

    /// <summary>The set that is being filled is complete; the next one may have the name of an earlier one.</summary>
    private async Task CloseSetAsync(SessionKey session, SimBook book)
    {
        var set = book.Set;
        book.NextSet();
        var restores = oracle.Restores;
        if (await DoAsync(session, new SessionCommand.EnableCompletionGroup(set)) is CommandReply.Done && restores == oracle.Restores)
            oracle.Sets.OnClosed(session, set);
    }

    /// <summary>Mostly one of the newest: those are the ones that run.</summary>
    private TaskId PickTask(SimBook book) => random.Chance(0.7) ? book.Tasks[^random.Between(1, Math.Min(4, book.Tasks.Count))] : random.Pick(book.Tasks);

    private async Task ChangeAsync(SessionKey session, TaskId task)
    {
        switch (random.Next(5))
        {
            case 0:
                await CancelAsync(session, task);
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

    /// <summary>C1: it wins or it loses, and is told which.</summary>
    private async Task CancelAsync(SessionKey session, TaskId task)
    {
        var restores = oracle.Restores;
        if (await DoAsync(session, new SessionCommand.CancelTask(task)) is { } reply && restores == oracle.Restores)
            oracle.TaskAnswers.OnCancelAnswered(session, task, reply, reply is CommandReply.Done done ? ViewOf(done) : null);
    }

    /// <summary>R1: what was acknowledged is seen.</summary>
    private async Task LookAsync(SessionKey session, TaskId task)
    {
        var restores = oracle.Restores;
        var reply = await edge.AskAsync(session, new SessionCommand.GetTask(task), null, Patience);
        if (reply is CommandReply.Refused { Problem.Status: 404 } refused && restores == oracle.Restores && !_books[session].IsBefore(restores) && !oracle.MayReadTheOld)
            throw new InvariantBrokenException("R1", $"{name} added {task} to {session}, and is told: {refused.Problem.Detail}");
        if (reply is not CommandReply.Done done || restores != oracle.Restores || oracle.MayReadTheOld)
            return;
        oracle.TaskAnswers.CheckView(session, ViewOf(done));
        if (await edge.AskAsync(session, new SessionCommand.ExplainTask(task), null, Patience) is CommandReply.Done why)
            oracle.TaskAnswers.CheckWhy(session, JsonSerializer.Deserialize(why.Json.Span, ProtocolJson.Default.WhyView)!);
    }

    private async Task ReadAsync(SessionKey session, SimBook book)
    {
        if (book.Profile.Reading is SimReading.Nothing)
            return;
        if (book.Profile.Reading is SimReading.Streams && (random.Chance(0.8) || book.Stream is { IsOver: false }))
        {
            _reader.Attach(session, book);
            if (random.Chance(0.15))
                book.Stream?.Leave();
        }
        else if (book.Profile.Reading is SimReading.Polls && random.Chance(0.7))
        {
            await _reader.PollAsync(session, book);
        }
        else
        {
            await _reader.PageAsync(session, book);
        }
        if (random.Chance(0.7))
            await AcknowledgeAsync(session, book);
    }

    private async Task AcknowledgeAsync(SessionKey session, SimBook book)
    {
        if (book.Seen <= book.Acknowledged)
            return;
        var through = book.Seen;
        oracle.Webhooks.OnClientAcknowledges(session, through);
        if (await DoAsync(session, new SessionCommand.Acknowledge(through)) is CommandReply.Done)
            book.Acknowledged = Math.Max(book.Acknowledged, through);
    }

    /// <summary>Something started it: it looks what there is, handles it, and says so, or forgets to.</summary>
    private async Task ComeAsync(SessionKey session, SimBook book, long launch)
    {
        if (!MustStop && random.Chance(0.25))
            return;
        await Task.Delay(random.Seconds(0.1, random.Chance(0.8) ? 5 : 90), process.Clock);
        oracle.Webhooks.Launches.OnPresent(session);
        if (random.Chance(0.7))
            await DoAsync(session, new SessionCommand.Open(null));
        if (random.Chance(0.8))
        {
            while (await _reader.PageAsync(session, book) > 0)
                await Task.Delay(random.Milliseconds(1, 300), process.Clock);
        }
        if (random.Chance(0.6))
            await AcknowledgeAsync(session, book);
        if (random.Chance(0.6))
            await DoAsync(session, new SessionCommand.CompleteLaunch(launch));
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

    private static TaskId IdOf(CommandReply.Done done) => TaskId.Parse(ViewOf(done).Id);

    private static TaskView ViewOf(CommandReply.Done done) => JsonSerializer.Deserialize(done.Json.Span, ProtocolJson.Default.TaskView)!;
}

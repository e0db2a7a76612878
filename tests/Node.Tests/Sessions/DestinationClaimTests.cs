using System.Text.Json;
using Backhaul.Node.Actors;
using Backhaul.Node.Journal;
using Backhaul.Node.Journal.Memory;
using Backhaul.Node.Sessions;
using Backhaul.Node.Transfers;
using Backhaul.Protocol;
using Xunit;

namespace Backhaul.Node.Tests.Sessions;

public sealed class DestinationClaimTests
{
    private readonly SessionWorld _world = new();

    [Fact]
    public void Two_sessions_cannot_own_one_destination_and_the_end_of_the_task_frees_it() => _world.Run(async () =>
    {
        var other = await StartBothAsync();
        Assert.Equal(201, (await _world.Post(Add("a/x"))).Status());
        var refused = Assert.IsType<CommandReply.Refused>(await _world.Post(Add("a/x"), other));
        Assert.Equal((409, ProblemCodes.DestinationTaken), (refused.Problem.Status, refused.Problem.Code));
        Assert.Contains("session nightly", refused.Problem.Detail, StringComparison.Ordinal);
        Assert.Equal(201, (await _world.Post(Add("a/y"), other)).Status());

        Assert.Equal(202, (await _world.Post(new SessionCommand.CancelTask(TaskId.FromOrdinal(1)))).Status());
        Assert.Equal(201, (await _world.Post(Add("a/x"), other)).Status());
        Assert.IsType<CommandReply.Refused>(await _world.Post(Add("a/x")));
    });

    [Fact]
    public void A_list_says_it_for_each_entry_and_takes_the_others() => _world.Run(async () =>
    {
        var other = await StartBothAsync();
        await _world.Post(Add("a/2"));
        var entries = Enumerable.Range(1, 4).Select(index => new BatchEntry(index, Download($"a/{index}"), null)).ToList();
        var done = Assert.IsType<CommandReply.Done>(await _world.Post(new SessionCommand.AddTasks(entries), other));
        var results = JsonSerializer.Deserialize(done.Json.Span, ProtocolJson.Default.IReadOnlyListTaskResult)!;
        Assert.Equal([201, 409, 201, 201], results.Select(result => result.Status));
        Assert.Equal(ProblemCodes.DestinationTaken, results[1].Error!.Code);
    });

    [Fact]
    public void Freed_and_claimed_again_in_one_turn_it_was_never_free() => _world.Run(async () =>
    {
        var other = await StartBothAsync();
        await _world.Post(Add("a/x"));
        var release = _world.Store.StallCommits();
        var first = _world.Post(new SessionCommand.Describe());
        var (cancel, again) = (_world.Post(new SessionCommand.CancelTask(TaskId.FromOrdinal(1))), _world.Post(Add("a/x")));
        await Task.Delay(TimeSpan.FromSeconds(1), _world.World.Time);
        release();
        int[] statuses = [(await first).Status(), (await cancel).Status(), (await again).Status()];
        Assert.Equal([200, 202, 201], statuses);
        Assert.IsType<CommandReply.Refused>(await _world.Post(Add("a/x"), other));
        Assert.Equal(TaskId.FromOrdinal(2), Assert.Single(_world.Store.Tables.Claims).Value.Task);
    });

    /// <summary>Both look it up while it is free; the journal takes one, the other is loaded again and then sees it.</summary>
    [Fact]
    public void Of_two_that_ask_at_once_one_is_told_to_ask_again_and_is_then_refused() => _world.Run(async () =>
    {
        var other = await StartBothAsync();
        var release = _world.Store.StallCommits();
        var blocker = _world.Post(new SessionCommand.SuspendAll(true)); // so that both claims come in the commit after it
        await Task.Delay(TimeSpan.FromSeconds(1), _world.World.Time);
        var (one, two) = (_world.Post(Add("a/x"), other), _world.Post(Add("a/x")));
        await Task.Delay(TimeSpan.FromSeconds(1), _world.World.Time);
        release();
        await blocker;
        CommandReply[] replies = [await one, await two];
        Assert.Single(replies, reply => reply is CommandReply.Done);
        var loser = replies[0] is CommandReply.Done ? _world.Session : other;
        if (Array.Find(replies, reply => reply is not CommandReply.Done) is CommandReply.Unavailable)
            await _world.UntilAsync(async () => await _world.Post(Add("a/x"), loser) is CommandReply.Refused { Problem.Code: ProblemCodes.DestinationTaken });
        Assert.Single(_world.Store.Tables.Claims);
    });

    /// <summary>Random histories of three sessions that want four places: whoever lives owns, and nothing is owned by nobody.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void In_any_history_each_destination_has_one_live_task_and_claims_are_those_of_live_tasks(int seed) => _world.Run(async () =>
    {
        var random = new Random(seed);
        var second = await StartBothAsync();
        var third = _world.StartSession(SessionKey.Parse("acme/third"));
        await _world.Post(new SessionCommand.Open(null), third);
        ActorRef<SessionMessage>[] sessions = [_world.Session, second, third];
        for (var round = 0; round < 60; round++)
        {
            var release = random.Next(3) == 0 ? _world.Store.StallCommits() : null;
            if (random.Next(8) == 0)
                _world.Store.FailCommits(random.Next(2) == 0 ? new StoreFault(StoreFailure.Transient) : new StoreFault(StoreFailure.Unknown, Applied: random.Next(2) == 0));
            var asked = Enumerable.Range(0, random.Next(1, 9)).Select(_ => _world.Post(Any(random), sessions[random.Next(3)])).ToList();
            await Task.Delay(TimeSpan.FromMilliseconds(random.Next(1, 400)), _world.World.Time);
            release?.Invoke();
            foreach (var reply in asked)
                await reply;
            foreach (var attempt in _world.Runner.Running.Where(_ => random.Next(2) == 0).ToList())
                attempt.Outcome.TrySetResult(new AttemptOutcome.Stopped(0));
        }
        _world.Store.Heal();
        List<(Destination Destination, SessionKey Session, TaskId Task)> live = [];
        foreach (var session in sessions)
            live.AddRange(await LiveAsync(session));
        Assert.Equal(
            live.OrderBy(task => task.Destination.Text, StringComparer.Ordinal),
            _world.Store.Tables.Claims.Values.Select(claim => (claim.Destination, claim.Session, claim.Task)).OrderBy(claim => claim.Destination.Text, StringComparer.Ordinal));
        Assert.Equal(live.Count, live.DistinctBy(task => task.Destination).Count());
    });

    private static SessionCommand Any(Random random) => random.Next(5) switch
    {
        0 or 1 => new SessionCommand.AddTask(Download($"p/{random.Next(4)}") with { Start = random.Next(2) == 0 }),
        2 => new SessionCommand.AddTasks([.. Enumerable.Range(0, 3).Select(index => new BatchEntry(index, Download($"p/{random.Next(4)}"), null))]),
        _ => new SessionCommand.CancelTask(TaskId.FromOrdinal(random.Next(1, 12))),
    };

    private async Task<IEnumerable<(Destination, SessionKey, TaskId)>> LiveAsync(ActorRef<SessionMessage> session)
    {
        CommandReply.Done? described = null;
        await _world.UntilAsync(async () => (described = await _world.Post(new SessionCommand.Describe(), session) as CommandReply.Done) is not null);
        var key = SessionKey.Parse($"acme/{JsonSerializer.Deserialize(described!.Json.Span, ProtocolJson.Default.SessionView)!.Identifier}");
        var list = Assert.IsType<CommandReply.Done>(await _world.Post(new SessionCommand.ListTasks(null, null, 0, 1000), session));
        return JsonSerializer.Deserialize(list.Json.Span, ProtocolJson.Default.PageTaskView)!.Items
            .Where(task => task.Outcome is null)
            .Select(task => (Destination.Of(key.Tenant, ContainerName.Default, task.Destination!.Path), key, TaskId.Parse(task.Id)));
    }

    private async Task<ActorRef<SessionMessage>> StartBothAsync()
    {
        await _world.StartAsync(new JournalOptions { RetryLimit = TimeSpan.FromSeconds(2) });
        var other = _world.StartSession(SessionKey.Parse("acme/other"));
        await _world.Post(new SessionCommand.Open(null));
        await _world.Post(new SessionCommand.Open(null), other);
        return other;
    }

    private static TaskSpec Download(string path) => SessionHarness.Download() with { Destination = new FileReference(ContainerName.Default, ContainerPath.Parse(path)), Start = false };

    private static SessionCommand.AddTask Add(string path) => new(Download(path));
}

internal static class ReplyStatus
{
    public static int Status(this CommandReply reply) => reply switch
    {
        CommandReply.Done done => done.Status,
        CommandReply.Refused refused => refused.Problem.Status,
        _ => 503,
    };
}

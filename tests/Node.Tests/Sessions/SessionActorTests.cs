using System.Text.Json;
using Backhaul.Node.Actors;
using Backhaul.Node.Journal;
using Backhaul.Node.Journal.Memory;
using Backhaul.Node.Sessions;
using Backhaul.Node.Transfers;
using Backhaul.Protocol;
using Xunit;

namespace Backhaul.Node.Tests.Sessions;

public sealed class SessionActorTests
{
    private readonly SessionWorld _world = new();
    private readonly SessionWorld _ledger = new() { Options = new SessionOptions { LedgerEntriesMax = 8 } };

    [Fact]
    public void Nothing_is_answered_before_it_is_durable() => _world.Run(async () =>
    {
        await _world.StartAsync();
        await _world.AskAsync(new SessionCommand.Open(null));
        var release = _world.Store.StallCommits();
        var added = _world.Post(new SessionCommand.AddTask(SessionHarness.Download()));
        var asked = _world.Post(new SessionCommand.Describe());
        await Task.Delay(TimeSpan.FromSeconds(3), _world.World.Time);
        Assert.False(added.IsCompleted || asked.IsCompleted);
        Assert.Empty(_world.Runner.Attempts);
        release();
        Assert.Equal(201, Assert.IsType<CommandReply.Done>(await added).Status);
        await _world.UntilAsync(() => Task.FromResult(_world.Runner.Attempts.Count == 1));
    });

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void What_needs_no_append_is_not_answered_from_memory_when_the_shard_is_not_certainly_held(bool suspended) => _world.Run(async () =>
    {
        var reason = suspended ? UnavailableReason.Suspended : UnavailableReason.Moving;
        await _world.StartAsync();
        await _world.AskAsync(new SessionCommand.Open(null));
        if (suspended)
            _world.Holder.Suspend();
        else
            _world.Holder.Lose();
        var query = _world.Post(new SessionCommand.Describe());
        var sameAgain = _world.Post(new SessionCommand.Open(null));
        Assert.Equal(reason, Assert.IsType<CommandReply.Unavailable>(await query).Reason);
        Assert.Equal(reason, Assert.IsType<CommandReply.Unavailable>(await sameAgain).Reason);
    });

    [Fact]
    public void A_sessions_bandwidth_is_shared_by_its_attempts_and_follows_the_newest_configuration() => _world.Run(async () =>
    {
        await _world.StartAsync();
        await _world.AskAsync(new SessionCommand.Open(new SessionConfiguration { BytesPerSecondMax = 5000 }));
        var id = TaskId.Parse((await _world.AskAsync(new SessionCommand.AddTask(SessionHarness.Download()), ProtocolJson.Default.TaskView)).Id);
        await _world.AskAsync(new SessionCommand.AddTask(SessionHarness.Download()));
        await _world.UntilAsync(() => Task.FromResult(_world.Runner.Attempts.Count == 2));
        var (one, other) = (_world.Runner.Attempts[0].Order, _world.Runner.Attempts[1].Order);
        Assert.Same(one.SessionRate, other.SessionRate);
        Assert.Equal((5000, null, null), (one.SessionRate!.PerSecond, one.TaskRate!.PerSecond, other.TaskRate!.PerSecond));
        await _world.AskAsync(new SessionCommand.Open(new SessionConfiguration { BytesPerSecondMax = 9000 }));
        await _world.AskAsync(new SessionCommand.ChangeTask(id, new TaskChange { BytesPerSecondMax = 2000 }));
        await _world.UntilAsync(() => Task.FromResult(one.TaskRate.PerSecond == 2000));
        Assert.Equal((9000, null), (other.SessionRate!.PerSecond, other.TaskRate.PerSecond));
    });

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_change_of_a_task_that_was_just_suspended_is_answered_when_its_attempt_has_ended(bool finishes) => _world.Run(async () =>
    {
        await _world.StartAsync();
        await _world.AskAsync(new SessionCommand.Open(null));
        var id = TaskId.Parse((await _world.AskAsync(new SessionCommand.AddTask(SessionHarness.Download()), ProtocolJson.Default.TaskView)).Id);
        await _world.UntilAsync(() => Task.FromResult(_world.Runner.Running.Any()));
        _world.Runner.StopsLate = true;
        Assert.Equal(202, (await _world.Post(new SessionCommand.SuspendTask(id))).Status());
        var change = new SessionCommand.ChangeTask(id, new TaskChange { Url = "https://b.example/x" });
        var key = new CommandKey(new CommandId(new Guid(1, 0, 0, new byte[8])), 1);
        var (changing, repeated) = (_world.AskAsync(change, key), _world.AskAsync(change, key));
        Assert.Equal(200, (await _world.Post(new SessionCommand.ChangeTask(id, new TaskChange { BytesPerSecondMax = 9 }))).Status()); // as of a running task
        await Task.Delay(TimeSpan.FromSeconds(2), _world.World.Time);
        Assert.False(changing.IsCompleted || repeated.IsCompleted);
        Assert.Equal("https://origin.example/a.bin", (await _world.TaskAsync(id)).Url); // what its attempt still goes by

        _world.Runner.Attempts[0].Outcome.SetResult(finishes ? SessionHarness.Finished().Outcome : new AttemptOutcome.Stopped(0));
        if (finishes)
        {
            Assert.Equal(ProblemCodes.TaskEnded, Assert.IsType<CommandReply.Refused>(await changing).Problem.Code);
            return;
        }
        Assert.Equal((200, 200), ((await changing).Status(), (await repeated).Status()));
        Assert.Equal(2, _world.Store.Received.SelectMany(batch => batch).SelectMany(append => append.Rows).Count(row => row.EventType == "task.changed.v1"));
        await _world.AskAsync(new SessionCommand.ResumeTask(id));
        await _world.UntilAsync(() => Task.FromResult(_world.Runner.Running.Any()));
        Assert.Equal("https://b.example/x", _world.Runner.Attempts[1].Order.Url);
    });

    [Fact]
    public void Commands_that_wait_share_one_append() => _world.Run(async () =>
    {
        await _world.StartAsync();
        await _world.AskAsync(new SessionCommand.Open(null));
        var before = _world.Store.Received.Count;
        var replies = Enumerable.Range(0, 100).Select(_ => _world.Post(new SessionCommand.AddTask(SessionHarness.Download() with { Start = false }))).ToList();
        foreach (var reply in replies)
            await reply;
        Assert.Equal(1, _world.Store.Received.Count - before);
        Assert.Equal(100, (await _world.DescribeAsync()).Counts.Suspended);
    });

    [Fact]
    public void An_append_that_fails_answers_everybody_and_reloads_what_is_durable() => _world.Run(async () =>
    {
        await _world.StartAsync(new JournalOptions { RetryLimit = TimeSpan.FromSeconds(2) });
        await _world.AskAsync(new SessionCommand.Open(null));
        _world.Store.FailCommits(new StoreFault(StoreFailure.Transient, Times: 1_000));
        var lost = await _world.AskAsync(new SessionCommand.AddTask(SessionHarness.Download()));
        Assert.IsType<CommandReply.Unavailable>(lost);
        Assert.Empty(_world.Runner.Attempts);
        await _world.UntilAsync(async () => await _world.AskAsync(new SessionCommand.Open(null)) is CommandReply.Done);
        var view = await _world.DescribeAsync();
        Assert.Equal((0L, 1L), (view.Counts.Waiting, view.LastEvent));
    });

    [Fact]
    public void A_fenced_session_stops_and_writes_nothing_more() => _world.Run(async () =>
    {
        await _world.StartAsync();
        await _world.AskAsync(new SessionCommand.Open(null));
        await _world.AskAsync(new SessionCommand.AddTask(SessionHarness.Download()));
        await _world.Store.TakeOverAsync(0, new NodeId(new Guid(9, 9, 9, new byte[8])), CancellationToken.None);
        Assert.IsType<CommandReply.Unavailable>(await _world.AskAsync(new SessionCommand.AddTask(SessionHarness.Download())));
        await _world.Session.Completion;
        Assert.Empty(_world.Runner.Running);
    });

    [Fact]
    public void After_a_crash_the_attempt_goes_on_from_its_checkpoint_and_the_task_ends_once() => _world.Run(async () =>
    {
        await _world.StartAsync();
        await _world.AskAsync(new SessionCommand.Open(null));
        var id = TaskId.Parse((await _world.AskAsync(new SessionCommand.AddTask(SessionHarness.Download()), ProtocolJson.Default.TaskView)).Id);
        await _world.UntilAsync(() => Task.FromResult(_world.Runner.Running.Any()));
        var first = _world.Runner.Running.Single();
        Assert.True(await first.Reports.CheckpointAsync(new PartCheckpoint { Part = "p", Bytes = 40, Total = 100, Validator = "\"v\"" }));
        _world.Crash();
        await _world.StartAsync();
        await _world.UntilAsync(() => Task.FromResult(_world.Runner.Running.Any()));
        var second = _world.Runner.Running.Single();
        Assert.Equal((2, 40L), (second.Order.Attempt, second.Order.Resume!.Bytes));
        Assert.True(second.Order.Epoch > first.Order.Epoch);
        second.Outcome.SetResult(((AttemptReport.Ended)SessionHarness.Finished(100)).Outcome);
        await _world.UntilAsync(async () => (await _world.TaskAsync(id)).State == "completed");
        var events = await _world.EventsAsync();
        Assert.Equal(Enumerable.Range(1, events.Count).Select(number => (long)number), events.Select(happened => happened.Number));
        Assert.Single(events, happened => happened.Type == EventTypes.TaskCompleted);
    });

    [Fact]
    public void An_orderly_stop_journals_where_attempts_stand_and_leaves_a_snapshot() => _world.Run(async () =>
    {
        await _world.StartAsync();
        await _world.AskAsync(new SessionCommand.Open(null));
        var id = TaskId.Parse((await _world.AskAsync(new SessionCommand.AddTask(SessionHarness.Download()), ProtocolJson.Default.TaskView)).Id);
        await _world.UntilAsync(() => Task.FromResult(_world.Runner.Running.Any()));
        _world.Session.Stop(StopReason.Drain);
        Assert.Equal(ActorEnd.Completed, await _world.Session.Completion);
        var opening = await _world.Store.OpenAsync(_world.Holder.Current!.Value, SessionWorld.Key, CancellationToken.None);
        Assert.Equal(opening!.Head!.LastSequence, opening.Snapshots[0].Sequence);
        await _world.StartAsync();
        var attempts = await _world.AskAsync(new SessionCommand.ListAttempts(id), ProtocolJson.Default.PageAttemptView);
        Assert.Equal("stopped", attempts.Items[0].Decision);
        Assert.Equal(0, _world.Slots.Use.Running - _world.Runner.Running.Count());
    });

    [Fact]
    public void The_same_key_gets_the_same_answer_also_after_a_reload() => _world.Run(async () =>
    {
        await _world.StartAsync();
        await _world.AskAsync(new SessionCommand.Open(null));
        var key = new CommandKey(new CommandId(new Guid(1, 2, 3, new byte[8])), 42);
        var command = new SessionCommand.AddTask(SessionHarness.Download() with { Start = false });
        var first = Assert.IsType<CommandReply.Done>(await _world.AskAsync(command, key));
        Assert.Equal(first.Json.ToArray(), Assert.IsType<CommandReply.Done>(await _world.AskAsync(command, key)).Json.ToArray());
        var reused = Assert.IsType<CommandReply.Refused>(await _world.AskAsync(command, key with { ContentHash = 43 }));
        Assert.Equal((422, ProblemCodes.IdempotencyKeyReused), (reused.Problem.Status, reused.Problem.Code));
        _world.Crash();
        await _world.StartAsync();
        Assert.Equal(first.Json.ToArray(), Assert.IsType<CommandReply.Done>(await _world.AskAsync(command, key)).Json.ToArray());
        Assert.Equal(1, (await _world.DescribeAsync()).Counts.Suspended);
    });

    [Fact]
    public void Acknowledgements_do_not_push_other_answers_out_of_the_ledger() => _ledger.Run(async () =>
    {
        await _ledger.StartAsync();
        await _ledger.AskAsync(new SessionCommand.Open(null));
        var suspended = new SessionCommand.AddTask(SessionHarness.Download() with { Start = false });
        for (var n = 0; n < 12; n++)
            await _ledger.AskAsync(suspended);
        var first = Assert.IsType<CommandReply.Done>(await _ledger.AskAsync(suspended, KeyOf(100)));
        for (var n = 1; n <= 12; n++)
            await _ledger.AskAsync(new SessionCommand.Acknowledge(n), KeyOf(n));
        Assert.Equal(12, (await _ledger.DescribeAsync()).Acknowledged);
        Assert.Equal(first.Json.ToArray(), Assert.IsType<CommandReply.Done>(await _ledger.AskAsync(suspended, KeyOf(100))).Json.ToArray());
        Assert.Equal(13, (await _ledger.DescribeAsync()).Counts.Suspended);
        var again = Assert.IsType<CommandReply.Done>(await _ledger.AskAsync(new SessionCommand.Acknowledge(3), KeyOf(3))); // decided again, it changes nothing
        Assert.Equal(12, JsonSerializer.Deserialize(again.Json.Span, ProtocolJson.Default.AckView)!.Acknowledged);
        var rows = await _ledger.Store.ReadRowsAsync(_ledger.Holder.Current!.Value, SessionWorld.Key, 0, 100, CancellationToken.None);
        Assert.Single(rows!, row => row.EventType == "command.answered.v1");

        static CommandKey KeyOf(int number) => new(new CommandId(new Guid(number, 2, 3, new byte[8])), (ulong)number);
    });

    [Fact]
    public void Per_host_connections_are_respected_and_everything_ends() => _world.Run(async () =>
    {
        await _world.StartAsync();
        await _world.AskAsync(new SessionCommand.Open(new SessionConfiguration { MaxConnectionsPerHost = 4 }));
        for (var n = 0; n < 20; n++)
            await _world.AskAsync(new SessionCommand.AddTask(SessionHarness.Download()));
        await _world.UntilAsync(() => Task.FromResult(_world.Runner.Running.Any()));
        var most = 0;
        while (_world.Runner.Attempts.Count < 20 || _world.Runner.Running.Any())
        {
            most = Math.Max(most, _world.Runner.Running.Count());
            _world.Runner.Running.FirstOrDefault()?.Outcome.SetResult(SessionHarness.Finished().Outcome);
            await Task.Delay(TimeSpan.FromMilliseconds(10), _world.World.Time);
        }
        Assert.Equal(4, most);
        await _world.UntilAsync(async () => (await _world.DescribeAsync()).Counts.Succeeded == 20);
        Assert.Equal(0, _world.Slots.Use.Running);
        var list = await _world.AskAsync(new SessionCommand.ListTasks("succeeded", null, 5, 10), ProtocolJson.Default.PageTaskView);
        Assert.Equal(Enumerable.Range(6, 10).Select(ordinal => $"t{ordinal}"), list.Items.Select(task => task.Id));
        Assert.NotNull(list.Next);
    });

    [Fact]
    public void Live_tasks_are_those_that_have_not_ended() => _world.Run(async () =>
    {
        await _world.StartAsync();
        await _world.AskAsync(new SessionCommand.Open(new SessionConfiguration { MaxConnectionsPerHost = 1 }));
        for (var n = 0; n < 4; n++)
            await _world.AskAsync(new SessionCommand.AddTask(SessionHarness.Download()));
        await _world.UntilAsync(() => Task.FromResult(_world.Runner.Running.Any()));
        _world.Runner.Running.First().Outcome.SetResult(SessionHarness.Finished().Outcome);
        await _world.UntilAsync(async () => (await _world.DescribeAsync()).Counts is { Succeeded: 1, Running: 1 });
        var live = await _world.AskAsync(new SessionCommand.ListTasks("live", null, 0, 10), ProtocolJson.Default.PageTaskView);
        Assert.Equal(["t2 running", "t3 waiting", "t4 waiting"], live.Items.Select(task => $"{task.Id} {task.State}"));
    });

    [Fact]
    public void An_idle_session_leaves_memory_and_one_with_a_timer_soon_does_not() => _world.Run(async () =>
    {
        await _world.StartAsync();
        await _world.AskAsync(new SessionCommand.Open(null));
        await Task.Delay(TimeSpan.FromMinutes(4), _world.World.Time);
        Assert.True(_world.Session.IsAccepting);
        await _world.AskAsync(new SessionCommand.AddTask(SessionHarness.Download() with { EarliestBeginAt = _world.World.Time.GetUtcNow().AddMinutes(4) }));
        await Task.Delay(TimeSpan.FromMinutes(3), _world.World.Time);
        Assert.True(_world.Session.IsAccepting);
        _world.Runner.FinishAllWith = SessionHarness.Finished().Outcome;
        await _world.Session.Completion;
        Assert.Single(_world.Runner.Attempts);
    });

    /// <summary>A slot belongs to an attempt that may never begin; every one of these once leaked.</summary>
    [Fact]
    public void Slots_come_back_when_an_attempt_never_began() => _world.Run(async () =>
    {
        await _world.StartAsync(new JournalOptions { RetryLimit = TimeSpan.FromSeconds(2) });
        await _world.AskAsync(new SessionCommand.Open(null));
        for (var n = 0; n < 5; n++)
            await _world.AskAsync(new SessionCommand.AddTask(SessionHarness.Download() with { Deadline = _world.World.Time.GetUtcNow().AddDays(-1) }));
        await _world.UntilAsync(async () => (await _world.DescribeAsync()).Counts.Expired == 5);
        Assert.Equal(0, _world.Slots.Use.Running);
        _world.Store.FailCommits(new StoreFault(StoreFailure.Transient, Times: 1_000));
        Assert.IsType<CommandReply.Unavailable>(await _world.AskAsync(new SessionCommand.AddTask(SessionHarness.Download())));
        await _world.UntilAsync(async () => await _world.AskAsync(new SessionCommand.Open(null)) is CommandReply.Done);
        Assert.Equal(0, _world.Slots.Use.Running);
    });

    [Fact]
    public void A_suspended_session_stands_still_while_waits_run_out() => _world.Run(async () =>
    {
        await _world.StartAsync();
        await _world.AskAsync(new SessionCommand.Open(null));
        await _world.AskAsync(new SessionCommand.AddTask(SessionHarness.Download() with { EarliestBeginAt = _world.World.Time.GetUtcNow().AddSeconds(5) }));
        await _world.AskAsync(new SessionCommand.SuspendAll(true));
        await Task.Delay(TimeSpan.FromSeconds(6), _world.World.Time);
        var steps = _world.World.Scheduler.Steps;
        await Task.Delay(TimeSpan.FromSeconds(60), _world.World.Time);
        Assert.InRange(_world.World.Scheduler.Steps - steps, 0, 100);
        await _world.AskAsync(new SessionCommand.SuspendAll(false));
        await _world.UntilAsync(() => Task.FromResult(_world.Runner.Running.Any()));
    });

    [Fact]
    public void A_session_that_was_never_created_leaves_at_once() => _world.Run(async () =>
    {
        await _world.StartAsync();
        Assert.Equal(404, Assert.IsType<CommandReply.Refused>(await _world.AskAsync(new SessionCommand.Describe())).Problem.Status);
        await _world.Session.Completion;
    });

    [Fact]
    public void A_damaged_row_stops_the_load_with_a_sentence() => _world.Run(async () =>
    {
        await _world.StartAsync();
        await _world.AskAsync(new SessionCommand.Open(null));
        await _world.AskAsync(new SessionCommand.AddTask(SessionHarness.Download()));
        _world.Crash();
        await _world.Store.DamageAsync(SessionWorld.Key, rows => rows[2] = rows[2] with { Payload = "{\"torn"u8.ToArray() }, CancellationToken.None);
        await _world.StartAsync();
        await Task.Delay(TimeSpan.FromSeconds(1), _world.World.Time);
        Assert.Contains(_world.World.Loggers.Lines, line => line.ToString()!.Contains("row 2", StringComparison.Ordinal));
    });

    [Fact]
    public void A_force_quit_of_thousands_ends_them_all_in_turns() => _world.Run(async () =>
    {
        await _world.StartAsync();
        await _world.AskAsync(new SessionCommand.Open(null));
        for (var batch = 0; batch < 10; batch++)
        {
            await _world.AskAsync(new SessionCommand.AddTasks(
                [.. Enumerable.Range(0, 500).Select(n => new BatchEntry(n, SessionHarness.Download() with { Start = false }, null))]));
        }
        await _world.AskAsync(new SessionCommand.End(EndMode.ForceQuit));
        await _world.UntilAsync(async () => (await _world.DescribeAsync()) is { Counts: { Cancelled: 5000, Suspended: 0 }, State: "active" });
    });

    [Fact]
    public void Snapshots_and_trimming_keep_what_nobody_acknowledged()
    {
        var world = new SessionWorld { Options = new SessionOptions { SnapshotEvery = 20 } };
        world.Run(async () =>
        {
            await world.StartAsync();
            await world.AskAsync(new SessionCommand.Open(null));
            world.Runner.FinishAllWith = SessionHarness.Finished().Outcome;
            for (var n = 0; n < 60; n++)
                await world.AskAsync(new SessionCommand.AddTask(SessionHarness.Download()));
            await world.UntilAsync(async () => (await world.DescribeAsync()).Counts.Succeeded == 60);
            var events = await world.EventsAsync();
            Assert.Equal(Enumerable.Range(1, events.Count).Select(number => (long)number), events.Select(happened => happened.Number));
            await world.AskAsync(new SessionCommand.Acknowledge(events.Count));
            for (var n = 0; n < 60; n++)
                await world.AskAsync(new SessionCommand.AddTask(SessionHarness.Download()));
            await world.UntilAsync(async () => (await world.DescribeAsync()).Counts.Succeeded == 120);
            Assert.Equal(60, world.Runner.Discarded.Count(discarded => discarded.ResultToo));
            world.Session.Stop(StopReason.Drain);
            await world.Session.Completion;
            var rows = await world.Store.ReadRowsAsync(world.Holder.Current!.Value, SessionWorld.Key, 0, 10_000, CancellationToken.None);
            Assert.True(rows![0].Sequence > 1, "nothing was trimmed");
            await world.StartAsync();
            Assert.Equal(120, (await world.DescribeAsync()).Counts.Succeeded);
            Assert.Equal(events.Count + 1, (await world.AskAsync(new SessionCommand.ReadEvents(events.Count, 1), ProtocolJson.Default.EventPage)).Events[0].Number);
        });
    }
}

using Backhaul.Node.Sessions;
using Backhaul.Node.Transfers;
using Backhaul.Node.Transfers.Conditions;
using Backhaul.Node.Transfers.Origins;
using Backhaul.Protocol;
using Xunit;

namespace Backhaul.Node.Tests.Sessions.Scheduling;

public sealed class DiscretionaryTests
{
    private static readonly SessionConfiguration Discretionary = new() { Discretionary = true, MaxConnectionsPerHost = 64 };

    [Fact]
    public void Discretionary_tasks_leave_half_of_the_node_free_and_come_after_all_other_work()
    {
        var world = new SessionWorld { Transfers = new TransferOptions { RunningMin = 4, RunningStart = 4, RunningMax = 4 } };
        world.Run(async () =>
        {
            await world.StartAsync();
            await world.AskAsync(new SessionCommand.Open(Discretionary));
            for (var n = 0; n < 4; n++)
                await world.AskAsync(new SessionCommand.AddTask(SessionHarness.Download($"d{n}")));
            await world.UntilAsync(() => Task.FromResult(world.Runner.Running.Count() == 2));
            var held = await world.TaskAsync(TaskId.Parse("d3"));
            Assert.Equal(("waiting", "discretionary"), (held.State, held.Reason));
            var why = (await world.AskAsync(new SessionCommand.ExplainTask(TaskId.Parse("d3")), ProtocolJson.Default.WhyView)).Sentence;
            Assert.Contains("fewer than 2", why, StringComparison.Ordinal);
            Assert.Contains("runs 2, its limit is 4", why, StringComparison.Ordinal);

            var other = world.StartSession(SessionKey.Parse("acme/daily"));
            await world.Post(new SessionCommand.Open(new SessionConfiguration { MaxConnectionsPerHost = 64 }), other);
            for (var n = 0; n < 3; n++)
                await world.Post(new SessionCommand.AddTask(SessionHarness.Download($"o{n}")), other);
            await world.UntilAsync(() => Task.FromResult(world.Runner.Running.Count() == 4));
            Finish(world, world.Runner.Running.First(attempt => attempt.Order.Files.Task.ToString() == "d0"));
            await world.UntilAsync(() => Task.FromResult(world.Runner.Running.Any(attempt => attempt.Order.Files.Task.ToString() == "o2")));
            Assert.DoesNotContain(world.Runner.Attempts, attempt => attempt.Order.Files.Task.ToString() is "d2" or "d3");

            foreach (var running in world.Runner.Running.Where(attempt => attempt.Order.Files.Task.ToString()[0] == 'o').ToList())
                Finish(world, running);
            await world.UntilAsync(() => Task.FromResult(world.Runner.Running.Any(attempt => attempt.Order.Files.Task.ToString() == "d2")));
            Finish(world, world.Runner.Running.First());
            await world.UntilAsync(() => Task.FromResult(world.Runner.Running.Any(attempt => attempt.Order.Files.Task.ToString() == "d3")));
        });
    }

    [Fact]
    public void Discretionary_tasks_wait_for_the_operators_window_and_start_when_it_opens()
    {
        // the world begins at some moment; the window opens some minutes later
        var world = new SessionWorld();
        var opens = world.World.Time.GetUtcNow().AddMinutes(10);
        world.Conditions = new NodeConditions("node-1", new DailyWindows([Row(opens, opens.AddHours(1))], TimeZoneInfo.Utc));
        world.Run(async () =>
        {
            await world.StartAsync();
            await world.AskAsync(new SessionCommand.Open(Discretionary));
            var view = await world.AskAsync(new SessionCommand.AddTask(SessionHarness.Download("a")), ProtocolJson.Default.TaskView);
            Assert.Equal(("waiting", "discretionary"), (view.State, view.Reason));
            Assert.InRange(view.NextEvaluationAt!.Value, opens.AddMinutes(-1), opens);
            await world.UntilAsync(() => Task.FromResult(world.Runner.Running.Any()), TimeSpan.FromSeconds(5));
            Assert.True(world.World.Time.GetUtcNow() >= view.NextEvaluationAt);
        });
    }

    [Fact]
    public void A_discretionary_task_whose_deadline_comes_near_starts_whatever_the_conditions_of_such_tasks()
    {
        var world = new SessionWorld();
        var now = world.World.Time.GetUtcNow();
        world.Conditions = new NodeConditions("node-1", new DailyWindows([Row(now.AddHours(12), now.AddHours(13))], TimeZoneInfo.Utc));
        world.Run(async () =>
        {
            await world.StartAsync();
            await world.AskAsync(new SessionCommand.Open(Discretionary));
            var view = await world.AskAsync(
                new SessionCommand.AddTask(SessionHarness.Download("a") with { Deadline = world.World.Time.GetUtcNow().AddMinutes(90) }), ProtocolJson.Default.TaskView);
            Assert.Equal(("waiting", "discretionary"), (view.State, view.Reason));
            Assert.InRange(view.NextEvaluationAt!.Value - now, TimeSpan.FromMinutes(29), TimeSpan.FromMinutes(31));
            await world.UntilAsync(() => Task.FromResult(world.Runner.Running.Any()), TimeSpan.FromSeconds(5));
            Assert.True(world.World.Time.GetUtcNow() >= view.NextEvaluationAt);
        });
    }

    [Fact]
    public void Urgent_tasks_keep_their_places_through_any_change()
    {
        var session = new SessionHarness().Opened(Discretionary);
        var id = session.Add(SessionHarness.Download("a") with { Deadline = session.Now.AddHours(2) });
        var late = session.Add(SessionHarness.Download("b"));
        session.Session.Tasks.Promote(session.Now);
        Assert.True(session.Session.Tasks.TermsOf(session.Session.Tasks[id]).Discretionary);
        Assert.Equal(session.Now.AddHours(1), session.Session.Tasks.NextDue());
        session.Now = session.Now.AddHours(1);
        session.Session.Tasks.Promote(session.Now);
        Assert.False(session.Session.Tasks.TermsOf(session.Session.Tasks[id]).Discretionary);
        Assert.True(session.Session.Tasks.Ready.TryPeek(1, new HashSet<string>(), out var next, out _, terms => !terms.Discretionary));
        Assert.Equal(id, next);
        session.Do(new SessionCommand.ChangeTask(id, new TaskChange { Priority = 1 }));
        session.Session.Tasks.Promote(session.Now);
        Assert.Equal(2, session.Session.Tasks.Ready.Count);
        var attempt = session.Start(id);
        session.Report(id, attempt, SessionHarness.Failed());
        session.Now = session.Now.AddMinutes(10);
        session.Session.Tasks.Promote(session.Now);
        Assert.True(session.Session.Tasks.Ready.TryPeek(1, new HashSet<string>(), out next, out _, terms => !terms.Discretionary));
        Assert.Equal(id, next);
        session.Do(new SessionCommand.CancelTask(id));
        Assert.Equal(1, session.Session.Tasks.Ready.Count);
        Assert.True(session.Session.Tasks.Ready.TryPeek(1, new HashSet<string>(), out next, out _));
        Assert.Equal(late, next);
        session.AssertReplaysEqual();
    }

    [Fact]
    public void A_task_that_a_client_created_while_it_handled_a_launch_starts_as_a_discretionary_one()
    {
        var session = new SessionHarness().Opened();
        session.Apply([new TaskCreated(TaskId.Parse("a"), 1, SessionHarness.Download("a"), 1, session.Now) { Discretionary = true }]);
        Assert.True(session.Session.Tasks.TermsOf(session.Session.Tasks[TaskId.Parse("a")]).Discretionary);
        Assert.False(session.Session.Tasks.Ready.TryPeek(1, new HashSet<string>(), out _, out _, terms => !terms.Discretionary));
        session.AssertReplaysEqual();
    }

    private static BandwidthRule Row(DateTimeOffset from, DateTimeOffset to) => new() { From = $"{from:HH:mm}", To = $"{to:HH:mm}" };

    private static void Finish(SessionWorld world, ScriptedAttempt attempt)
    {
        Assert.Contains(attempt, world.Runner.Attempts);
        attempt.Outcome.SetResult(((AttemptReport.Ended)SessionHarness.Finished()).Outcome);
    }
}

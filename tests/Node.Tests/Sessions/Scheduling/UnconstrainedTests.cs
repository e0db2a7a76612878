using Backhaul.Node.Actors;
using Backhaul.Node.Sessions;
using Backhaul.Node.Transfers;
using Backhaul.Node.Transfers.Conditions;
using Backhaul.Protocol;
using Xunit;

namespace Backhaul.Node.Tests.Sessions.Scheduling;

public sealed class UnconstrainedTests
{
    private static readonly SessionOptions Granting = new() { Unconstrained = new UnconstrainedOptions { Tenants = ["acme"] } };
    private static readonly SessionConfiguration Narrow = new() { MaxConnectionsPerHost = 1, Discretionary = true, CostPolicy = "unrestrictedOnly" };
    private static readonly NetworkState Metered = new() { Cost = NetworkCost.Metered };

    [Fact]
    public void An_unconstrained_task_is_free_of_session_discretionary_and_cost_limits()
    {
        var world = World();
        world.Run(async () =>
        {
            await world.StartAsync();
            world.Conditions.Set(Metered);
            await world.AskAsync(new SessionCommand.Open(Narrow));
            var usual = await AddAsync(world, "usual", unconstrained: false);
            var first = await AddAsync(world, "first");
            var second = await AddAsync(world, "second");
            Assert.Equal(("waiting", "costedNetwork", null, null), (usual.State, usual.Reason, usual.Unconstrained, usual.UnconstrainedVerdict));
            Assert.Equal(("running", true, "granted"), (first.State, first.Unconstrained, first.UnconstrainedVerdict));
            Assert.Equal("running", second.State);

            world.Conditions.Set(new NetworkState { Cost = NetworkCost.Roaming, Cellular = true, Constrained = true });
            await world.UntilAsync(() => Task.FromResult(world.Runner.Running.Count() == 2)); // neither is stopped
            world.Conditions.Set(new NetworkState { Offline = true });
            await world.UntilAsync(async () => (await world.TaskAsync(TaskId.Parse("first"))) is { State: "waiting", Reason: "noNetwork" });
            Assert.Contains("It is unconstrained", await WhyAsync(world, "first"), StringComparison.Ordinal);
        });
    }

    [Fact]
    public void An_unconstrained_task_passes_the_sessions_connections_and_leaves_the_nodes_limits_in_force()
    {
        var world = World(new TransferOptions { RunningMin = 3, RunningStart = 3, RunningMax = 3 });
        world.Run(async () =>
        {
            await world.StartAsync();
            await world.AskAsync(new SessionCommand.Open(new SessionConfiguration { MaxConnectionsPerHost = 1 }));
            Assert.Equal("running", (await AddAsync(world, "u0", unconstrained: false)).State);
            Assert.Equal("hostLimit", (await AddAsync(world, "u1", unconstrained: false)).Reason);
            Assert.Equal("running", (await AddAsync(world, "a")).State);
            Assert.Equal("running", (await AddAsync(world, "b")).State);
            Assert.Equal(("waiting", "nodeLimit"), ((await AddAsync(world, "c")).State, (await world.TaskAsync(TaskId.Parse("c"))).Reason));
            Finish(world, "a");
            await world.UntilAsync(async () => (await world.TaskAsync(TaskId.Parse("c"))).State == "running");
            Finish(world, "b");
            Finish(world, "c");
            Finish(world, "u0");
            await world.UntilAsync(async () => (await world.TaskAsync(TaskId.Parse("u1"))).State == "running");
        });
    }

    [Fact]
    public void Policy_denies_unless_operators_say_otherwise_and_the_task_runs_as_any_other()
    {
        var world = new SessionWorld();
        world.Run(async () =>
        {
            await world.StartAsync();
            world.Conditions.Set(Metered);
            await world.AskAsync(new SessionCommand.Open(Narrow));
            var denied = await AddAsync(world, "a");
            Assert.Equal(("waiting", "costedNetwork", true, "denied"), (denied.State, denied.Reason, denied.Unconstrained, denied.UnconstrainedVerdict));
            Assert.Contains("did not grant to tenant acme", await WhyAsync(world, "a"), StringComparison.Ordinal);
            world.Conditions.Set(NetworkState.Good);
            await world.UntilAsync(async () => (await world.TaskAsync(TaskId.Parse("a"))).State == "running");
            var results = await world.AskAsync(
                new SessionCommand.AddTasks([new BatchEntry(0, Unconstrained("b"), null), new BatchEntry(1, SessionHarness.Download("c"), null)]),
                ProtocolJson.Default.IReadOnlyListTaskResult);
            Assert.Equal(["denied", null], results.Select(result => result.UnconstrainedVerdict));
        });
    }

    [Fact]
    public void What_the_policy_said_when_a_task_asked_holds_whatever_it_says_later()
    {
        var session = new SessionHarness(Granting).Opened();
        var id = session.Add(Unconstrained("a"));
        session.AssertReplaysEqual();
        var elsewhere = new Session(SessionHarness.Key, new SessionOptions());
        foreach (var happened in session.History)
            elsewhere.Apply(happened);
        Assert.True(elsewhere.Tasks[id].Unconstrained);
        Assert.True(elsewhere.Tasks.TermsOf(elsewhere.Tasks[id]).Unconstrained);
    }

    [Fact]
    public void No_more_unconstrained_tasks_run_on_a_node_than_its_operators_allow_whosever_they_are()
    {
        var world = World();
        world.Conditions = new NodeConditions("node-1") { Unconstrained = new UnconstrainedPlaces(1) };
        world.Run(async () =>
        {
            await world.StartAsync();
            await world.AskAsync(new SessionCommand.Open(null));
            Assert.Equal("running", (await AddAsync(world, "a")).State);
            Assert.Equal("nodeLimit", (await AddAsync(world, "b")).Reason);
            Assert.Equal("running", (await AddAsync(world, "usual", unconstrained: false)).State);
            Assert.Contains("1 of at most 1 unconstrained transfers", await WhyAsync(world, "b"), StringComparison.Ordinal);

            var other = world.StartSession(SessionKey.Parse("acme/daily"));
            await world.Post(new SessionCommand.Open(null), other);
            await world.Post(new SessionCommand.AddTask(Unconstrained("o")), other);
            Assert.Equal(2, world.Runner.Running.Count());
            foreach (var begun in (string[])["b", "o"])
            {
                Finish(world, begun == "b" ? "a" : world.Runner.Running.First(attempt => attempt.Order.Files.Task.ToString() is "b" or "o").Order.Files.Task.ToString());
                await world.UntilAsync(() => Task.FromResult(world.Runner.Running.Count() == 2));
            }
            Assert.Equal(["a", "b", "o", "usual"], world.Runner.Attempts.Select(attempt => attempt.Order.Files.Task.ToString()).Order());
        });
    }

    [Fact]
    public void A_place_that_the_first_in_line_does_not_take_goes_to_the_next() => Lined(async (world, other) =>
    {
        await world.Post(new SessionCommand.SuspendAll(true), other);
        Finish(world, "a");
        await world.UntilAsync(async () => (await world.TaskAsync(TaskId.Parse("b"))).State == "running");
        await world.Post(new SessionCommand.SuspendAll(false), other);
        Finish(world, "b");
        await world.UntilAsync(() => Task.FromResult(world.Runner.Running.Any(attempt => attempt.Order.Files.Task.ToString() == "o")));
    });

    [Fact]
    public void A_place_that_is_kept_for_a_session_which_leaves_memory_goes_to_the_next() => Lined(async (world, other) =>
    {
        other.Stop(StopReason.Drain);
        Finish(world, "a");
        await world.UntilAsync(async () => (await world.TaskAsync(TaskId.Parse("b"))).State == "running");
    });

    /// <summary>One place that task a has; another session's o is the first in line for it, and b the second.</summary>
    private static void Lined(Func<SessionWorld, ActorRef<SessionMessage>, Task> body)
    {
        var world = World();
        world.Conditions = new NodeConditions("node-1") { Unconstrained = new UnconstrainedPlaces(1) };
        world.Run(async () =>
        {
            await world.StartAsync();
            await world.AskAsync(new SessionCommand.Open(null));
            Assert.Equal("running", (await AddAsync(world, "a")).State);
            var other = world.StartSession(SessionKey.Parse("acme/daily"));
            await world.Post(new SessionCommand.Open(null), other);
            await world.Post(new SessionCommand.AddTask(Unconstrained("o")), other);
            Assert.Equal("nodeLimit", (await AddAsync(world, "b")).Reason);
            await body(world, other);
        });
    }

    [Fact]
    public void A_suspended_or_waiting_task_may_ask_later_and_give_it_up_again()
    {
        var session = new SessionHarness(Granting).Opened(Narrow);
        var id = session.Add();
        var asked = session.Task(new SessionCommand.ChangeTask(id, new TaskChange { Unconstrained = true }));
        Assert.Equal((true, "granted"), (asked.Unconstrained, asked.UnconstrainedVerdict));
        Assert.True(session.Session.Tasks.Ready.TryPeek(1, new HashSet<string>(), out _, out _, terms => terms is { Unconstrained: true, Discretionary: false }));
        session.AssertReplaysEqual();
        Assert.Equal("granted", session.Task(new SessionCommand.ChangeTask(id, new TaskChange { Priority = 1 })).UnconstrainedVerdict);

        var given = session.Task(new SessionCommand.ChangeTask(id, new TaskChange { Unconstrained = false }));
        Assert.Equal((null, null), (given.Unconstrained, given.UnconstrainedVerdict));
        Assert.True(session.Session.Tasks.TermsOf(session.Session.Tasks[id]) is { Unconstrained: false, Discretionary: true });
        session.AssertReplaysEqual();
        session.Start(id);
        Assert.Equal(ProblemCodes.TaskRunning, session.Problem(new SessionCommand.ChangeTask(id, new TaskChange { Unconstrained = true })).Code);
    }

    [Theory]
    [InlineData("acme", true)]
    [InlineData("*", true)]
    [InlineData("acm", false)]
    public void Operators_grant_it_to_tenants_by_name_or_to_everybody(string granted, bool isGranted) =>
        Assert.Equal(isGranted, new UnconstrainedOptions { Tenants = ["other", granted] }.Grants(SessionHarness.Key.Tenant));

    [Fact]
    public void What_is_wrong_with_the_policy_is_said()
    {
        Assert.Empty(new UnconstrainedOptions { Tenants = ["*", "acme"] }.Faults());
        Assert.Equal(2, new SessionOptions { Unconstrained = new UnconstrainedOptions { Tenants = ["a b"], RunningMax = 0 } }.Faults().Count());
    }

    private static SessionWorld World(TransferOptions? transfers = null) => new() { Options = Granting, Transfers = transfers ?? new TransferOptions() };

    private static TaskSpec Unconstrained(string id) => SessionHarness.Download(id) with { Unconstrained = true };

    private static Task<TaskView> AddAsync(SessionWorld world, string id, bool unconstrained = true) =>
        world.AskAsync(new SessionCommand.AddTask(SessionHarness.Download(id) with { Unconstrained = unconstrained }), ProtocolJson.Default.TaskView);

    private static async Task<string> WhyAsync(SessionWorld world, string id) =>
        (await world.AskAsync(new SessionCommand.ExplainTask(TaskId.Parse(id)), ProtocolJson.Default.WhyView)).Sentence;

    private static void Finish(SessionWorld world, string id) =>
        world.Runner.Running.Single(attempt => attempt.Order.Files.Task.ToString() == id).Outcome.SetResult(((AttemptReport.Ended)SessionHarness.Finished()).Outcome);
}

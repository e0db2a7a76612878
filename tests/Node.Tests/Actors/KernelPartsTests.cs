using Backhaul.Node.Actors;
using Backhaul.Node.Tests.Clock;
using Backhaul.World;
using Xunit;

namespace Backhaul.Node.Tests.Actors;

public sealed class KernelPartsTests
{
    private readonly VirtualWorld _world = new();

    [Fact]
    public void A_request_takes_the_first_answer_and_counts_the_rest()
    {
        var request = new Request<int>();
        var before = RequestCounts.AnswersIgnored;
        Assert.False(request.IsAnswered);
        Assert.True(request.TryAnswer(1));
        Assert.False(request.TryAnswer(2));
        Assert.False(request.TryAnswer(3));
        Assert.Equal(1, request.Reply.Now());
        Assert.Equal(2, request.AnswersIgnored);
        Assert.True(RequestCounts.AnswersIgnored >= before + 2);
    }

    [Fact]
    public async Task The_wake_event_keeps_one_signal_and_wakes_one_waiter()
    {
        var wake = new WakeEvent();
        wake.Set();
        wake.Set();
        Assert.True(wake.WaitAsync().AsTask().IsCompleted);
        var waiting = wake.WaitAsync().AsTask();
        Assert.False(waiting.IsCompleted);
        wake.Set();
        await waiting.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task The_wake_event_loses_no_signal_between_threads()
    {
        var ping = new WakeEvent();
        var pong = new WakeEvent();
        const int Rounds = 50_000;
        var echo = Task.Run(async () =>
        {
            for (var i = 0; i < Rounds; i++)
            {
                await ping.WaitAsync();
                pong.Set();
            }
        }, TestContext.Current.CancellationToken);
        var caller = Task.Run(async () =>
        {
            for (var i = 0; i < Rounds; i++)
            {
                ping.Set();
                await pong.WaitAsync();
            }
        }, TestContext.Current.CancellationToken);
        await Task.WhenAll(echo, caller).WaitAsync(TimeSpan.FromSeconds(60), TestContext.Current.CancellationToken);
    }

    [Fact]
    public void The_tree_shows_what_runs()
    {
        var system = _world.NewActorSystem();
        var journal = new Probe.Journal
        {
            OnStart = context =>
            {
                context.Spawn("default/orders", () => new Probe(new Probe.Journal()));
                return default;
            },
        };
        var top = system.Spawn("shard-7", () => new Probe(journal));
        _world.RunUntilIdle();
        top.TryPost(new ProbeMessage("one"));
        top.TryPost(new ProbeMessage("two"));
        _world.RunUntilIdle();
        top.Pause();
        top.TryPost(new ProbeMessage("three"));

        var tree = system.Describe(null, depth: 5)!;
        Assert.Equal("/", tree.Path);
        var shard = Assert.Single(tree.Children);
        Assert.Equal(("/shard-7", "Probe", "paused", 1, 2L, 1), (shard.Path, shard.Type, shard.State, shard.InboxDepth, shard.Handled, shard.ChildCount));
        Assert.Equal("/shard-7/default/orders", Assert.Single(shard.Children).Path);
        Assert.Equal("running", system.Describe("/shard-7/default/orders", depth: 0)!.State);
        Assert.Empty(system.Describe("/shard-7", depth: 0)!.Children);
        Assert.Null(system.Describe("/nobody", depth: 1));
    }

    [Fact]
    public void The_deepest_mailbox_is_remembered_for_a_while()
    {
        var system = _world.NewActorSystem();
        var actor = system.Spawn("probe", () => new Probe(new Probe.Journal()));
        _world.RunUntilIdle();
        for (var i = 0; i < 40; i++)
            actor.TryPost(new ProbeMessage($"{i}"));
        _world.RunUntilIdle();
        Assert.Equal(40, system.InboxDepthMax);
        _world.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal(40, system.InboxDepthMax);
        _world.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal(0, system.InboxDepthMax);
    }

    [Fact]
    public void Ids_are_version_7_and_differ()
    {
        var ids = new Version7Ids(TimeProvider.System);
        var some = Enumerable.Range(0, 1000).Select(_ => ids.Next()).ToList();
        Assert.Equal(1000, some.Distinct().Count());
        Assert.All(some, id => Assert.Equal(7, id.Version));
        Assert.InRange(new SystemRandom().NextUnit(), 0, 1);
    }

    [Fact]
    public void The_same_world_runs_the_same_steps()
    {
        Assert.Equal(Run(), Run());

        static long Run()
        {
            var world = new VirtualWorld(seed: 3);
            var system = world.NewActorSystem();
            for (var i = 0; i < 10; i++)
            {
                var actor = system.Spawn($"{i}", () => new Probe(new Probe.Journal()));
                actor.TryPost(new ProbeMessage("bad", _ => throw new InvalidOperationException("bug")));
                actor.TryPost(new ProbeMessage("slow", async context => await Task.Delay(TimeSpan.FromSeconds(3), context.Time)));
            }
            world.Advance(TimeSpan.FromMinutes(1));
            return world.Scheduler.Steps;
        }
    }
}

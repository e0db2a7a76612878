using Backhaul.Node.Sharding;
using Backhaul.World;
using Xunit;

namespace Backhaul.Node.Tests.Sharding;

public sealed class RecoveryPermitsTests
{
    private readonly VirtualWorld _world = new();

    [Fact]
    public void So_many_enter_and_the_next_when_one_leaves() => _world.Run(async () =>
    {
        var permits = New(2);
        var first = await permits.Asked.EnterAsync(CancellationToken.None);
        using var second = await permits.Due.EnterAsync(CancellationToken.None);
        var third = permits.Asked.EnterAsync(CancellationToken.None).AsTask();
        Assert.Equal((2, 1), (permits.Loading, permits.Waiting));
        first.Dispose();
        first.Dispose();
        using (await third)
            Assert.Equal((2, 0), (permits.Loading, permits.Waiting));
        Assert.Equal(1, permits.Loading);
    });

    [Fact]
    public void Neither_lane_starves_the_other() => _world.Run(async () =>
    {
        var permits = New(1);
        var order = new List<string>();
        var held = await permits.Due.EnterAsync(CancellationToken.None);
        var all = Enumerable.Range(0, 6).Select(_ => EnterAsync("due", permits.Due)).Concat(Enumerable.Range(0, 3).Select(_ => EnterAsync("asked", permits.Asked))).ToList();
        held.Dispose();
        await Task.WhenAll(all);
        Assert.Equal(3, order.Take(6).Count(lane => lane == "asked"));

        async Task EnterAsync(string lane, Backhaul.Node.Actors.IStartGate gate)
        {
            using var permit = await gate.EnterAsync(CancellationToken.None);
            order.Add(lane);
            await Task.Yield();
        }
    });

    [Fact]
    public void A_cancelled_wait_takes_no_permit() => _world.Run(async () =>
    {
        var permits = New(1);
        var held = await permits.Asked.EnterAsync(CancellationToken.None);
        using var stop = new CancellationTokenSource();
        var waiting = permits.Asked.EnterAsync(stop.Token).AsTask();
        var behind = permits.Asked.EnterAsync(CancellationToken.None).AsTask();
        stop.Cancel(); // CancelAsync would leave the thread
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
        held.Dispose();
        (await behind).Dispose();
        Assert.Equal((0, 0), (permits.Loading, permits.Waiting));
    });

    [Fact]
    public void A_load_that_hangs_gives_its_permit_up() => _world.Run(async () =>
    {
        var permits = New(1);
        using var hanging = await permits.Asked.EnterAsync(CancellationToken.None);
        var began = _world.Time.Elapsed;
        using var next = await permits.Asked.EnterAsync(CancellationToken.None);
        Assert.Equal(TimeSpan.FromSeconds(30), _world.Time.Elapsed - began);
        Assert.Single(_world.Loggers.Of(3012));
    });

    private RecoveryPermits New(int loadsMax) => new(loadsMax, TimeSpan.FromSeconds(30), _world.Time, _world.Loggers.CreateLogger("test"));
}

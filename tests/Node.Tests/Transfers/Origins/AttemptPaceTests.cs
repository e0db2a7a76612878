using Backhaul.Node.Transfers;
using Backhaul.Node.Transfers.Origins;
using Backhaul.World;
using Xunit;

namespace Backhaul.Node.Tests.Transfers.Origins;

public sealed class AttemptPaceTests
{
    private readonly VirtualWorld _world = new();

    [Fact]
    public void Without_a_limit_nothing_waits_and_nothing_is_allocated()
    {
        var pace = new AttemptPace([new RateGate(TimeProvider.System), new RateGate(TimeProvider.System)], TimeProvider.System);
        Assert.True(pace.TakeAsync(1, CancellationToken.None).AsTask().IsCompletedSuccessfully);
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < 1000; i++)
            Assert.True(pace.TakeAsync(pace.Grain, CancellationToken.None).AsTask().IsCompletedSuccessfully);
        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }

    [Theory]
    [InlineData(2_000)]
    [InlineData(100_000)]
    [InlineData(50_000_000)]
    public void Bytes_flow_evenly_at_the_limit(int rate) => _world.Run(async () =>
    {
        var pace = new AttemptPace([new RateGate(_world.Time, rate)], _world.Time);
        var (moved, timers) = (0L, 0);
        for (var second = 1; second <= 20; second++)
        {
            while (_world.Time.Elapsed < TimeSpan.FromSeconds(second))
            {
                await pace.TakeAsync(pace.Grain, CancellationToken.None);
                moved += pace.Grain;
                timers++;
            }
            Assert.InRange(moved, rate * second * 0.9, (rate * (second + 0.26)) + (pace.Grain * 2));
        }
        Assert.True(timers <= 20 * 250, $"{timers} takings in 20 s");
    });

    [Fact]
    public void Transfers_share_a_limit_evenly_and_follow_one_that_changes() => _world.Run(async () =>
    {
        var node = new RateGate(_world.Time, 1_000_000);
        var moved = new long[4];
        using var stop = new CancellationTokenSource();
        var running = Enumerable.Range(0, moved.Length).Select(i => MoveAsync(i, new AttemptPace([node], _world.Time))).ToList();
        await Task.Delay(TimeSpan.FromSeconds(10), _world.Time);
        Assert.All(moved, each => Assert.InRange(each, 2_350_000, 2_700_000));
        var before = moved.Sum();
        node.Set(4_000_000);
        await Task.Delay(TimeSpan.FromSeconds(10), _world.Time);
        Assert.InRange(moved.Sum() - before, 38_000_000, 42_000_000);
        before = moved.Sum();
        node.Set(10_000);
        await Task.Delay(TimeSpan.FromSeconds(100), _world.Time);
        Assert.InRange(moved.Sum() - before, 800_000, 2_300_000); // what was under way passes at the new rate
        stop.Cancel();
        foreach (var transfer in running)
            await transfer;

        async Task MoveAsync(int index, AttemptPace pace)
        {
            while (!stop.IsCancellationRequested)
            {
                var grain = pace.Grain;
                await pace.TakeAsync(grain, CancellationToken.None);
                moved[index] += grain;
            }
        }
    });

    [Fact]
    public void The_slowest_of_its_limits_decides_and_a_stop_is_heard() => _world.Run(async () =>
    {
        var (task, node) = (new RateGate(_world.Time, 10_000), new RateGate(_world.Time, 1_000_000));
        var pace = new AttemptPace([node, task], _world.Time);
        var moved = 0L;
        while (_world.Time.Elapsed < TimeSpan.FromSeconds(10))
        {
            await pace.TakeAsync(pace.Grain, CancellationToken.None);
            moved += pace.Grain;
        }
        Assert.InRange(moved, 95_000, 106_000);
        Assert.InRange(pace.Held.TotalSeconds, 9, 10.5);
        task.Set(0);
        using var stop = new CancellationTokenSource(TimeSpan.FromSeconds(30), _world.Time);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => pace.TakeAsync(1000, stop.Token).AsTask());
    });

    [Fact]
    public void The_nodes_limit_follows_the_time_of_day() => _world.Run(async () =>
    {
        var now = _world.Time.GetUtcNow();
        var options = new TransferOptions
        {
            BytesPerSecondMax = 5000,
            Bandwidth = [new BandwidthRule { From = $"{now.AddMinutes(2):HH:mm}", To = $"{now.AddMinutes(4):HH:mm}", BytesPerSecondMax = 50_000 }],
        };
        Assert.Empty(options.Problems());
        using var governor = new Governor(options, _world.Time);
        Assert.Equal(5000, governor.Paces.Node.PerSecond);
        await Task.Delay(TimeSpan.FromMinutes(3), _world.Time);
        Assert.Equal(50_000, governor.Paces.Node.PerSecond);
        await Task.Delay(TimeSpan.FromMinutes(2), _world.Time);
        Assert.Equal(5000, governor.Paces.Node.PerSecond);
    });
}

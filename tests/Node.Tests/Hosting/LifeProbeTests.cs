using Backhaul.Node.Actors;
using Backhaul.Node.Hosting;
using Backhaul.World;
using Xunit;

namespace Backhaul.Node.Tests.Hosting;

public sealed class LifeProbeTests
{
    private readonly VirtualWorld _world = new();
    private readonly HeldScheduler _scheduler = new();

    [Fact]
    public void A_process_that_begins_its_work_is_alive_however_rarely_it_is_asked() => _world.Run(async () =>
    {
        var probe = new LifeProbe(_scheduler, null, _world.Time);
        for (var asked = 0; asked < 5; asked++)
        {
            Assert.True(probe.IsAlive());
            _scheduler.RunAll();
            await Task.Delay(TimeSpan.FromMinutes(2), _world.Time);
        }
    });

    [Fact]
    public void A_process_whose_work_is_not_begun_for_half_a_minute_is_not_and_is_again_when_it_is() => _world.Run(async () =>
    {
        var probe = new LifeProbe(_scheduler, null, _world.Time);
        Assert.True(probe.IsAlive());
        await Task.Delay(TimeSpan.FromSeconds(29), _world.Time);
        Assert.True(probe.IsAlive());
        await Task.Delay(TimeSpan.FromSeconds(2), _world.Time);
        Assert.False(probe.IsAlive());
        Assert.Equal(1, _scheduler.Count); // one piece of work, however often it is asked
        _scheduler.RunAll();
        Assert.True(probe.IsAlive());
    });

    /// <summary>Begins what was queued when it is told to.</summary>
    private sealed class HeldScheduler : ActorScheduler
    {
        private readonly Queue<(Action<object?> Work, object? State)> _queued = [];

        public int Count => _queued.Count;

        public override void Queue(Action<object?> work, object? state) => _queued.Enqueue((work, state));

        public void RunAll()
        {
            while (_queued.TryDequeue(out var next))
                next.Work(next.State);
        }
    }
}

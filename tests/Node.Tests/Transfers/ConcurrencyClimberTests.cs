using Backhaul.Node.Transfers;
using FsCheck;
using FsCheck.Fluent;
using Xunit;

namespace Backhaul.Node.Tests.Transfers;

/// <summary>The search against models of nodes: a function from how many run to what they bring.</summary>
public sealed class ConcurrencyClimberTests
{
    private static readonly TimeSpan Length = TimeSpan.FromMilliseconds(200);
    private static readonly Config Many = Config.QuickThrowOnFailure.WithMaxTest(200);

    [Fact]
    public void Slow_peers_all_run_within_two_seconds()
    {
        var climber = New();
        Run(climber, Proportional, windows: 10);
        Assert.Equal(1024, climber.Limit);
    }

    [Fact]
    public void A_busy_node_settles_near_its_best_and_does_not_go_far_from_it()
    {
        var limits = Run(New(), Knee(8), windows: 300);
        Assert.InRange(limits.Skip(30).Average(), 5, 16);
        Assert.True(limits.Skip(30).Count(limit => limit > 16) <= 15, "It looked above twice the best too often.");
    }

    [Fact]
    public void A_best_above_the_start_is_found()
    {
        var limits = Run(New(), Knee(50), windows: 200);
        Assert.InRange(limits.Skip(50).Average(), 25, 110);
    }

    [Fact]
    public void It_follows_when_the_work_changes_and_comes_back()
    {
        var climber = New();
        Run(climber, Knee(8), windows: 200);
        Run(climber, running => Proportional(running) * 100, windows: 12);
        Assert.True(climber.Limit >= 900, $"Only {climber.Limit} slow ones may run.");
        var limits = Run(climber, Knee(8), windows: 60);
        Assert.InRange(limits[^20..].Average(), 4, 20);
    }

    [Fact]
    public void Noise_does_not_lead_it_astray() => Check.One(Many, Prop.ForAll<int>(seed =>
    {
        var busy = Run(New(), Noisy(Knee(8), seed), windows: 300).Skip(40).Average();
        var slow = Run(New(), Noisy(Proportional, seed), windows: 60)[^20..].Average();
        Assert.InRange(busy, 4, 24);
        Assert.InRange(slow, 700, 1024);
    }));

    [Fact]
    public void The_limit_stays_between_its_bounds_whatever_it_is_told() => Check.One(Many, Prop.ForAll<int[], PositiveInt, PositiveInt>((told, a, b) =>
    {
        var (min, max) = (Math.Min(a.Get, b.Get), Math.Max(a.Get, b.Get));
        var climber = new ConcurrencyClimber(min, start: 16, max);
        foreach (var number in told)
        {
            climber.Observe(new WorkWindow(TimeSpan.FromTicks(Math.Abs(number % 5000)), Math.Abs((long)number) << (number & 15), number & 255, number & 1023, number % 3 != 0));
            Assert.InRange(climber.Limit, min, max);
        }
    }));

    [Fact]
    public void The_same_windows_lead_to_the_same_limits() =>
        Assert.Equal(Run(New(), Noisy(Knee(20), 7), 200), Run(New(), Noisy(Knee(20), 7), 200));

    [Fact]
    public void While_nothing_moves_more_may_start()
    {
        var climber = New();
        Run(climber, _ => 0, windows: 10);
        Assert.Equal(1024, climber.Limit);
    }

    [Fact]
    public void A_limit_that_holds_nobody_up_falls_back_to_where_it_began()
    {
        var climber = New();
        Run(climber, Proportional, windows: 10);
        for (var i = 0; i < 20; i++)
            climber.Observe(new WorkWindow(Length, 1_000_000, 1, Running: 3, IsWanted: false));
        Assert.Equal(16, climber.Limit);
    }

    [Fact]
    public void One_bound_for_both_turns_it_off()
    {
        var limits = Run(new ConcurrencyClimber(12, 16, 12), Proportional, windows: 50);
        Assert.All(limits, limit => Assert.Equal(12, limit));
    }

    private static ConcurrencyClimber New() => new(min: 4, start: 16, max: 1024);

    /// <summary>Each peer gives 1 MB/s, however many are asked.</summary>
    private static double Proportional(int running) => running * 1_000_000.0;

    /// <summary>As many as <paramref name="best"/> bring 400 MB/s; fewer bring less in proportion, and each further one costs a little.</summary>
    private static Func<int, double> Knee(int best) => running =>
        running <= best ? 400e6 * running / best : 400e6 * Math.Pow((double)best / running, 0.25);

    private static Func<int, double> Noisy(Func<int, double> model, int seed)
    {
        var random = new Random(seed);
        return running => model(running) * (0.9 + (0.2 * random.NextDouble()));
    }

    private static List<int> Run(ConcurrencyClimber climber, Func<int, double> bytesPerSecond, int windows)
    {
        List<int> limits = [];
        for (var i = 0; i < windows; i++)
        {
            climber.Observe(new WorkWindow(Length, (long)(bytesPerSecond(climber.Limit) * Length.TotalSeconds), 0, climber.Limit, IsWanted: true));
            limits.Add(climber.Limit);
        }
        return limits;
    }
}

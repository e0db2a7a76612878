using Backhaul.Node.Sessions;
using Backhaul.Protocol;
using Xunit;

namespace Backhaul.Node.Tests.Sessions;

public sealed class DeadlineWarningTests
{
    private readonly SessionHarness _session = new SessionHarness().Opened();

    /// <summary>Seconds from creation to deadline, and of those that are left when the client is told.</summary>
    [Theory]
    [InlineData(10, 1.0)]
    [InlineData(600, 60.0)]
    [InlineData(36_000, 3_600.0)]
    [InlineData(7 * 86_400, 3_600.0)]
    public void A_deadline_is_warned_of_once_when_a_tenth_of_the_time_is_left_and_an_hour_at_most(int whole, double left)
    {
        var created = _session.Now;
        var id = _session.Add(With(whole));
        Assert.Equal(created.AddSeconds(whole - left), _session.Session.NextDue());
        At(created.AddSeconds(whole - left).AddTicks(-1));
        Assert.Empty(Told());
        At(created.AddSeconds(whole - left));
        At(created.AddSeconds(whole).AddTicks(-1));
        Assert.Equal(new TaskDeadlineNear(id, created.AddSeconds(whole), "waiting", 0, 0, created.AddSeconds(whole - left)), Assert.Single(Told()));
        _session.AssertReplaysEqual();
        At(created.AddSeconds(whole));
        Assert.Equal(TaskOutcomes.Expired, _session.Archived[id].End!.Outcome);
        Assert.Single(Told());
        _session.AssertReplaysEqual();
    }

    [Theory]
    [InlineData(9.9)]
    [InlineData(0.0)]
    [InlineData(-100.0)]
    public void A_deadline_that_is_too_near_is_not_warned_of(double whole)
    {
        var created = _session.Now;
        _session.Add(With(whole));
        foreach (var second in Enumerable.Range(0, 11))
            At(created.AddSeconds(second));
        Assert.Empty(Told());
        Assert.Equal(1, _session.Session.Ended.Expired);
    }

    [Fact]
    public void A_task_that_ended_or_is_ending_is_not_warned_of()
    {
        var created = _session.Now;
        var (ended, ending) = (_session.Add(With(100)), _session.Add(With(100)));
        _session.Report(ended, _session.Start(ended), SessionHarness.Finished());
        _session.Start(ending);
        _session.Do(new SessionCommand.CancelTask(ending));
        At(created.AddSeconds(95));
        Assert.Empty(Told());
    }

    [Fact]
    public void A_suspended_task_is_warned_of_as_its_deadline_holds_too()
    {
        var created = _session.Now;
        var id = _session.Add(With(100) with { Start = false });
        At(created.AddSeconds(95));
        Assert.Equal((id, "suspended"), (Assert.Single(Told()).Task, Told().Single().State));
    }

    [Fact]
    public void A_session_that_was_away_past_the_deadline_ends_the_task_without_a_warning()
    {
        _session.Add(With(100));
        At(_session.Now.AddSeconds(101));
        Assert.Empty(Told());
        Assert.Equal(1, _session.Session.Ended.Expired);
    }

    [Fact]
    public void A_resource_timeout_before_the_warning_ends_the_task_without_one()
    {
        _session.Do(new SessionCommand.Open(new SessionConfiguration { ResourceTimeout = TimeSpan.FromSeconds(30) }));
        _session.Start(_session.Add(With(100)));
        At(_session.Now.AddSeconds(95));
        Assert.Empty(Told());
        Assert.Single(_session.History.OfType<TaskCancelRequested>());
    }

    [Fact]
    public void It_says_how_far_the_task_is()
    {
        var created = _session.Now;
        var id = _session.Add(With(100));
        _session.Report(id, _session.Start(id), SessionHarness.Checkpoint(40));
        _session.Now = created.AddSeconds(95);
        var events = AttemptDecider.Continue(_session.Session, _session.Now, _ => new LiveProgress(60, 0, 100, null, 10));
        Assert.Equal(
            new TaskDeadlineNear(id, created.AddSeconds(100), "running", 60, 0, _session.Now) { Total = 100, Eta = TimeSpan.FromSeconds(4) },
            Assert.IsType<TaskDeadlineNear>(Assert.Single(events)));
    }

    [Fact]
    public void It_is_one_numbered_event_whatever_dies_meanwhile_and_launches_nobody()
    {
        var world = new SessionWorld();
        world.Run(async () =>
        {
            await world.StartAsync();
            await world.AskAsync(new SessionCommand.Open(new SessionConfiguration { Launch = new LaunchConfiguration { Url = "https://launch.example/", Secret = "hooks" } }));
            await world.AskAsync(new SessionCommand.AddTask(With(1000, world.World.Time.GetUtcNow())));
            await Task.Delay(TimeSpan.FromSeconds(700), world.World.Time);
            world.Crash();
            await world.StartAsync();
            await world.UntilAsync(async () => (await world.EventsAsync()).Any(IsNear), TimeSpan.FromSeconds(1));
            world.Crash();
            await world.StartAsync();
            await Task.Delay(TimeSpan.FromSeconds(50), world.World.Time);
            var near = Assert.Single(await world.EventsAsync(), IsNear);
            Assert.Equal(("running", 0L), (near.Data.GetProperty("state").GetString(), near.Data.GetProperty("bytesReceived").GetInt64()));
            Assert.False(near.Data.TryGetProperty("eta", out _));
            Assert.Empty(world.Webhooks.Sent);
        }, TimeSpan.FromHours(1));
    }

    private static bool IsNear(EventView view) => view.Type == EventTypes.DeadlineNear;

    private TaskSpec With(double whole, DateTimeOffset? from = null) => SessionHarness.Download() with { Deadline = (from ?? _session.Now).AddSeconds(whole) };

    private IEnumerable<TaskDeadlineNear> Told() => _session.History.OfType<TaskDeadlineNear>();

    private void At(DateTimeOffset now)
    {
        _session.Now = now;
        _session.Settle();
    }
}

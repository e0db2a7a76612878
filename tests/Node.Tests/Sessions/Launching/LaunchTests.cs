using System.Text.Json;
using Backhaul.Node.Delivery;
using Backhaul.Node.Sessions;
using Backhaul.Protocol;
using Xunit;

namespace Backhaul.Node.Tests.Sessions.Launching;

/// <summary>Launches by a real session actor, in virtual time.</summary>
public sealed class LaunchTests
{
    private static readonly TimeSpan Weeks = TimeSpan.FromDays(30);

    private readonly SessionWorld _world = new() { Options = new SessionOptions { IdleBeforePassivation = Weeks } };
    private readonly List<DateTimeOffset> _at = [];

    [Fact]
    public void An_absent_client_is_launched_when_all_tasks_have_ended() => _world.Run(async () =>
    {
        await OpenAsync();
        await EndTaskAsync();
        await _world.UntilAsync(() => Task.FromResult(_at.Count == 1));
        var body = JsonDocument.Parse(_world.Webhooks.Sent.Single().Body).RootElement;
        Assert.Equal("backhaul.launch", body.GetProperty("type").GetString());
        var data = body.GetProperty("data");
        Assert.Equal(("nightly", 1, "tasksEnded", 5L), (
            data.GetProperty("session").GetString(), data.GetProperty("launch").GetInt32(), data.GetProperty("reason").GetString(), data.GetProperty("lastEvent").GetInt64()));
        await _world.AskAsync(new SessionCommand.Acknowledge(5));
        await Task.Delay(TimeSpan.FromDays(1), _world.World.Time);
        Assert.Single(_at); // acknowledging everything completed it
    }, Weeks);

    [Fact]
    public void A_launch_that_nobody_handles_is_repeated_with_doubling_delays() => _world.Run(async () =>
    {
        await OpenAsync();
        await EndTaskAsync();
        await _world.UntilAsync(() => Task.FromResult(_at.Count == 8), TimeSpan.FromSeconds(10));
        Assert.Equal([1, 2, 4, 8, 16, 32, 64], Minutes());
        Assert.Equal(Enumerable.Range(1, 8), Launches());
    }, Weeks);

    [Fact]
    public void The_limiter_goes_on_over_the_death_of_a_node() => _world.Run(async () =>
    {
        await OpenAsync();
        await EndTaskAsync();
        await _world.UntilAsync(() => Task.FromResult(_at.Count == 3), TimeSpan.FromSeconds(10));
        _world.Crash();
        await _world.StartAsync();
        await _world.UntilAsync(() => Task.FromResult(_at.Count == 5), TimeSpan.FromSeconds(10));
        Assert.Equal([1, 2, 4, 8], Minutes());
        Assert.Equal(Enumerable.Range(1, 5), Launches());
    }, Weeks);

    [Fact]
    public void A_node_that_dies_between_asking_and_recording_leads_to_one_more_of_the_same_launch() => _world.Run(async () =>
    {
        await OpenAsync();
        _world.Webhooks.Held = new TaskCompletionSource();
        await EndTaskAsync();
        await _world.UntilAsync(() => Task.FromResult(_world.Webhooks.Sent.Count == 1));
        _world.Crash();
        _world.Webhooks.Held = null;
        await _world.StartAsync();
        await _world.UntilAsync(() => Task.FromResult(_world.Webhooks.Sent.Count == 2));
        await Task.Delay(TimeSpan.FromSeconds(30), _world.World.Time);
        Assert.Equal([1, 1], Launches());
        Assert.Single(_world.Webhooks.Sent.Select(message => message.Id).Distinct());
    }, Weeks);

    [Fact]
    public void What_an_earlier_target_says_late_is_not_held_against_the_present_one()
    {
        var harness = new SessionHarness().Opened(new SessionConfiguration { Launch = new LaunchConfiguration { Url = "https://hooks.example/old", Secret = "hooks" } });
        var task = harness.Add();
        harness.Report(task, harness.Start(task), SessionHarness.Finished());
        harness.Apply([new LaunchRequested(1, LaunchReasons.TasksEnded, harness.Session.Delivery.LastNumber, 0, harness.Now)]);
        var (late, _) = Assert.Single(WebhookDecider.Orders(harness.Session, Presence.Nobody));
        harness.Apply([new SessionConfigured(2, harness.Session.Configurations.Current with { Launch = new LaunchConfiguration { Url = "https://hooks.example/new", Secret = "hooks" } }, harness.Now)]);
        Assert.Empty(WebhookDecider.Report(harness.Session, new WebhookReport(late, 1, ScriptedWebhooks.Gone), harness.Now, 0.5));
        Assert.NotEqual(late.ChildName, Assert.Single(WebhookDecider.Orders(harness.Session, Presence.Nobody)).Order.ChildName);
    }

    [Fact]
    public void A_completed_launch_is_not_repeated_and_news_after_it_is_a_new_one() => _world.Run(async () =>
    {
        await OpenAsync();
        await EndTaskAsync();
        await _world.UntilAsync(() => Task.FromResult(_at.Count == 1));
        var answer = await _world.AskAsync(new SessionCommand.CompleteLaunch(1), ProtocolJson.Default.LaunchView);
        Assert.Equal((1L, 1L, true), (answer.Number, answer.Newest, answer.Completed));
        Assert.IsType<CommandReply.Refused>(await _world.AskAsync(new SessionCommand.CompleteLaunch(2)));
        await Task.Delay(TimeSpan.FromHours(5), _world.World.Time);
        Assert.Single(_at);
        await EndTaskAsync(); // long after the delay: the limiter is rested
        await _world.UntilAsync(() => Task.FromResult(_at.Count == 2));
        Assert.Equal([1, 2], Launches());
    }, Weeks);

    [Fact]
    public void An_attached_client_is_not_launched_and_one_that_leaves_is_after_a_while() => _world.Run(async () =>
    {
        await OpenAsync();
        _world.Feed.Attach();
        await EndTaskAsync();
        await Task.Delay(TimeSpan.FromHours(1), _world.World.Time);
        Assert.Empty(_at);
        _world.Feed.Detach();
        await Task.Delay(TimeSpan.FromSeconds(5), _world.World.Time); // a stream that breaks comes back within seconds
        Assert.Empty(_at);
        await _world.UntilAsync(() => Task.FromResult(_at.Count == 1), TimeSpan.FromSeconds(1));
    }, Weeks);

    [Fact]
    public void A_client_that_attaches_by_itself_rests_the_limiter_and_one_that_was_launched_does_not() => _world.Run(async () =>
    {
        await OpenAsync();
        await EndTaskAsync();
        await _world.UntilAsync(() => Task.FromResult(_at.Count == 3), TimeSpan.FromSeconds(10));
        _world.Feed.Attach(); // it follows the third launch
        await _world.AskAsync(new SessionCommand.CompleteLaunch(3));
        _world.Feed.Detach();
        await EndTaskAsync();
        await _world.UntilAsync(() => Task.FromResult(_at.Count == 4), TimeSpan.FromSeconds(10));
        Assert.Equal([1, 2, 4], Minutes());
        await _world.AskAsync(new SessionCommand.CompleteLaunch(4));
        await Task.Delay(_world.Options.AttachGrace * 2, _world.World.Time);
        _world.Feed.Attach(); // by itself: nothing is open
        _world.Feed.Detach();
        await Task.Delay(TimeSpan.FromSeconds(60), _world.World.Time);
        await EndTaskAsync();
        await _world.UntilAsync(() => Task.FromResult(_at.Count == 5), TimeSpan.FromSeconds(1));
        Assert.InRange((_at[4] - _at[3]).TotalSeconds, 60, 90); // not the eight minutes of a fourth in a row
    }, Weeks);

    /// <summary>It counted as a client that came by itself: its launch was rested when it left, and the doubling never went on.</summary>
    [Fact]
    public void A_launched_client_that_stays_attached_and_does_not_handle_its_launch_is_launched_later_each_time() => _world.Run(async () =>
    {
        await OpenAsync();
        await EndTaskAsync();
        for (var launch = 1; launch < 8; launch++)
        {
            await _world.UntilAsync(() => Task.FromResult(_at.Count == launch), TimeSpan.FromSeconds(5));
            _world.Feed.Attach();
            await Task.Delay(TimeSpan.FromMinutes(15), _world.World.Time);
            _world.Feed.Detach();
        }
        await _world.UntilAsync(() => Task.FromResult(_at.Count == 8), TimeSpan.FromSeconds(5));
        Assert.Equal([15, 15, 15, 15, 16, 32, 64], Minutes());
    }, Weeks);

    /// <summary>Its stream is held by another node than its acknowledgement came by: the owner hears of it only after the launch has ended.</summary>
    [Fact]
    public void A_stream_of_a_launched_client_that_is_heard_of_after_its_launch_ended_does_not_rest_the_limiter() => _world.Run(async () =>
    {
        await OpenAsync();
        await EndTaskAsync();
        await _world.UntilAsync(() => Task.FromResult(_at.Count == 3), TimeSpan.FromSeconds(10));
        await _world.AskAsync(new SessionCommand.Acknowledge(5));
        _world.Feed.Attach();
        await Task.Delay(TimeSpan.FromSeconds(1), _world.World.Time);
        _world.Feed.Detach();
        await EndTaskAsync();
        await _world.UntilAsync(() => Task.FromResult(_at.Count == 4), TimeSpan.FromSeconds(10));
        Assert.Equal([1, 2, 4], Minutes());
    }, Weeks);

    [Fact]
    public void A_budget_holds_besides() => _world.Run(async () =>
    {
        await OpenAsync(new LaunchLimitConfiguration { PerHour = 2, MinimumSpacing = TimeSpan.FromMinutes(15) });
        await EndTaskAsync();
        await _world.UntilAsync(() => Task.FromResult(_at.Count == 5), TimeSpan.FromSeconds(10));
        Assert.Equal([15, 45, 15, 45], Minutes());
    }, Weeks);

    [Fact]
    public void After_a_force_quit_nobody_is_launched_until_a_client_attaches() => _world.Run(async () =>
    {
        await OpenAsync();
        await _world.AskAsync(new SessionCommand.AddTask(SessionHarness.Download() with { Start = false }));
        await _world.AskAsync(new SessionCommand.End(EndMode.ForceQuit));
        await Task.Delay(TimeSpan.FromDays(1), _world.World.Time);
        Assert.Empty(_at);
        await _world.AskAsync(new SessionCommand.Open(null));
        await _world.UntilAsync(() => Task.FromResult(_at.Count == 1), TimeSpan.FromSeconds(1));
    }, Weeks);

    [Fact]
    public void A_launch_that_is_not_taken_follows_the_schedule_under_its_own_number() => _world.Run(async () =>
    {
        _world.Webhooks.Answer = _ => _at.Count < 3 ? Stamped(ScriptedWebhooks.Failed) : Stamped(ScriptedWebhooks.Taken);
        await OpenAsync(stamp: false);
        await EndTaskAsync();
        await _world.UntilAsync(() => Task.FromResult(_at.Count == 4), TimeSpan.FromSeconds(10));
        Assert.Equal([1, 1, 1, 1], Launches());
        Assert.InRange((_at[2] - _at[1]).TotalMinutes, 4.5, 5.6);
        await _world.UntilAsync(() => Task.FromResult(_at.Count == 5), TimeSpan.FromSeconds(10));
        Assert.Equal(2, Launches()[^1]); // its minute began when it was taken
        Assert.InRange((_at[4] - _at[3]).TotalSeconds, 60, 61);
    }, Weeks);

    [Fact]
    public void A_launch_that_was_not_taken_is_not_sent_the_moment_a_client_leaves() => _world.Run(async () =>
    {
        _world.Webhooks.Answer = _ => Stamped(_at.Count < 2 ? ScriptedWebhooks.Failed : ScriptedWebhooks.Taken);
        await OpenAsync(stamp: false);
        await EndTaskAsync();
        await _world.UntilAsync(() => Task.FromResult(_at.Count == 2), TimeSpan.FromSeconds(1));
        _world.Feed.Attach();
        await Task.Delay(TimeSpan.FromHours(1), _world.World.Time);
        _world.Feed.Detach(); // its stream breaks, and comes back
        await Task.Delay(TimeSpan.FromSeconds(1), _world.World.Time);
        _world.Feed.Attach();
        await Task.Delay(TimeSpan.FromHours(1), _world.World.Time);
        Assert.Equal(2, _at.Count);
        var left = _world.World.Time.GetUtcNow();
        _world.Feed.Detach();
        await _world.UntilAsync(() => Task.FromResult(_at.Count == 3), TimeSpan.FromSeconds(1));
        Assert.InRange((_at[2] - left).TotalSeconds, 10, 12);
    }, Weeks);

    [Fact]
    public void A_task_is_not_discretionary_for_a_launch_that_nobody_took() => _world.Run(async () =>
    {
        _world.Webhooks.Answer = _ => Stamped(ScriptedWebhooks.Failed);
        await OpenAsync(stamp: false);
        await EndTaskAsync();
        await _world.UntilAsync(() => Task.FromResult(_at.Count == 1));
        await Task.Delay(TimeSpan.FromSeconds(1), _world.World.Time); // it is recorded
        await EndTaskAsync();
        Assert.Equal([null, null], await DiscretionaryAsync());
    }, Weeks);

    [Fact]
    public void A_task_is_discretionary_from_when_a_launch_is_asked_for_until_it_ends() => _world.Run(async () =>
    {
        await OpenAsync();
        _world.Webhooks.Held = new TaskCompletionSource();
        await EndTaskAsync();
        await _world.UntilAsync(() => Task.FromResult(_world.Webhooks.Sent.Count == 1));
        await _world.AskAsync(new SessionCommand.AddTask(SessionHarness.Download() with { Start = false })); // by its receiver, before it answers
        _world.Webhooks.Held.SetResult();
        await Task.Delay(TimeSpan.FromSeconds(1), _world.World.Time);
        await _world.AskAsync(new SessionCommand.AddTask(SessionHarness.Download() with { Start = false }));
        await _world.AskAsync(new SessionCommand.CompleteLaunch(1));
        await _world.AskAsync(new SessionCommand.AddTask(SessionHarness.Download() with { Start = false }));
        Assert.Equal([null, true, true, null], await DiscretionaryAsync());
    }, Weeks);

    [Fact]
    public void Nobody_is_launched_when_the_session_does_not_want_it_or_the_receiver_is_gone() => _world.Run(async () =>
    {
        _world.Webhooks.Answer = _ => Stamped(ScriptedWebhooks.Gone);
        await OpenAsync(stamp: false);
        await EndTaskAsync();
        await Task.Delay(TimeSpan.FromDays(1), _world.World.Time);
        Assert.Single(_at);
        await _world.AskAsync(new SessionCommand.Open(Configuration() with { SendsLaunchEvents = false }));
        await Task.Delay(TimeSpan.FromDays(1), _world.World.Time);
        Assert.Single(_at);
        await _world.AskAsync(new SessionCommand.Open(Configuration() with { Launch = new LaunchConfiguration { Url = "https://hooks.example/new", Secret = "hooks" } }));
        await _world.UntilAsync(() => Task.FromResult(_at.Count == 2), TimeSpan.FromSeconds(1));
    }, Weeks);

    [Fact]
    public void A_challenge_launches_and_a_task_of_a_launched_client_counts_as_discretionary() => _world.Run(async () =>
    {
        await OpenAsync();
        await _world.AskAsync(new SessionCommand.AddTask(SessionHarness.Download()));
        await _world.UntilAsync(() => Task.FromResult(_world.Runner.Running.Any()));
        _world.Runner.Running.Single().Outcome.SetResult(SessionHarness.Challenged().Outcome);
        await _world.UntilAsync(() => Task.FromResult(_at.Count == 1));
        Assert.Equal("challenge", JsonDocument.Parse(_world.Webhooks.Sent.Single().Body).RootElement.GetProperty("data").GetProperty("reason").GetString());
        await _world.AskAsync(new SessionCommand.AddTask(SessionHarness.Download() with { Start = false }));
        await _world.AskAsync(new SessionCommand.CompleteLaunch(1));
        await _world.AskAsync(new SessionCommand.AddTask(SessionHarness.Download() with { Start = false }));
        Assert.Equal([null, true, null], await DiscretionaryAsync());
    }, Weeks);

    private async Task OpenAsync(LaunchLimitConfiguration? budget = null, bool stamp = true)
    {
        if (stamp)
            _world.Webhooks.Answer = _ => Stamped(ScriptedWebhooks.Taken);
        await _world.StartAsync();
        await _world.AskAsync(new SessionCommand.Open(Configuration() with { LaunchLimit = budget }));
    }

    private static SessionConfiguration Configuration() => new() { Launch = new LaunchConfiguration { Url = "https://hooks.example/launch", Secret = "hooks" } };

    private WebhookAnswer Stamped(WebhookAnswer answer)
    {
        _at.Add(_world.World.Time.GetUtcNow());
        return answer;
    }

    private async Task EndTaskAsync()
    {
        _world.Runner.FinishAllWith = SessionHarness.Finished().Outcome;
        await _world.AskAsync(new SessionCommand.AddTask(SessionHarness.Download()));
        await _world.UntilAsync(async () => (await _world.DescribeAsync()).Counts is { Waiting: 0, Running: 0 });
    }

    /// <summary>Between launches, rounded.</summary>
    private List<double> Minutes() => [.. _at.Zip(_at.Skip(1), (one, next) => Math.Round((next - one).TotalMinutes))];

    private List<int> Launches() =>
        [.. _world.Webhooks.Sent.Select(message => JsonDocument.Parse(message.Body).RootElement.GetProperty("data").GetProperty("launch").GetInt32())];

    private async Task<List<bool?>> DiscretionaryAsync()
    {
        await Task.Delay(TimeSpan.FromSeconds(1), _world.World.Time);
        var grant = _world.Holder.Current!.Value;
        var rows = await _world.Store.ReadRowsAsync(grant, SessionWorld.Key, 0, 1000, CancellationToken.None);
        return [.. rows!.Where(row => row.EventType == "task.created.v1")
            .Select(row => JsonDocument.Parse(row.Payload).RootElement.TryGetProperty("discretionary", out var marked) ? marked.GetBoolean() : (bool?)null)];
    }
}

using System.Text;
using System.Text.Json;
using Backhaul.Node.Delivery;
using Backhaul.Node.Sessions;
using Backhaul.Node.Transfers;
using Backhaul.Protocol;
using Xunit;

namespace Backhaul.Node.Tests.Sessions.Webhooks;

/// <summary>Ends of tasks told by a real session actor, in virtual time, to receivers that do what the test says.</summary>
public sealed class NotificationTests
{
    private const string Success = "https://hooks.example/done?key=canary";
    private const string Failure = "https://hooks.example/failed?key=canary";
    private static readonly TimeSpan Weeks = TimeSpan.FromDays(30);

    private readonly SessionWorld _world = new() { Options = new SessionOptions { IdleBeforePassivation = Weeks } };

    [Fact]
    public void A_task_that_succeeded_is_told_once_to_its_success_url() => _world.Run(async () =>
    {
        await OpenAsync();
        _world.Runner.FinishAllWith = SessionHarness.Finished().Outcome;
        var task = await AddAsync(Download() with { Url = "https://origin.example/a.bin?sig=canary", Headers = new Dictionary<string, string> { ["Authorization"] = "canary" }, Description = "A photo" });
        await UntilSentAsync(1);
        await Task.Delay(TimeSpan.FromDays(5), _world.World.Time);
        var sent = Assert.Single(_world.Webhooks.Sent);
        Assert.Equal((Success, "hooks"), (sent.Url, sent.Secret));
        var body = Body(sent);
        Assert.Equal(("backhaul.taskSucceeded", $"tasks/{task}", sent.Id), (Text(body, "type"), Text(body, "subject"), Text(body, "id")));
        var data = body.GetProperty("data").Deserialize(ProtocolJson.Default.TaskNotificationData)!;
        Assert.Equal(("nightly", task, "succeeded", "https://origin.example/a.bin?...", "A photo"), (data.Session, data.Task, data.Outcome, data.Url, data.Description));
        Assert.Equal((10L, "verified", 200, "a.bin"), (data.BytesReceived, data.Integrity, data.Status, data.File!.Path));
        Assert.Equal((await _world.EventsAsync()).Single(view => view.Type == EventTypes.TaskCompleted).Number, data.Event);
        Assert.DoesNotContain("canary", Encoding.UTF8.GetString(sent.Body.Span), StringComparison.Ordinal);
        Assert.Null((await _world.DescribeAsync()).Notifications);
    }, Weeks);

    [Fact]
    public void A_task_that_failed_is_told_to_its_failure_url() => _world.Run(async () =>
    {
        await OpenAsync();
        _world.Runner.FinishAllWith = SessionHarness.Failed(retryable: false).Outcome;
        await AddAsync(Download());
        await UntilSentAsync(1);
        var sent = Assert.Single(_world.Webhooks.Sent);
        Assert.Equal((Failure, "backhaul.taskFailed", "failed"), (sent.Url, Text(Body(sent), "type"), Text(Body(sent).GetProperty("data"), "outcome")));
        Assert.Equal(TransferCodes.ConnectionLost, Body(sent).GetProperty("data").GetProperty("error").GetProperty("code").GetString());
    }, Weeks);

    [Fact]
    public void A_task_tells_whom_it_names_when_it_ends() => _world.Run(async () =>
    {
        await OpenAsync();
        var (other, nobody) = (TaskId.Parse(await AddAsync(Download())), TaskId.Parse(await AddAsync(Download())));
        await _world.UntilAsync(() => Task.FromResult(_world.Runner.Attempts.Count == 2)); // also while they run
        await _world.AskAsync(new SessionCommand.ChangeTask(other, new TaskChange { Notify = new TaskNotify { Success = "https://other.example/" } }));
        await _world.AskAsync(new SessionCommand.ChangeTask(nobody, new TaskChange { Notify = new TaskNotify() }));
        Assert.Null((await _world.TaskAsync(nobody)).Notify);
        foreach (var attempt in _world.Runner.Attempts)
            attempt.Outcome.SetResult(SessionHarness.Finished().Outcome);
        await UntilSentAsync(1);
        await Task.Delay(TimeSpan.FromDays(5), _world.World.Time);
        Assert.Equal("https://other.example/", Assert.Single(_world.Webhooks.Sent).Url);
    }, Weeks);

    [Fact]
    public void A_task_that_expired_is_told_to_its_failure_url() => _world.Run(async () =>
    {
        await OpenAsync();
        await AddAsync(Download() with { Deadline = _world.World.Time.GetUtcNow().AddMinutes(1) });
        await UntilSentAsync(1, TimeSpan.FromSeconds(1));
        Assert.Equal((Failure, "expired"), (_world.Webhooks.Sent[0].Url, Text(Body(_world.Webhooks.Sent[0]).GetProperty("data"), "outcome")));
    }, Weeks);

    [Fact]
    public void A_cancelled_task_tells_nobody_and_neither_does_one_without_a_url_for_its_end() => _world.Run(async () =>
    {
        await OpenAsync();
        var task = await AddAsync(Download() with { Start = false });
        await _world.AskAsync(new SessionCommand.CancelTask(TaskId.Parse(task)));
        _world.Runner.FinishAllWith = SessionHarness.Finished().Outcome;
        await AddAsync(Download() with { Notify = new TaskNotify { Failure = Failure } });
        await AddAsync(Download() with { Start = false });
        await _world.AskAsync(new SessionCommand.End(EndMode.ForceQuit));
        await Task.Delay(TimeSpan.FromDays(1), _world.World.Time);
        Assert.Equal((2L, 1L), ((await _world.DescribeAsync()).Counts.Cancelled, (await _world.DescribeAsync()).Counts.Succeeded));
        Assert.Empty(_world.Webhooks.Sent);
    }, Weeks);

    [Fact]
    public void A_node_that_dies_between_telling_and_recording_tells_once_more_with_the_same_id() => _world.Run(async () =>
    {
        _world.Webhooks.Held = new TaskCompletionSource();
        await OpenAsync();
        _world.Runner.FinishAllWith = SessionHarness.Finished().Outcome;
        await AddAsync(Download());
        await UntilSentAsync(1);
        _world.Crash();
        _world.Webhooks.Held = null;
        await _world.StartAsync();
        await UntilSentAsync(2);
        await Task.Delay(TimeSpan.FromDays(1), _world.World.Time);
        Assert.Equal(2, _world.Webhooks.Sent.Count);
        Assert.Single(_world.Webhooks.Sent.Select(message => message.Id).Distinct());
    }, Weeks);

    [Fact]
    public void What_is_not_taken_is_told_ten_times_by_the_schedule_and_then_given_up_where_all_can_see_it() => _world.Run(async () =>
    {
        List<DateTimeOffset> at = [];
        _world.Webhooks.Answer = _ =>
        {
            at.Add(_world.World.Time.GetUtcNow());
            return ScriptedWebhooks.Failed;
        };
        await OpenAsync();
        _world.Runner.FinishAllWith = SessionHarness.Finished().Outcome;
        var task = await AddAsync(Download());
        await UntilSentAsync(2, TimeSpan.FromSeconds(1));
        _world.Crash(); // the schedule goes on where a dead node left it
        await _world.StartAsync();
        Assert.Equal(1, (await _world.DescribeAsync()).Notifications!.Pending);
        await Task.Delay(TimeSpan.FromDays(6), _world.World.Time);
        Assert.Equal(10, at.Count);
        Assert.InRange((at[9] - at[0]).TotalHours, 67, 84);
        Assert.Single(_world.Webhooks.Sent.Select(message => message.Id).Distinct());
        var shown = (await _world.DescribeAsync()).Notifications!;
        Assert.Equal((0, 1L), (shown.Pending, shown.GivenUp));
        var given = Assert.Single(shown.LastGivenUp!);
        Assert.Equal((task, "https://hooks.example/done?...", 10, "It answered 500."), (given.Task, given.Url, given.Attempts, given.Why));
        Assert.Contains(_world.World.Loggers.Lines, line => line.Text.Contains("its end is not told to https://hooks.example/done?... any more", StringComparison.Ordinal));
    }, Weeks);

    [Fact]
    public void A_receiver_that_is_gone_is_not_told_again_and_others_are() => _world.Run(async () =>
    {
        _world.Webhooks.Answer = message => message.Url == Success ? ScriptedWebhooks.Gone : ScriptedWebhooks.Taken;
        await OpenAsync();
        _world.Runner.FinishAllWith = SessionHarness.Finished().Outcome;
        await AddAsync(Download());
        await AddAsync(Download() with { Notify = new TaskNotify { Success = "https://other.example/" } });
        await Task.Delay(TimeSpan.FromDays(1), _world.World.Time);
        Assert.Equal([Success, "https://other.example/"], _world.Webhooks.Sent.Select(message => message.Url));
        Assert.Equal((0, 1L), ((await _world.DescribeAsync()).Notifications!.Pending, (await _world.DescribeAsync()).Notifications!.GivenUp));
    }, Weeks);

    [Fact]
    public void A_busy_receiver_is_left_alone_for_as_long_as_it_asks() => _world.Run(async () =>
    {
        List<DateTimeOffset> at = [];
        _world.Webhooks.Answer = _ =>
        {
            at.Add(_world.World.Time.GetUtcNow());
            return at.Count == 1 ? new WebhookAnswer(WebhookResult.Failed, 429, TimeSpan.FromMinutes(3), "It answered 429.") : ScriptedWebhooks.Taken;
        };
        await OpenAsync();
        _world.Runner.FinishAllWith = SessionHarness.Finished().Outcome;
        await AddAsync(Download());
        await UntilSentAsync(2, TimeSpan.FromSeconds(1));
        Assert.InRange((at[1] - at[0]).TotalMinutes, 3, 3.1);
    }, Weeks);

    [Fact]
    public void Four_to_a_receiver_are_under_way_at_once_and_pushed_events_pass_them() => _world.Run(async () =>
    {
        _world.Webhooks.Held = new TaskCompletionSource();
        await OpenAsync();
        _world.Runner.FinishAllWith = SessionHarness.Finished().Outcome;
        for (var n = 0; n < 20; n++)
            await AddAsync(Download());
        await Task.Delay(TimeSpan.FromMinutes(1), _world.World.Time);
        Assert.Equal(4, _world.Webhooks.Sent.Count);
        await _world.AskAsync(new SessionCommand.Open(new SessionConfiguration { Push = new PushConfiguration { Url = "https://push.example/", Secret = "hooks" } }));
        await UntilSentAsync(5);
        Assert.Equal("https://push.example/", _world.Webhooks.Sent[4].Url);
        var held = _world.Webhooks.Held;
        _world.Webhooks.Held = null;
        held.SetResult();
        await _world.UntilAsync(async () => (await _world.DescribeAsync()).Notifications is null);
        Assert.Equal(20, _world.Webhooks.Sent.Count(message => message.Url == Success));
        Assert.Equal(20, _world.Webhooks.Sent.Where(message => message.Url == Success).Select(message => message.Id).Distinct().Count());
    }, Weeks);

    [Fact]
    public void What_is_pending_is_told_after_the_session_ended_and_by_its_secret_in_the_next_generation_too() => _world.Run(async () =>
    {
        _world.Webhooks.Answer = _ => ScriptedWebhooks.Failed;
        await OpenAsync();
        _world.Runner.FinishAllWith = SessionHarness.Finished().Outcome;
        var task = await AddAsync(Download());
        await UntilSentAsync(2, TimeSpan.FromSeconds(1));
        await _world.AskAsync(new SessionCommand.End(EndMode.Finish));
        Assert.Equal("invalidated", (await _world.DescribeAsync()).State);
        await UntilSentAsync(3, TimeSpan.FromSeconds(10));
        await _world.AskAsync(new SessionCommand.Open(null)); // a new generation, which has no secret
        await AddAsync(Download() with { Id = TaskId.Parse("other"), Notify = null, Start = false });
        _world.Webhooks.Answer = _ => ScriptedWebhooks.Taken;
        await UntilSentAsync(4, TimeSpan.FromSeconds(10));
        await _world.UntilAsync(async () => (await _world.DescribeAsync()).Notifications is null);
        Assert.Equal(["hooks"], _world.Webhooks.Sent.Select(message => message.Secret).Distinct());
        var data = Body(_world.Webhooks.Sent[3]).GetProperty("data");
        Assert.Equal((task, 1), (Text(data, "task"), data.GetProperty("generation").GetInt32()));
    }, Weeks);

    [Fact]
    public void More_than_may_be_pending_are_given_up_beginning_with_the_one_that_would_be_told_last() => new WorldOf(3).Run(async world =>
    {
        world.Webhooks.Answer = message => message.Url == Success ? ScriptedWebhooks.Failed : ScriptedWebhooks.Taken;
        world.Runner.FinishAllWith = SessionHarness.Finished().Outcome;
        for (var n = 0; n < 5; n++)
            await world.AskAsync(new SessionCommand.AddTask(Download()));
        await Task.Delay(TimeSpan.FromSeconds(30), world.World.Time); // two failures each
        var full = (await world.DescribeAsync()).Notifications!;
        Assert.Equal((3, 2L), (full.Pending, full.GivenUp));
        Assert.All(full.LastGivenUp!, given => Assert.Contains("3 other notifications", given.Why, StringComparison.Ordinal));
        var before = world.Webhooks.Sent.Count;
        await world.AskAsync(new SessionCommand.AddTask(Download() with { Notify = new TaskNotify { Success = "https://other.example/" } }));
        await world.UntilAsync(() => Task.FromResult(world.Webhooks.Sent.Count == before + 1));
        Assert.Equal("https://other.example/", world.Webhooks.Sent[^1].Url); // one that fails made room for one that was not tried
        Assert.Equal(3L, (await world.DescribeAsync()).Notifications!.GivenUp);
    });

    private static TaskSpec Download() => SessionHarness.Download() with { Notify = new TaskNotify { Success = Success, Failure = Failure } };

    private async Task OpenAsync()
    {
        await _world.StartAsync();
        await _world.AskAsync(new SessionCommand.Open(With("hooks")));
    }

    /// <summary>It has a secret, and nothing that its launches would be sent for.</summary>
    private static SessionConfiguration With(string secret) =>
        new() { SendsLaunchEvents = false, Launch = new LaunchConfiguration { Url = "https://launch.example/", Secret = secret } };

    private async Task<string> AddAsync(TaskSpec spec) => (await _world.AskAsync(new SessionCommand.AddTask(spec), ProtocolJson.Default.TaskView)).Id;

    private Task UntilSentAsync(int count, TimeSpan? every = null) => _world.UntilAsync(() => Task.FromResult(_world.Webhooks.Sent.Count == count), every);

    private static JsonElement Body(WebhookMessage message) => JsonDocument.Parse(message.Body).RootElement;

    private static string? Text(JsonElement of, string name) => of.GetProperty(name).GetString();

    private sealed class WorldOf(int notificationsMax)
    {
        private readonly SessionWorld _world = new() { Options = new SessionOptions { IdleBeforePassivation = Weeks, NotificationsMax = notificationsMax } };

        public void Run(Func<SessionWorld, Task> body) => _world.Run(async () =>
        {
            await _world.StartAsync();
            await _world.AskAsync(new SessionCommand.Open(With("hooks")));
            await body(_world);
        }, Weeks);
    }
}

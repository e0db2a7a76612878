using System.Text.Json;
using Backhaul.Node.Actors;
using Backhaul.Node.Delivery;
using Backhaul.Node.Sessions;
using Backhaul.Protocol;
using Xunit;

namespace Backhaul.Node.Tests.Sessions.Webhooks;

/// <summary>What clients and operators say about webhooks, to a real session actor in virtual time.</summary>
public sealed class WebhookControlTests
{
    private static readonly TimeSpan Weeks = TimeSpan.FromDays(30);

    private readonly SessionWorld _world = new() { Options = new SessionOptions { IdleBeforePassivation = Weeks, SnapshotEvery = 5 } };

    [Fact]
    public void A_replay_sends_events_again_with_the_same_ids() => _world.Run(async () =>
    {
        await OpenAsync();
        await AddAsync(tasks: 3);
        await UntilAcknowledgedAsync(4);
        var view = await ReplayAsync(2, 3);
        Assert.Equal((1, 3), (view.Replay!.After, view.Replay.Through));
        await UntilSentAsync(6);
        await Task.Delay(TimeSpan.FromHours(1), _world.World.Time);
        Assert.Equal([1, 2, 3, 4, 2, 3], Numbers());
        Assert.Equal(4, _world.Webhooks.Sent.Select(message => message.Id).Distinct().Count());
        Assert.Equal((4, 0), ((await _world.DescribeAsync()).Acknowledged, (await ViewAsync()).Pending));
        Assert.Null((await ViewAsync()).Replay);
    }, Weeks);

    [Fact]
    public void Events_that_come_meanwhile_follow_a_replay() => _world.Run(async () =>
    {
        await OpenAsync();
        await UntilAcknowledgedAsync(1);
        _world.Webhooks.Held = new TaskCompletionSource();
        await ReplayAsync(1, null);
        await AddAsync(tasks: 2);
        _world.Webhooks.Held.SetResult();
        await UntilAcknowledgedAsync(3);
        Assert.Equal([1, 1, 2, 3], Numbers());
    }, Weeks);

    [Fact]
    public void A_replay_of_events_that_are_gone_says_which_are_kept() => _world.Run(async () =>
    {
        await OpenAsync();
        await AddAsync(tasks: 30);
        await UntilAcknowledgedAsync(31);
        var refused = Assert.IsType<CommandReply.Refused>(await _world.AskAsync(new SessionCommand.ReplayPush(1, null))).Problem;
        Assert.Equal((410, ProblemCodes.EventsGone, "from"), (refused.Status, refused.Code, refused.Field));
        var first = (await _world.EventsAsync())[0].Number;
        Assert.InRange(first, 2, 31);
        Assert.Contains($"The events {first} to 31 can be sent again", refused.Detail, StringComparison.Ordinal);
        _world.Webhooks.Sent.Clear();
        await ReplayAsync(first, null);
        await UntilSentAsync((int)(32 - first));
        Assert.Equal([.. Enumerable.Range((int)first, (int)(32 - first)).Select(number => (long)number)], Numbers());
    }, Weeks);

    [Fact]
    public void What_is_under_way_when_a_replay_is_asked_for_is_sent_once_more() => _world.Run(async () =>
    {
        await OpenAsync();
        await UntilAcknowledgedAsync(1);
        _world.Webhooks.Held = new TaskCompletionSource();
        await ReplayAsync(1, 1);
        await UntilSentAsync(2);
        await ReplayAsync(1, 1);
        _world.Webhooks.Held.SetResult();
        await UntilSentAsync(3);
        await Task.Delay(TimeSpan.FromHours(1), _world.World.Time);
        Assert.Equal([1, 1, 1], Numbers());
        Assert.Null((await ViewAsync()).Replay);
    }, Weeks);

    /// <summary>A replay takes its time when the receiver does; what it still has to send must not be trimmed under it.</summary>
    [Fact]
    public void What_is_being_sent_again_stays_in_the_journal_until_it_was() => _world.Run(async () =>
    {
        await OpenAsync();
        await AddAsync(tasks: 3);
        await UntilAcknowledgedAsync(4);
        _world.Webhooks.Sent.Clear();
        _world.Webhooks.Answer = _ => ScriptedWebhooks.Failed;
        await ReplayAsync(1, 4);
        await AddAsync(tasks: 30);
        await _world.AskAsync(new SessionCommand.Acknowledge(34));
        await AddAsync(tasks: 30);
        _world.Crash();
        await _world.StartAsync();
        _world.Webhooks.Answer = _ => ScriptedWebhooks.Taken;
        await UntilAcknowledgedAsync(64);
        Assert.Equal([1, 2, 3, 4], Numbers().Distinct().Take(4));
        Assert.Equal(35, Numbers().Distinct().ElementAt(4)); // what was acknowledged and not asked for is not sent
    }, Weeks);

    [Fact]
    public void Another_replay_takes_the_place_of_one_under_way_also_when_it_begins_behind_it() => _world.Run(async () =>
    {
        await OpenAsync();
        await AddAsync(tasks: 3);
        await UntilAcknowledgedAsync(4);
        _world.Webhooks.Held = new TaskCompletionSource();
        await ReplayAsync(1, 2);
        await UntilSentAsync(5);
        var view = await ReplayAsync(3, 4);
        Assert.Equal((2, 4), (view.Replay!.After, view.Replay.Through));
        _world.Webhooks.Held.SetResult();
        await UntilSentAsync(7);
        await Task.Delay(TimeSpan.FromHours(1), _world.World.Time);
        Assert.Equal([1, 2, 3, 4, 1, 3, 4], Numbers());
        Assert.Null((await ViewAsync()).Replay);
    }, Weeks);

    [Fact]
    public void A_replay_ends_where_it_was_told_also_when_the_next_wanted_event_lies_behind() => _world.Run(async () =>
    {
        _world.Runner.FinishAllWith = SessionHarness.Finished().Outcome;
        await _world.StartAsync();
        await _world.AskAsync(new SessionCommand.Open(new SessionConfiguration
        {
            Push = new PushConfiguration { Url = "https://hooks.example/in", Secret = "hooks", Types = [EventTypes.TaskCompleted] },
        }));
        await AddAsync(tasks: 1, start: true);
        await UntilSentAsync(1);
        var completed = Numbers()[0];
        await UntilAcknowledgedAsync(completed);
        await ReplayAsync(1, completed - 1);
        await Task.Delay(TimeSpan.FromHours(1), _world.World.Time);
        Assert.Single(_world.Webhooks.Sent);
        Assert.Null((await ViewAsync()).Replay);
        await ReplayAsync(1, completed);
        await UntilSentAsync(2);
        Assert.Equal([completed, completed], Numbers());
    }, Weeks);

    /// <summary>Else its journal would grow for as long as nobody enables it.</summary>
    [Fact]
    public void Disabling_ends_a_replay_and_what_it_held_is_trimmed() => _world.Run(async () =>
    {
        await OpenAsync();
        await AddAsync(tasks: 3);
        await UntilAcknowledgedAsync(4);
        _world.Webhooks.Answer = _ => ScriptedWebhooks.Gone;
        await ReplayAsync(1, 4);
        await UntilSentAsync(5);
        var view = await ViewAsync();
        Assert.Equal((false, null, 410), (view.Enabled, view.Replay, view.LastFailure!.Status));
        await AddAsync(tasks: 20);
        await _world.AskAsync(new SessionCommand.Acknowledge(24));
        await AddAsync(tasks: 10);
        Assert.InRange((await _world.EventsAsync())[0].Number, 2, 25); // the replay held the first
        _world.Webhooks.Sent.Clear();
        _world.Webhooks.Answer = _ => ScriptedWebhooks.Taken;
        await ChangeAsync(new SessionCommand.EnableWebhook(WebhookTarget.Push));
        await UntilAcknowledgedAsync(34);
        Assert.Equal([.. Enumerable.Range(25, 10).Select(number => (long)number)], Numbers());
    }, Weeks);

    [Fact]
    public void A_replay_that_an_earlier_release_left_at_a_disabled_receiver_ends_when_it_is_read()
    {
        var harness = new SessionHarness().Opened(new SessionConfiguration { Push = new PushConfiguration { Url = "https://hooks.example/", Secret = "hooks" } });
        harness.Add();
        harness.Do(new SessionCommand.Acknowledge(2));
        harness.Apply([new PushReplayed(1, harness.Now)]);
        Assert.Equal(0, harness.Session.NeededAfter);
        var old = SessionSnapshot.Of(harness.Session);
        harness.Do(new SessionCommand.DisableWebhook(WebhookTarget.Push, "Because."));
        Assert.Equal((2, 2, false), (harness.Session.NeededAfter, harness.Session.Push.After, harness.Session.Push.IsReplaying));
        harness.AssertReplaysEqual();
        var session = new Session(SessionHarness.Key, harness.Session.Options);
        session.Restore(old with { Push = old.Push! with { Disabled = "Because." } });
        Assert.Equal((2, 2, false), (session.NeededAfter, session.Push.After, session.Push.IsReplaying));
    }

    /// <summary>A store that takes its time with a snapshot must not hold up the session.</summary>
    [Fact]
    public void A_replay_while_the_journal_is_trimmed_is_to_be_sent_again() => _world.Run(async () =>
    {
        var held = new TaskCompletionSource();
        _world.StoreOfSessions = SlowSnapshots.Of(_world.Store, held.Task);
        await OpenAsync();
        await AddAsync(tasks: 5);
        await UntilAcknowledgedAsync(6);
        var refused = Assert.IsType<CommandReply.Unavailable>(await _world.AskAsync(new SessionCommand.ReplayPush(6, null)));
        Assert.Equal((UnavailableReason.Storage, TimeSpan.FromSeconds(1)), (refused.Reason, refused.RetryAfter));
        held.SetResult();
        await UntilSentAsync(6);
        await ReplayAsync(6, null);
        await UntilSentAsync(7);
    }, Weeks);

    [Theory]
    [InlineData(9, null, 400, ProblemCodes.FutureEvent)]
    [InlineData(1, 9, 400, ProblemCodes.FutureEvent)]
    [InlineData(2, 1, 400, ProblemCodes.InvalidField)]
    public void A_replay_names_events_that_exist(int from, int? through, int status, string code) => _world.Run(async () =>
    {
        await OpenAsync();
        await AddAsync(tasks: 1);
        await UntilAcknowledgedAsync(2);
        var refused = Assert.IsType<CommandReply.Refused>(await _world.AskAsync(new SessionCommand.ReplayPush(from, through))).Problem;
        Assert.Equal((status, code), (refused.Status, refused.Code));
    }, Weeks);

    [Fact]
    public void A_replay_of_what_was_not_sent_yet_passes_nothing_over() => _world.Run(async () =>
    {
        _world.Webhooks.Answer = _ => ScriptedWebhooks.Failed;
        await OpenAsync();
        await AddAsync(tasks: 3);
        Assert.Null((await ReplayAsync(3, null)).Replay);
        _world.Webhooks.Answer = _ => ScriptedWebhooks.Taken;
        await UntilAcknowledgedAsync(4);
        Assert.Equal([1, 2, 3, 4], Numbers().Distinct());
    }, Weeks);

    [Fact]
    public void A_receiver_that_was_gone_is_enabled_again_and_gets_what_waited() => _world.Run(async () =>
    {
        _world.Webhooks.Answer = _ => ScriptedWebhooks.Gone;
        await OpenAsync();
        await AddAsync(tasks: 1);
        await UntilSentAsync(1);
        var view = await ViewAsync();
        Assert.Equal((false, 410, 2), (view.Enabled, view.LastFailure!.Status, view.Pending));
        Assert.Equal((view.LastFailure.At, null), (view.DisabledAt, view.NextAt));
        _world.Webhooks.Answer = _ => ScriptedWebhooks.Taken;
        Assert.True((await ChangeAsync(new SessionCommand.EnableWebhook(WebhookTarget.Push))).Enabled);
        await UntilAcknowledgedAsync(2);
        Assert.Equal([1, 1, 2], Numbers());
        Assert.Null((await ViewAsync()).LastFailure);
    }, Weeks);

    [Fact]
    public void Enabling_ends_the_wait_for_the_next_attempt() => _world.Run(async () =>
    {
        _world.Webhooks.Answer = _ => ScriptedWebhooks.Failed;
        await OpenAsync();
        await Task.Delay(TimeSpan.FromSeconds(60), _world.World.Time); // two failed; the third is due after five minutes
        var view = await ViewAsync();
        Assert.Equal((true, 2, 500), (view.Enabled, view.LastFailure!.Attempt, view.LastFailure.Status));
        Assert.InRange((view.NextAt!.Value - _world.World.Time.GetUtcNow()).TotalMinutes, 3, 6);
        _world.Webhooks.Answer = _ => ScriptedWebhooks.Taken;
        await ChangeAsync(new SessionCommand.EnableWebhook(WebhookTarget.Push));
        await Task.Delay(TimeSpan.FromSeconds(1), _world.World.Time);
        Assert.Equal((1, 3), ((await _world.DescribeAsync()).Acknowledged, _world.Webhooks.Sent.Count));
    }, Weeks);

    [Fact]
    public void What_is_disabled_sends_nothing_until_it_is_enabled_also_after_a_node_died() => _world.Run(async () =>
    {
        await OpenAsync();
        await UntilAcknowledgedAsync(1);
        var view = await ChangeAsync(new SessionCommand.DisableWebhook(WebhookTarget.Push, "An operator disabled it: moving."));
        Assert.Equal((false, "An operator disabled it: moving."), (view.Enabled, view.DisabledWhy));
        await AddAsync(tasks: 8);
        _world.Crash();
        await _world.StartAsync();
        await Task.Delay(TimeSpan.FromDays(2), _world.World.Time);
        Assert.Single(_world.Webhooks.Sent);
        var after = await ViewAsync();
        Assert.Equal((view.DisabledAt, view.DisabledWhy, 8), (after.DisabledAt, after.DisabledWhy, after.Pending));
        var refused = Assert.IsType<CommandReply.Refused>(await _world.AskAsync(new SessionCommand.ReplayPush(1, null))).Problem;
        Assert.Equal((409, ProblemCodes.WebhookDisabled), (refused.Status, refused.Code));
        await ChangeAsync(new SessionCommand.EnableWebhook(WebhookTarget.Push));
        await UntilAcknowledgedAsync(9);
        Assert.Equal([1, 2, 3, 4, 5, 6, 7, 8, 9], Numbers());
    }, Weeks);

    [Fact]
    public void Launches_are_disabled_and_enabled_alike() => _world.Run(async () =>
    {
        await _world.StartAsync();
        await _world.AskAsync(new SessionCommand.Open(new SessionConfiguration { Launch = new LaunchConfiguration { Url = "https://hooks.example/wake", Secret = "hooks" } }));
        await ChangeAsync(new SessionCommand.DisableWebhook(WebhookTarget.Launch, "By its client."));
        _world.Runner.FinishAllWith = SessionHarness.Finished().Outcome;
        await AddAsync(tasks: 1, start: true);
        await Task.Delay(TimeSpan.FromDays(1), _world.World.Time);
        Assert.Empty(_world.Webhooks.Sent);
        var view = await _world.AskAsync(new SessionCommand.GetWebhook(WebhookTarget.Launch), ProtocolJson.Default.WebhookView);
        Assert.Equal(("launch", false, 1, null), (view.Target, view.Enabled, view.Pending, view.NextAt));
        Assert.True((await ChangeAsync(new SessionCommand.EnableWebhook(WebhookTarget.Launch))).Enabled);
        await UntilSentAsync(1);
    }, Weeks);

    [Fact]
    public void A_test_is_signed_like_all_others_and_changes_nothing() => _world.Run(async () =>
    {
        _world.Webhooks.Answer = _ => ScriptedWebhooks.Gone;
        await OpenAsync();
        await UntilSentAsync(1);
        var before = await ViewAsync();
        var answers = new Queue<WebhookAnswer>([ScriptedWebhooks.Taken, ScriptedWebhooks.Failed, ScriptedWebhooks.Gone]);
        _world.Webhooks.Answer = _ => answers.Dequeue();
        var (taken, failed, gone) = (await TestAsync(), await TestAsync(), await TestAsync());
        Assert.Equal((true, 200, "It answered 200."), (taken.Taken, taken.Status, taken.Why));
        Assert.Equal((false, 500), (failed.Taken, failed.Status));
        Assert.False(gone.Taken);
        Assert.Equal(before, await ViewAsync());
        Assert.Equal(0, (await _world.DescribeAsync()).Acknowledged);
        var sent = _world.Webhooks.Sent[1];
        Assert.Equal(("https://hooks.example/in", "hooks", taken.Id), (sent.Url, sent.Secret, sent.Id));
        Assert.Equal("backhaul.test", Body(sent).GetProperty("type").GetString());
        Assert.Equal("push", Body(sent).GetProperty("data").GetProperty("target").GetString());
    }, Weeks);

    [Fact]
    public void One_test_of_a_session_is_under_way_and_ends_when_nobody_waits_for_it() => _world.Run(async () =>
    {
        await OpenAsync();
        await UntilAcknowledgedAsync(1);
        var held = _world.Webhooks.Held = new TaskCompletionSource();
        var first = new Request<CommandReply>();
        Assert.True(_world.Session.TryPost(new SessionMessage.Execute(new SessionCommand.TestWebhook(WebhookTarget.Push), null, first)));
        await UntilSentAsync(2);
        var refused = Assert.IsType<CommandReply.Refused>(await _world.AskAsync(new SessionCommand.TestWebhook(WebhookTarget.Push))).Problem;
        Assert.Equal((409, ProblemCodes.Busy, 2), (refused.Status, refused.Code, _world.Webhooks.Sent.Count));
        first.TryAnswer(new CommandReply.Unavailable(UnavailableReason.Deadline, TimeSpan.FromSeconds(1), "Too late."));
        await _world.UntilAsync(() => Task.FromResult(held.Task.IsCanceled));
        _world.Webhooks.Held = null;
        Assert.True((await TestAsync()).Taken);
        Assert.All(_world.Webhooks.Sent.Skip(1), message => Assert.True(message.IsTest));

        held = _world.Webhooks.Held = new TaskCompletionSource();
        var last = _world.Post(new SessionCommand.TestWebhook(WebhookTarget.Push));
        await UntilSentAsync(4);
        _world.Session.Stop(StopReason.Drain);
        Assert.Equal(UnavailableReason.Moving, Assert.IsType<CommandReply.Unavailable>(await last).Reason);
        Assert.True(held.Task.IsCanceled);
    }, Weeks);

    [Fact]
    public void A_session_without_a_webhook_says_how_to_get_one() => _world.Run(async () =>
    {
        await _world.StartAsync();
        await _world.AskAsync(new SessionCommand.Open(null));
        foreach (var command in new SessionCommand[]
        {
            new SessionCommand.GetWebhook(WebhookTarget.Push), new SessionCommand.TestWebhook(WebhookTarget.Launch), new SessionCommand.EnableWebhook(WebhookTarget.Launch),
            new SessionCommand.DisableWebhook(WebhookTarget.Push, "x"), new SessionCommand.ReplayPush(1, null),
        })
        {
            var refused = Assert.IsType<CommandReply.Refused>(await _world.AskAsync(command)).Problem;
            Assert.Equal((404, ProblemCodes.NoWebhook), (refused.Status, refused.Code));
            Assert.Contains("PUT /v1/sessions/nightly", refused.Detail, StringComparison.Ordinal);
        }
    }, Weeks);

    [Fact]
    public void What_was_said_is_in_snapshots_and_those_of_before_are_still_read()
    {
        var harness = new SessionHarness().Opened(new SessionConfiguration { Push = new PushConfiguration { Url = "https://hooks.example/", Secret = "hooks" } });
        harness.Apply([new WebhookFailed(WebhookTarget.Push, 1, 1, 503, "It answered 503.", harness.Now.AddSeconds(5), harness.Now)]);
        harness.Do(new SessionCommand.DisableWebhook(WebhookTarget.Push, "Because."));
        harness.AssertReplaysEqual();
        var old = SessionSnapshot.Of(harness.Session);
        var session = new Session(SessionHarness.Key, harness.Session.Options);
        session.Restore(old with { Push = old.Push! with { DisabledAt = null, LastFailure = null } });
        var view = JsonSerializer.Deserialize(Assert.IsType<CommandReply.Done>(
            WebhookControl.Reply(WebhookTarget.Push, session, harness.Conditions())).Json.Span, ProtocolJson.Default.WebhookView)!;
        Assert.Equal((false, "Because.", null, null), (view.Enabled, view.DisabledWhy, view.DisabledAt, view.LastFailure));
    }

    private async Task OpenAsync()
    {
        await _world.StartAsync();
        await _world.AskAsync(new SessionCommand.Open(new SessionConfiguration { Push = new PushConfiguration { Url = "https://hooks.example/in", Secret = "hooks" } }));
    }

    private async Task AddAsync(int tasks, bool start = false)
    {
        for (var n = 0; n < tasks; n++)
            await _world.AskAsync(new SessionCommand.AddTask(SessionHarness.Download() with { Start = start }));
    }

    private Task<WebhookView> ReplayAsync(long from, long? through) => ChangeAsync(new SessionCommand.ReplayPush(from, through));

    private Task<WebhookView> ChangeAsync(SessionCommand command) => _world.AskAsync(command, ProtocolJson.Default.WebhookView);

    private Task<WebhookView> ViewAsync() => ChangeAsync(new SessionCommand.GetWebhook(WebhookTarget.Push));

    private Task<WebhookTestView> TestAsync() => _world.AskAsync(new SessionCommand.TestWebhook(WebhookTarget.Push), ProtocolJson.Default.WebhookTestView);

    private Task UntilAcknowledgedAsync(long number) => _world.UntilAsync(async () => (await _world.DescribeAsync()).Acknowledged == number);

    private Task UntilSentAsync(int count) => _world.UntilAsync(() => Task.FromResult(_world.Webhooks.Sent.Count == count));

    private List<long> Numbers() => [.. _world.Webhooks.Sent.Select(message => Body(message).GetProperty("data").GetProperty("number").GetInt64())];

    private static JsonElement Body(WebhookMessage message) => JsonDocument.Parse(message.Body).RootElement;
}

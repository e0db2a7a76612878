using System.Text.Json;
using Backhaul.Node.Delivery;
using Backhaul.Node.Sessions;
using Backhaul.Protocol;
using Xunit;

namespace Backhaul.Node.Tests.Sessions.Webhooks;

/// <summary>Events pushed by a real session actor, in virtual time, to a receiver that does what the test says.</summary>
public sealed class PushTests
{
    private static readonly TimeSpan Weeks = TimeSpan.FromDays(30);

    private readonly SessionWorld _world = new() { Options = new SessionOptions { IdleBeforePassivation = Weeks } };

    [Fact]
    public void Events_are_pushed_in_order_and_an_answer_acknowledges_them() => _world.Run(async () =>
    {
        await OpenAsync();
        await AddAsync(start: false);
        await AddAsync(start: false);
        await _world.UntilAsync(async () => (await _world.DescribeAsync()).Acknowledged == 3);
        Assert.Equal([1, 2, 3], Numbers());
        Assert.Equal(3, _world.Webhooks.Sent.Select(message => message.Id).Distinct().Count());
        Assert.All(_world.Webhooks.Sent, message => Assert.Equal(("https://hooks.example/in", "hooks"), (message.Url, message.Secret)));
    }, Weeks);

    [Fact]
    public void The_next_event_waits_until_the_one_before_is_taken() => _world.Run(async () =>
    {
        _world.Webhooks.Held = new TaskCompletionSource();
        await OpenAsync();
        await AddAsync(start: false);
        await Task.Delay(TimeSpan.FromSeconds(10), _world.World.Time);
        Assert.Equal([1], Numbers());
        _world.Webhooks.Held.SetResult();
        await _world.UntilAsync(async () => (await _world.DescribeAsync()).Acknowledged == 2);
        Assert.Equal([1, 2], Numbers());
    }, Weeks);

    [Fact]
    public void Only_wanted_types_are_pushed_and_an_answer_acknowledges_all_before_it() => _world.Run(async () =>
    {
        await OpenAsync(EventTypes.TaskCompleted);
        _world.Runner.FinishAllWith = SessionHarness.Finished().Outcome;
        await AddAsync();
        await _world.UntilAsync(async () => (await _world.DescribeAsync()).Acknowledged == 5);
        var sent = Assert.Single(_world.Webhooks.Sent);
        Assert.Equal(EventTypes.TaskCompleted, Body(sent).GetProperty("data").GetProperty("type").GetString());
        Assert.Equal(EventTypes.EventsDrained, (await _world.EventsAsync())[^1].Type);
    }, Weeks);

    [Fact]
    public void What_is_not_taken_is_sent_again_by_the_schedule_with_the_same_id() => _world.Run(async () =>
    {
        List<DateTimeOffset> at = [];
        _world.Webhooks.Answer = _ =>
        {
            at.Add(_world.World.Time.GetUtcNow());
            return at.Count <= 3 ? ScriptedWebhooks.Failed : ScriptedWebhooks.Taken;
        };
        await OpenAsync();
        await Task.Delay(TimeSpan.FromHours(2), _world.World.Time);
        Assert.Equal(1, (await _world.DescribeAsync()).Acknowledged);
        Assert.Single(_world.Webhooks.Sent.Select(message => message.Id).Distinct());
        Assert.Equal(4, at.Count);
        Assert.InRange((at[1] - at[0]).TotalSeconds, 4.5, 5.6);
        Assert.InRange((at[2] - at[1]).TotalMinutes, 4.5, 5.6);
        Assert.InRange((at[3] - at[2]).TotalMinutes, 27, 33.1);
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
        await _world.UntilAsync(() => Task.FromResult(at.Count == 2), TimeSpan.FromSeconds(1));
        Assert.InRange((at[1] - at[0]).TotalMinutes, 3, 3.1);
    }, Weeks);

    [Fact]
    public void A_receiver_that_is_gone_gets_nothing_more_until_it_is_named_anew() => _world.Run(async () =>
    {
        _world.Webhooks.Answer = _ => ScriptedWebhooks.Gone;
        await OpenAsync();
        await AddAsync(start: false);
        await Task.Delay(TimeSpan.FromDays(5), _world.World.Time);
        Assert.Single(_world.Webhooks.Sent);
        _world.Webhooks.Answer = _ => ScriptedWebhooks.Taken;
        await _world.AskAsync(new SessionCommand.Open(new SessionConfiguration { Push = new PushConfiguration { Url = "https://hooks.example/new", Secret = "hooks" } }));
        await _world.UntilAsync(async () => (await _world.DescribeAsync()).Acknowledged == 2);
        Assert.Equal([1, 1, 2], Numbers());
    }, Weeks);

    [Fact]
    public void What_an_earlier_receiver_says_late_is_not_held_against_the_present_one() => _world.Run(async () =>
    {
        var held = _world.Webhooks.Held = new TaskCompletionSource();
        _world.Webhooks.Answer = message => message.Url.EndsWith("/in", StringComparison.Ordinal) ? ScriptedWebhooks.Gone : ScriptedWebhooks.Taken;
        await OpenAsync();
        await _world.UntilAsync(() => Task.FromResult(_world.Webhooks.Sent.Count == 1));
        await _world.AskAsync(new SessionCommand.Open(new SessionConfiguration { Push = new PushConfiguration { Url = "https://hooks.example/new", Secret = "hooks" } }));
        _world.Webhooks.Held = null;
        held.SetResult();
        await _world.UntilAsync(async () => (await _world.DescribeAsync()).Acknowledged == 1);
        Assert.Equal(["https://hooks.example/in", "https://hooks.example/new"], _world.Webhooks.Sent.Select(message => message.Url));
    }, Weeks);

    /// <summary>Found by the simulation: the answer was thrown away, because the position that the event was sent from had moved, and the event was sent once more.</summary>
    [Fact]
    public void An_event_that_is_taken_while_its_client_acknowledges_what_comes_before_is_not_sent_again() => _world.Run(async () =>
    {
        var held = _world.Webhooks.Held = new TaskCompletionSource();
        await OpenAsync(EventTypes.TaskCreated);
        await AddAsync(start: false);
        await _world.UntilAsync(() => Task.FromResult(_world.Webhooks.Sent.Count == 1));
        await _world.AskAsync(new SessionCommand.Acknowledge(1));
        held.SetResult();
        await _world.UntilAsync(async () => (await _world.DescribeAsync()).Acknowledged == 2);
        await Task.Delay(TimeSpan.FromMinutes(1), _world.World.Time);
        Assert.Equal([2], Numbers());
    }, Weeks);

    [Fact]
    public void A_session_from_before_there_were_webhooks_pushes_only_what_nobody_acknowledged()
    {
        var old = new SessionHarness().Opened();
        old.Add();
        old.Do(new SessionCommand.Acknowledge(2));
        var session = new Session(SessionHarness.Key, old.Session.Options);
        session.Restore(SessionSnapshot.Of(old.Session) with { Push = null });
        session.Apply(new SessionConfigured(2, session.Configurations.Current with { Push = new PushConfiguration { Url = "https://hooks.example/", Secret = "hooks" } }, old.Now));
        Assert.Empty(WebhookDecider.Orders(session, Presence.Nobody));
    }

    [Fact]
    public void An_event_that_is_acknowledged_already_and_was_taken_again_is_not_sent_for_ever()
    {
        var push = new PushConfiguration { Url = "https://hooks.example/", Secret = "hooks" };
        var harness = new SessionHarness().Opened(new SessionConfiguration { Push = push });
        harness.Add();
        harness.Do(new SessionCommand.Acknowledge(2));
        var with = harness.Session.Configurations.Current;
        harness.Apply([new PushReplayed(1, harness.Now), new SessionConfigured(2, with with { Push = null }, harness.Now), new SessionConfigured(3, with, harness.Now)]);
        for (var sends = 0; WebhookDecider.Orders(harness.Session, Presence.Nobody).ToList() is [var (order, _)]; sends++)
        {
            Assert.True(sends < 2);
            harness.Apply(WebhookDecider.Report(harness.Session, new WebhookReport(order, order.Key + 1, ScriptedWebhooks.Taken), harness.Now, 0.5));
        }
        harness.AssertReplaysEqual();
    }

    [Fact]
    public void After_ten_failures_the_receiver_is_given_up_and_the_events_stay() => _world.Run(async () =>
    {
        _world.Webhooks.Answer = _ => ScriptedWebhooks.Failed;
        await OpenAsync();
        await Task.Delay(TimeSpan.FromDays(6), _world.World.Time);
        Assert.Equal(10, _world.Webhooks.Sent.Count);
        var view = await _world.DescribeAsync();
        Assert.Equal((0L, 1L), (view.Acknowledged, view.LastEvent));
    }, Weeks);

    [Fact]
    public void A_node_that_dies_between_sending_and_recording_leads_to_one_more_with_the_same_id() => _world.Run(async () =>
    {
        _world.Webhooks.Held = new TaskCompletionSource();
        await OpenAsync();
        await _world.UntilAsync(() => Task.FromResult(_world.Webhooks.Sent.Count == 1));
        _world.Crash();
        _world.Webhooks.Held = null;
        await _world.StartAsync();
        await _world.UntilAsync(async () => (await _world.DescribeAsync()).Acknowledged == 1);
        await Task.Delay(TimeSpan.FromHours(1), _world.World.Time);
        Assert.Equal(2, _world.Webhooks.Sent.Count);
        Assert.Single(_world.Webhooks.Sent.Select(message => message.Id).Distinct());
    }, Weeks);

    [Fact]
    public void The_schedule_goes_on_where_a_dead_node_left_it() => _world.Run(async () =>
    {
        _world.Webhooks.Answer = _ => ScriptedWebhooks.Failed;
        await OpenAsync();
        await Task.Delay(TimeSpan.FromSeconds(60), _world.World.Time); // two failed; the third is due after five minutes
        Assert.Equal(2, _world.Webhooks.Sent.Count);
        _world.Crash();
        await _world.StartAsync();
        await Task.Delay(TimeSpan.FromSeconds(120), _world.World.Time);
        Assert.Equal(2, _world.Webhooks.Sent.Count);
        await Task.Delay(TimeSpan.FromSeconds(240), _world.World.Time);
        Assert.Equal(3, _world.Webhooks.Sent.Count);
    }, Weeks);

    [Fact]
    public void What_a_client_acknowledges_itself_is_not_pushed_any_more() => _world.Run(async () =>
    {
        _world.Webhooks.Answer = _ => ScriptedWebhooks.Failed;
        await OpenAsync();
        await AddAsync(start: false);
        await _world.AskAsync(new SessionCommand.Acknowledge(1));
        _world.Webhooks.Answer = _ => ScriptedWebhooks.Taken;
        await _world.UntilAsync(async () => (await _world.DescribeAsync()).Acknowledged == 2);
        Assert.Equal([1, 2], Numbers());
    }, Weeks);

    [Fact]
    public void A_view_never_shows_a_sealed_secret() => _world.Run(async () =>
    {
        await _world.StartAsync();
        await _world.AskAsync(new SessionCommand.Open(new SessionConfiguration { Push = new PushConfiguration { Url = "https://hooks.example/", Secret = "sealed1:00:AAAA" } }));
        Assert.Equal("•••", (await _world.DescribeAsync()).Configuration.Push!.Secret);
    }, Weeks);

    private async Task OpenAsync(params string[] types)
    {
        await _world.StartAsync();
        await _world.AskAsync(new SessionCommand.Open(new SessionConfiguration
        {
            Push = new PushConfiguration { Url = "https://hooks.example/in", Secret = "hooks", Types = types.Length > 0 ? types : null },
        }));
    }

    private Task AddAsync(bool start = true) => _world.AskAsync(new SessionCommand.AddTask(SessionHarness.Download() with { Start = start }));

    private List<long> Numbers() => [.. _world.Webhooks.Sent.Select(message => Body(message).GetProperty("data").GetProperty("number").GetInt64())];

    private static JsonElement Body(WebhookMessage message) => JsonDocument.Parse(message.Body).RootElement;
}

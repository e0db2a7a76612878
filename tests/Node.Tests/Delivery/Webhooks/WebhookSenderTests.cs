using System.Globalization;
using System.Text.Json;
using Backhaul.Node.Delivery;
using Backhaul.Node.Delivery.Webhooks;
using Backhaul.Node.Egress;
using Backhaul.Node.Security;
using Backhaul.Protocol;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace Backhaul.Node.Tests.Delivery.Webhooks;

/// <summary>Over real HTTP, with a receiver in this process.</summary>
public sealed class WebhookSenderTests
{
    private const string Key = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    private const string NextKey = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";

    private static readonly SessionKey Session = SessionKey.Parse("acme/nightly");
    private static readonly SecretBox Box = new([new byte[32]]);
    private static readonly EgressOptions Loopback = new() { Allow = ["127.0.0.1"] };

    [Fact]
    public async Task A_webhook_is_a_signed_cloud_event()
    {
        await using var receiver = await WebhookReceiver.StartAsync();
        var message = Message(receiver.Url, Box.Seal($"{Key} {NextKey}", SecretBox.OwnerOf(Session)));
        var answer = await SendAsync(message);
        Assert.Equal((WebhookResult.Taken, 204), (answer.Result, answer.Status));
        var (headers, body) = Assert.Single(receiver.Received);
        Assert.Equal("application/cloudevents+json; charset=utf-8", headers["Content-Type"]);
        Assert.Equal(message.Id, headers["webhook-id"]);
        var at = long.Parse(headers["webhook-timestamp"], CultureInfo.InvariantCulture);
        Assert.InRange(at, DateTimeOffset.UtcNow.ToUnixTimeSeconds() - 60, DateTimeOffset.UtcNow.ToUnixTimeSeconds());
        Assert.Equal(
            string.Join(' ', new[] { Key, NextKey }.Select(key => "v1," + WebhookKeys.Sign(WebhookKeys.Parse(key)![0], message.Id, at, body))),
            headers["webhook-signature"]);
        using var cloudEvent = JsonDocument.Parse(body);
        var root = cloudEvent.RootElement;
        Assert.Equal("1.0", root.GetProperty("specversion").GetString());
        Assert.Equal("/sessions/nightly", root.GetProperty("source").GetString());
        Assert.Equal("backhaul.taskCompleted", root.GetProperty("type").GetString());
        Assert.Equal("tasks/t1", root.GetProperty("subject").GetString());
        Assert.Equal(message.Id, root.GetProperty("id").GetString());
        Assert.Equal(17, root.GetProperty("data").GetProperty("number").GetInt64());
    }

    [Theory]
    [InlineData(200, "Taken")]
    [InlineData(299, "Taken")]
    [InlineData(301, "Failed")]
    [InlineData(307, "Failed")]
    [InlineData(400, "Failed")]
    [InlineData(410, "Gone")]
    [InlineData(500, "Failed")]
    public async Task A_status_says_what_became_of_it_and_redirects_are_not_followed(int status, string result)
    {
        await using var receiver = await WebhookReceiver.StartAsync();
        receiver.Answer = context =>
        {
            context.Response.StatusCode = status;
            context.Response.Headers.Location = receiver.Url + "/elsewhere";
            return Task.CompletedTask;
        };
        var answer = await SendAsync(Message(receiver.Url));
        Assert.Equal((result, status), (answer.Result.ToString(), answer.Status));
        Assert.Single(receiver.Received);
    }

    [Theory]
    [InlineData(429, "120", 120)]
    [InlineData(503, "7", 7)]
    [InlineData(500, "7", null)]
    [InlineData(503, "soon", null)]
    public async Task A_receiver_that_is_busy_says_when_to_come_back(int status, string asked, int? seconds)
    {
        await using var receiver = await WebhookReceiver.StartAsync();
        receiver.Answer = context =>
        {
            context.Response.StatusCode = status;
            context.Response.Headers.RetryAfter = asked;
            return Task.CompletedTask;
        };
        var answer = await SendAsync(Message(receiver.Url));
        Assert.Equal(seconds is { } wait ? TimeSpan.FromSeconds(wait) : null, answer.RetryAfter);
    }

    [Fact]
    public async Task A_receiver_that_does_not_answer_in_time_has_not_taken_it()
    {
        await using var receiver = await WebhookReceiver.StartAsync();
        receiver.Answer = context => Task.Delay(Timeout.Infinite, context.RequestAborted);
        var answer = await SendAsync(Message(receiver.Url), new DeliveryOptions { WebhookTimeout = TimeSpan.FromSeconds(1) });
        Assert.Equal((WebhookResult.Failed, null), (answer.Result, answer.Status));
        Assert.Contains("within 1 s", answer.Why, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_endless_answer_is_not_read_to_its_end()
    {
        await using var receiver = await WebhookReceiver.StartAsync();
        var ended = new TaskCompletionSource();
        receiver.Answer = async context =>
        {
            await using var onEnd = context.RequestAborted.Register(ended.SetResult);
            var chunk = new byte[64 * 1024];
            while (!context.RequestAborted.IsCancellationRequested)
                await context.Response.Body.WriteAsync(chunk, context.RequestAborted);
        };
        Assert.Equal(WebhookResult.Taken, (await SendAsync(Message(receiver.Url))).Result);
        await ended.Task.WaitAsync(TimeSpan.FromSeconds(20), TestContext.Current.CancellationToken); // the connection is closed, not drained
    }

    [Fact]
    public async Task The_address_policy_holds_for_receivers()
    {
        await using var receiver = await WebhookReceiver.StartAsync();
        var answer = await SendAsync(Message(receiver.Url), egress: new EgressOptions());
        Assert.Equal((WebhookResult.Failed, null), (answer.Result, answer.Status));
        Assert.Empty(receiver.Received);
    }

    [Fact]
    public async Task A_secret_by_name_signs_and_one_that_is_missing_sends_nothing()
    {
        await using var receiver = await WebhookReceiver.StartAsync();
        Assert.Equal(WebhookResult.Taken, (await SendAsync(Message(receiver.Url, "hooks"))).Result);
        Assert.Equal(WebhookResult.Failed, (await SendAsync(Message(receiver.Url, "other"))).Result);
        Assert.Equal(WebhookResult.Failed, (await SendAsync(Message(receiver.Url, Box.Seal(Key, "webhook/acme/another")))).Result);
        Assert.Single(receiver.Received);
    }

    [Fact]
    public async Task Nobody_there_is_a_failure_and_nothing_more()
    {
        var answer = await SendAsync(Message("http://127.0.0.1:1/hook"), egress: new EgressOptions { Allow = ["127.0.0.1:1"] });
        Assert.Equal((WebhookResult.Failed, null), (answer.Result, answer.Status));
    }

    [Fact]
    public async Task Notifications_take_half_of_the_places_and_what_else_is_sent_passes_them()
    {
        var stop = TestContext.Current.CancellationToken;
        await using var receiver = await WebhookReceiver.StartAsync();
        var held = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        receiver.Answer = context => context.Request.Path.Value!.EndsWith("/held", StringComparison.Ordinal) ? held.Task : Task.CompletedTask;
        using var clients = new OutboundClients(Loopback, new SystemNameResolver(), TimeProvider.System, NullLogger<OutboundClients>.Instance, Secrets());
        using var sender = new WebhookSender(clients, Secrets(), Box, new DeliveryOptions { WebhooksMax = 2 }, TimeProvider.System);
        var told = Message(receiver.Url + "/held") with { IsNotification = true };
        var (first, second) = (sender.SendAsync(told, Trusted, stop).AsTask(), sender.SendAsync(told, Trusted, stop).AsTask());
        Assert.Equal(WebhookResult.Taken, (await sender.SendAsync(Message(receiver.Url), Trusted, stop))!.Result);
        Assert.False(first.IsCompleted || second.IsCompleted);
        held.SetResult();
        Assert.Equal((WebhookResult.Taken, WebhookResult.Taken), ((await first)!.Result, (await second)!.Result));
    }

    /// <summary>Whoever tries receivers that never answer, as fast as he can, holds up tests and nothing else.</summary>
    [Fact]
    public async Task Tests_have_a_small_room_of_their_own()
    {
        using var over = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        await using var receiver = await WebhookReceiver.StartAsync();
        var held = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        receiver.Answer = context => context.Request.Path.Value!.EndsWith("/held", StringComparison.Ordinal) ? held.Task : Task.CompletedTask;
        using var clients = new OutboundClients(Loopback, new SystemNameResolver(), TimeProvider.System, NullLogger<OutboundClients>.Instance, Secrets());
        using var sender = new WebhookSender(clients, Secrets(), Box, new DeliveryOptions { WebhooksMax = 64 }, TimeProvider.System);
        var asked = 0;
        var test = Message(receiver.Url + "/held") with { IsTest = true };
        Task[] tests = [.. Enumerable.Range(0, 80).Select(_ => sender.SendAsync(test, () => ++asked > 0, over.Token).AsTask())];
        Assert.Equal(4, asked);
        Assert.Equal(WebhookResult.Taken, (await sender.SendAsync(Message(receiver.Url), Trusted, over.Token))!.Result);
        Assert.Equal(4, asked);
        await over.CancelAsync(); // also those that wait for their turn
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Task.WhenAll(tests));
        Assert.All(tests, ended => Assert.True(ended.IsCanceled));
        Assert.Equal(WebhookResult.Taken, (await sender.SendAsync(Message(receiver.Url) with { IsTest = true }, Trusted, TestContext.Current.CancellationToken))!.Result);
        held.SetResult();
    }

    /// <summary>A node that stood still while its message waited for a place must not send it when it goes on.</summary>
    [Fact]
    public async Task Trust_is_asked_when_the_place_is_taken_not_before_the_wait()
    {
        var stop = TestContext.Current.CancellationToken;
        await using var receiver = await WebhookReceiver.StartAsync();
        var held = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        receiver.Answer = _ => held.Task;
        using var clients = new OutboundClients(Loopback, new SystemNameResolver(), TimeProvider.System, NullLogger<OutboundClients>.Instance, Secrets());
        using var sender = new WebhookSender(clients, Secrets(), Box, new DeliveryOptions { WebhooksMax = 1 }, TimeProvider.System);
        var isTrusted = true;
        var first = sender.SendAsync(Message(receiver.Url), () => isTrusted, stop).AsTask();
        var second = sender.SendAsync(Message(receiver.Url), () => isTrusted, stop).AsTask();
        isTrusted = false;
        held.SetResult();
        Assert.Equal(WebhookResult.Taken, (await first)!.Result);
        Assert.Null(await second);
        Assert.Single(receiver.Received);
    }

    private static WebhookMessage Message(string url, string secret = "hooks")
    {
        var id = CloudEvent.IdOf(Session, "push", 17);
        using var data = JsonDocument.Parse("{}");
        return new WebhookMessage(Session, url, secret, id, CloudEvent.Write(id, Session, new EventView
        {
            Number = 17,
            Type = EventTypes.TaskCompleted,
            At = new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero),
            Task = "t1",
            Data = data.RootElement.Clone(),
        }));
    }

    private static async Task<WebhookAnswer> SendAsync(WebhookMessage message, DeliveryOptions? options = null, EgressOptions? egress = null)
    {
        var secrets = Secrets();
        using var clients = new OutboundClients(egress ?? Loopback, new SystemNameResolver(), TimeProvider.System, NullLogger<OutboundClients>.Instance, secrets);
        using var sender = new WebhookSender(clients, secrets, Box, options ?? new DeliveryOptions(), TimeProvider.System);
        return (await sender.SendAsync(message, Trusted, TestContext.Current.CancellationToken))!;
    }

    private static bool Trusted() => true;

    private static SecretTable Secrets()
    {
        var secrets = SecretTable.Read(
            new ConfigurationBuilder().AddInMemoryCollection(new Dictionary<string, string?> { ["hooks:Kind"] = "webhook", ["hooks:Keys"] = Key }).Build(), out var faults);
        Assert.Empty(faults);
        return secrets;
    }
}

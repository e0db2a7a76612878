using System.Net;
using Backhaul.Node.Delivery;
using Backhaul.Node.Delivery.Webhooks;
using Backhaul.Node.Egress;
using Backhaul.Node.Security;
using Backhaul.Node.Tests.Sessions;
using Backhaul.Protocol;
using FsCheck;
using FsCheck.Fluent;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace Backhaul.Node.Tests.Delivery.Webhooks;

/// <summary>What tenants and receivers share of a node's places for webhooks, in virtual time.</summary>
public sealed class WebhookPlacesTests
{
    private const string Dead = "https://dead.example";
    private static readonly TenantId Acme = TenantId.Parse("acme");
    private static readonly TenantId Other = TenantId.Parse("other");

    [Fact]
    public void Fifty_sessions_with_a_receiver_that_never_answers_hold_up_no_other_notification_of_the_node() => new Node().Run(async node =>
    {
        List<Task<WebhookAnswer>> told = [];
        for (var n = 0; n < 50 * 16; n++)
            told.Add(node.TellAsync($"acme/s{n / 16}", $"{Dead}/{n}"));
        await Task.Delay(TimeSpan.FromMilliseconds(1), node.World.Time);
        Assert.Equal(4, node.Asked.Count);
        Assert.Equal(WebhookResult.Taken, (await node.TellAsync("other/one", "https://alive.example/")).Result);
        Assert.Equal(WebhookResult.Taken, (await node.TellAsync("acme/s1", "https://alive.example/")).Result);
        Assert.Equal(TimeSpan.FromMilliseconds(1), node.World.Time.Elapsed);
        foreach (var one in told)
            Assert.Equal(WebhookResult.Failed, (await one).Result);
    });

    [Fact]
    public void A_tenant_whose_receivers_fill_all_places_leaves_the_next_free_one_to_another() => new Node().Run(async node =>
    {
        List<Task<WebhookAnswer>> told = [];
        for (var n = 0; n < 50 * 16; n++)
            told.Add(node.TellAsync($"acme/s{n / 16}", $"https://dead{n % 50}.example/"));
        await Task.Delay(TimeSpan.FromSeconds(19), node.World.Time);
        Assert.Equal(32, node.Asked.Count);
        Assert.Equal(WebhookResult.Taken, (await node.TellAsync("other/one", "https://alive.example/")).Result);
        Assert.Equal(TimeSpan.FromSeconds(20), node.World.Time.Elapsed); // one time-out, however many wait
        Assert.False(told[^1].IsCompleted);
    });

    [Fact]
    public void A_tenant_whose_receivers_never_answer_holds_up_no_push_of_another() => new Node().Run(async node =>
    {
        List<Task<WebhookAnswer>> sent = [];
        for (var n = 0; n < 64; n++)
        {
            sent.Add(node.PushAsync($"acme/s{n}", $"https://dead{n % 16}.example/"));
            sent.Add(node.TellAsync($"acme/s{n}", $"https://dead{n % 16}.example/"));
        }
        await Task.Delay(TimeSpan.FromMilliseconds(1), node.World.Time);
        Assert.Equal(24 + 32, node.Asked.Count);
        for (var n = 0; n < 20; n++)
            Assert.Equal(WebhookResult.Taken, (await node.PushAsync("other/one", "https://alive.example/")).Result);
        Assert.Equal(TimeSpan.FromMilliseconds(1), node.World.Time.Elapsed);
        foreach (var one in sent)
            Assert.Equal(WebhookResult.Failed, (await one).Result);
    });

    [Fact]
    public void A_receiver_that_never_answers_holds_up_no_push_of_its_own_tenant_to_another() => new Node().Run(async node =>
    {
        for (var n = 0; n < 64; n++)
            _ = node.PushAsync($"acme/s{n}", $"{Dead}/{n}");
        await Task.Delay(TimeSpan.FromMilliseconds(1), node.World.Time);
        Assert.Equal(16, node.Asked.Count);
        Assert.Equal(WebhookResult.Taken, (await node.PushAsync("acme/s1", "https://alive.example/")).Result);
        Assert.Equal(TimeSpan.FromMilliseconds(1), node.World.Time.Elapsed);
    });

    [Fact]
    public void A_tenant_has_its_share_and_no_more_and_gets_a_place_back_as_it_gives_one_up() => new Room(3, 3, perTenant: 2).Run(async room =>
    {
        _ = room.Enter(Acme, "https://a.example");
        _ = room.Enter(Acme, "https://b.example");
        _ = room.Enter(Acme, "https://c.example");
        await room.SettleAsync();
        Assert.Equal(["a", "b"], room.Got);
        _ = room.Enter(Other, "https://o.example");
        await room.SettleAsync();
        Assert.Equal(["a", "b", "o"], room.Got);
        await room.LeaveAsync(2);
        Assert.Equal(1, room.Waiting);
        await room.LeaveAsync();
        Assert.Equal(["a", "b", "o", "c"], room.Got);
    });

    [Fact]
    public void A_free_place_goes_to_the_tenant_that_has_the_fewest_and_its_receivers_have_turns() => new Room(3, 2).Run(async room =>
    {
        _ = room.Enter(Acme, "https://a.example");
        _ = room.Enter(Acme, "https://b.example");
        _ = room.Enter(Acme, "https://c.example");
        _ = room.Enter(Acme, "https://a.example");
        _ = room.Enter(Acme, "https://a.example");
        _ = room.Enter(Acme, "https://b.example");
        _ = room.Enter(Other, "https://o.example");
        _ = room.Enter(Other, "https://o.example");
        await room.SettleAsync();
        Assert.Equal(["a", "b", "c"], room.Got);
        await room.LeaveAsync();
        Assert.Equal("o", room.Got[^1]); // two to none
        await room.LeaveAsync();
        Assert.Equal("a", room.Got[^1]); // one to one, and the other had its turn last
        await room.LeaveAsync();
        Assert.Equal("o", room.Got[^1]);
        await room.LeaveAsync();
        Assert.Equal("b", room.Got[^1]); // a had its turn
    });

    [Fact]
    public void Who_gives_up_waiting_takes_no_place() => new Room(1, 1).Run(async room =>
    {
        using var stop = new CancellationTokenSource();
        _ = room.Enter(Acme, "https://a.example");
        var impatient = room.Enter(Acme, "https://b.example", stop.Token);
        _ = room.Enter(Other, "https://c.example");
        await room.SettleAsync();
        await stop.CancelAsync();
        await room.SettleAsync();
        Assert.True(impatient.IsCanceled);
        await room.LeaveAsync();
        await room.LeaveAsync();
        Assert.Equal(["a", "c"], room.Got);
        _ = room.Enter(Acme, "https://d.example");
        await room.SettleAsync();
        Assert.Equal(("d", 0), (room.Got[^1], room.Waiting));
    });

    /// <summary>Never more than there are, never more to one receiver, and nobody waits who could go.</summary>
    [Fact]
    public void Any_coming_and_going_keeps_the_bounds_and_loses_no_place() => Prop.ForAll<byte[]>(steps => new Room(5, 2).Run(async room =>
    {
        List<CancellationTokenSource> stops = [];
        foreach (var step in steps)
        {
            switch (step % 4)
            {
                case 0 or 1:
                    stops.Add(new CancellationTokenSource());
                    _ = room.Enter(step / 4 % 3 == 0 ? Other : Acme, $"https://{(char)('a' + step / 12 % 5)}.example", stops[^1].Token);
                    break;
                case 2 when room.Under.Count > 0:
                    await room.LeaveAsync(step / 4 % room.Under.Count);
                    break;
                case 3 when stops.Count > 0:
                    await stops[step / 4 % stops.Count].CancelAsync();
                    break;
            }
            await room.SettleAsync();
            Assert.InRange(room.Under.Count, 0, 5);
            Assert.All(room.Under.CountBy(one => one.Receiver), receiver => Assert.InRange(receiver.Value, 1, 2));
            var full = room.Under.CountBy(one => one.Receiver).Where(receiver => receiver.Value == 2).Select(receiver => receiver.Key).ToHashSet();
            Assert.True(room.Under.Count == 5 || room.Wanting.All(full.Contains));
        }
        while (room.Under.Count > 0)
            await room.LeaveAsync();
        Assert.Equal((0, 0), (room.Waiting, room.Wanting.Count()));
        stops.ForEach(stop => stop.Dispose());
    })).Check(Config.QuickThrowOnFailure.WithMaxTest(200).WithEndSize(100));

    /// <summary>The places alone.</summary>
    private sealed class Room(int places, int perReceiver, int perTenant = int.MaxValue) : VirtualWorldHost
    {
        private readonly WebhookPlaces _places = new(places, perReceiver, perTenant);
        private readonly List<(string Receiver, Task Task)> _all = [];

        public List<(string Receiver, IDisposable Place)> Under { get; } = [];

        /// <summary>The receivers whose turn came, by their first letter.</summary>
        public List<string> Got { get; } = [];

        public int Waiting => _places.Waiting;

        public IEnumerable<string> Wanting => _all.Where(one => !one.Task.IsCompleted).Select(one => one.Receiver);

        public void Run(Func<Room, Task> body) => Run(() => body(this));

        public Task Enter(TenantId tenant, string receiver, CancellationToken stop = default)
        {
            var entering = EnterAsync();
            _all.Add((receiver, entering));
            return entering;

            async Task EnterAsync()
            {
                var place = await _places.EnterAsync(tenant, receiver, stop);
                Under.Add((receiver, place));
                Got.Add(receiver["https://".Length..][..1]);
            }
        }

        public async Task LeaveAsync(int index = 0)
        {
            var place = Under[index].Place;
            Under.RemoveAt(index);
            place.Dispose();
            await SettleAsync();
        }

        public Task SettleAsync() => Task.Delay(TimeSpan.FromMilliseconds(1), World.Time);
    }

    /// <summary>The node's sender; receivers that are called dead take requests and never answer.</summary>
    private sealed class Node : VirtualWorldHost
    {
        public List<string> Asked { get; } = [];

        private WebhookSender? _sender;

        public void Run(Func<Node, Task> body) => Run(
            async () =>
            {
                var secrets = SecretTable.Read(
                    new ConfigurationBuilder().AddInMemoryCollection(new Dictionary<string, string?> { ["hooks:Kind"] = "webhook", ["hooks:Keys"] = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw" }).Build(), out _);
                using var clients = new OutboundClients(
                    new EgressOptions(), new SystemNameResolver(), World.Time, NullLogger<OutboundClients>.Instance, secrets, invokers: _ => new HttpMessageInvoker(new Wire(Asked)));
                using var sender = new WebhookSender(clients, secrets, new SecretBox([]), new DeliveryOptions { WebhookTimeout = TimeSpan.FromSeconds(20), WebhooksMax = 64 }, World.Time);
                _sender = sender;
                await body(this);
            },
            TimeSpan.FromDays(1));

        public Task<WebhookAnswer> TellAsync(string session, string url) => SendAsync(session, url, isNotification: true);

        public Task<WebhookAnswer> PushAsync(string session, string url) => SendAsync(session, url, isNotification: false);

        private async Task<WebhookAnswer> SendAsync(string session, string url, bool isNotification) =>
            (await _sender!.SendAsync(
                new WebhookMessage(SessionKey.Parse(session), url, "hooks", "msg_1", "{}"u8.ToArray()) { IsNotification = isNotification }, static () => true, CancellationToken.None))!;
    }

    private sealed class Wire(List<string> asked) : HttpMessageHandler
    {
        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            asked.Add(request.RequestUri!.ToString());
            if (request.RequestUri.Host.StartsWith("dead", StringComparison.Ordinal))
                await new TaskCompletionSource().Task.WaitAsync(cancellationToken);
            return new HttpResponseMessage(HttpStatusCode.NoContent) { Content = new ByteArrayContent([]) };
        }
    }
}

using Backhaul.FaultOrigin;
using Backhaul.Node.Egress;
using Backhaul.Node.Security;
using Backhaul.Node.Tests.Transfers.Access;
using Backhaul.Protocol;
using Backhaul.World;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace Backhaul.Node.Tests.Egress;

public sealed class RouteInvokersTests
{
    [Fact]
    public void Requests_of_one_route_share_a_pool_and_the_one_unused_for_longest_is_given_up()
    {
        List<Recorded> made = [];
        var world = new VirtualWorld(seed: 1);
        using var pools = new RouteInvokers(_ => Make(made), world.Time, routesMax: 2, TimeSpan.FromMinutes(10));
        OutboundRoute one = Route("1"), two = Route("2"), three = Route("3");
        Assert.Same(pools.Get(OutboundRoute.Direct), pools.Get(new OutboundRoute()));
        var first = pools.Get(one);
        pools.Get(two);
        Assert.Equal(3, made.Count);
        world.Run(async () =>
        {
            await Task.Delay(TimeSpan.FromSeconds(1), world.Time);
            Assert.Same(first, pools.Get(one));
            pools.Get(three);
            Assert.Equal([false, false, true, false], made.Select(handler => handler.IsDisposed));
            await Task.Delay(TimeSpan.FromMinutes(25), world.Time);
            Assert.Equal(0, pools.Count);
            Assert.Equal([false, true, true, true], made.Select(handler => handler.IsDisposed));
        });
    }

    [Fact]
    public async Task A_pool_that_is_given_up_lets_its_answers_end()
    {
        await using var origin = await ScriptedOrigin.StartAsync();
        await using var proxy = new TestProxy();
        var secrets = TestSecrets.Read(("a:Kind", "proxy"), ("a:Url", $"http://127.0.0.1:{proxy.Port}"), ("b:Kind", "proxy"), ("b:Url", $"http://127.0.0.1:{proxy.Port}"));
        using var clients = new OutboundClients(
            new EgressOptions { Allow = ["127.0.0.1"], RoutesMax = 1 }, new SystemNameResolver(), TimeProvider.System, NullLogger<OutboundClients>.Instance, secrets);
        using var slow = new HttpRequestMessage(HttpMethod.Get, origin.Bytes("a", 300_000, "rate=200000"));
        using var answer = await clients.SendAsync(slow, RouteBy(clients, "a"), TestContext.Current.CancellationToken);
        using var other = new HttpRequestMessage(HttpMethod.Get, origin.Bytes("b", 10));
        using var second = await clients.SendAsync(other, RouteBy(clients, "b"), TestContext.Current.CancellationToken);
        Assert.Equal(1, clients.Routes);
        Assert.Equal(300_000, (await answer.Content.ReadAsByteArrayAsync(TestContext.Current.CancellationToken)).Length);
    }

    private static OutboundRoute RouteBy(OutboundClients clients, string proxy)
    {
        var home = new Uri("http://127.0.0.1/");
        Assert.True(clients.TryOpen(TenantId.Default, [], proxy, null, home, out var access, out _));
        return access.RouteTo(home);
    }

    private static OutboundRoute Route(string name) => new() { Proxy = new Secret.Proxy(name, new Uri("http://proxy.example"), null) };

    private static HttpMessageInvoker Make(List<Recorded> made)
    {
        var handler = new Recorded();
        made.Add(handler);
        return new HttpMessageInvoker(handler, disposeHandler: true);
    }

    private sealed class Recorded : HttpMessageHandler
    {
        public bool IsDisposed { get; private set; }

        protected override void Dispose(bool disposing)
        {
            IsDisposed = true;
            base.Dispose(disposing);
        }

        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken) =>
            throw new NotSupportedException();
    }
}

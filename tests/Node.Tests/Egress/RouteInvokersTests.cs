using Backhaul.FaultOrigin;
using Backhaul.Node.Egress;
using Backhaul.Node.Security;
using Backhaul.Node.Tests.Transfers.Access;
using Backhaul.Node.Transfers;
using Backhaul.Protocol;
using Backhaul.World;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace Backhaul.Node.Tests.Egress;

public sealed class RouteInvokersTests : IDisposable
{
    private static readonly TenantId Loud = TenantId.Parse("loud");
    private static readonly TenantId Quiet = TenantId.Parse("quiet");

    private readonly VirtualWorld _world = new(seed: 1);
    private readonly List<Recorded> _made = [];
    private readonly Dictionary<string, Secret.Proxy> _proxies = new(StringComparer.Ordinal);
    private RouteInvokers? _pools;

    public void Dispose() => _pools?.Dispose();

    [Fact]
    public void Requests_of_one_route_share_a_pool_and_the_one_unused_for_longest_is_given_up()
    {
        var pools = Pools(routesMax: 2, perTenantMax: 2);
        _world.Run(async () =>
        {
            var first = Use(pools, "1");
            Use(pools, "2");
            await Task.Delay(TimeSpan.FromSeconds(1), _world.Time);
            Assert.Same(first, Use(pools, "1"));
            Use(pools, "3");
            Assert.Equal(["2"], Disposed());
            await Task.Delay(TimeSpan.FromMinutes(25), _world.Time);
            Assert.Equal(0, pools.Count);
            Assert.Equal(["1", "2", "3"], Disposed());
        });
    }

    [Fact]
    public void No_pool_is_given_up_under_a_request()
    {
        var pools = Pools(routesMax: 2, perTenantMax: 2);
        _world.Run(async () =>
        {
            var (one, again) = (pools.Lease(Route("1"), Quiet), pools.Lease(Route("1"), Quiet));
            await Task.Delay(TimeSpan.FromSeconds(1), _world.Time);
            Use(pools, "2");
            Use(pools, "3");
            Assert.Equal(["2"], Disposed());
            await Task.Delay(TimeSpan.FromMinutes(25), _world.Time);
            Assert.Equal(["2", "3"], Disposed());
            one.Dispose();
            await Task.Delay(TimeSpan.FromMinutes(25), _world.Time);
            Assert.Equal((1, "2 3"), (pools.Count, string.Join(' ', Disposed())));
            again.Dispose();
            await Task.Delay(TimeSpan.FromMinutes(25), _world.Time);
            Assert.Equal((0, "1 2 3"), (pools.Count, string.Join(' ', Disposed())));
        });
    }

    [Fact]
    public void A_tenant_with_its_share_closes_its_own_pools_and_nobody_elses()
    {
        var pools = Pools(routesMax: 8, perTenantMax: 2);
        Use(pools, "quiet", Quiet);
        foreach (var user in Enumerable.Range(1, 20))
            Use(pools, $"user {user}", Loud);
        Assert.Equal(3, pools.Count);
        Assert.DoesNotContain("quiet", Disposed());
    }

    [Fact]
    public void A_tenant_whose_share_is_busy_is_refused_and_others_are_not()
    {
        var pools = Pools(routesMax: 3, perTenantMax: 2);
        var busy = new[] { pools.Lease(Route("1"), Loud), pools.Lease(Route("2"), Loud) };
        var refused = Assert.Throws<OutboundException>(() => pools.Lease(Route("3"), Loud));
        Assert.Contains("This tenant has requests under way by 2 ways", refused.Message, StringComparison.Ordinal);
        Assert.Contains("RoutesPerTenantMax", refused.Message, StringComparison.Ordinal);
        Use(pools, "2", Loud);
        Use(pools, "4", Quiet);
        Use(pools, "5", Quiet);
        Assert.Equal(["4"], Disposed());
        busy[1].Dispose();
        Use(pools, "3", Loud);
        Assert.Equal(["2", "4"], Disposed());
    }

    [Fact]
    public void A_node_all_of_whose_pools_are_busy_says_so()
    {
        var pools = Pools(routesMax: 2, perTenantMax: 16);
        pools.Lease(Route("1"), Loud);
        pools.Lease(Route("2"), Loud);
        var refused = Assert.Throws<OutboundException>(() => pools.Lease(Route("3"), Quiet));
        Assert.Contains("This node has requests under way by 2 ways", refused.Message, StringComparison.Ordinal);
        Assert.Equal(2, _made.Count(handler => handler.Name != ""));
    }

    [Fact]
    public void A_refused_request_waits_for_the_node()
    {
        var failure = NetworkFailures.Describe(
            new HttpRequestException("outer", new OutboundException(OutboundFault.RouteLimit, "Too many.")), "a.example:80", 0, inBody: false, TimeSpan.FromSeconds(1));
        Assert.Equal((TransferCodes.HeldBack, "Too many.", "nodeLimit", true), (failure.Code, failure.Message, failure.WaitReason, failure.Retryable));
        Assert.Equal(TimeSpan.FromSeconds(2), failure.RetryAfter);
    }

    [Fact]
    public void A_user_that_a_client_gave_for_a_proxy_is_one_route_however_often_it_is_opened()
    {
        var secrets = TestSecrets.Read(
            ("gate:Kind", "proxy"), ("gate:Url", "http://proxy.example:3128"), ("anna:Kind", "basic"), ("anna:UserName", "anna"), ("anna:Password", "a"),
            ("bob:Kind", "basic"), ("bob:UserName", "bob"), ("bob:Password", "b"));
        using var clients = new OutboundClients(new EgressOptions(), new SystemNameResolver(), _world.Time, NullLogger<OutboundClients>.Instance, secrets);
        OutboundRoute anna = RouteBy(clients, "gate", "anna"), bob = RouteBy(clients, "gate", "bob");
        Assert.Equal(anna, RouteBy(clients, "gate", "anna"));
        Assert.Equal(anna.GetHashCode(), RouteBy(clients, "gate", "anna").GetHashCode());
        Assert.NotEqual(anna, bob);
        Assert.NotEqual(anna, RouteBy(clients, "gate"));
        Assert.Equal(RouteBy(clients, "gate"), RouteBy(clients, "gate"));
        Assert.Equal(("anna", "bob"), (anna.Proxy!.User!.UserName, bob.Proxy!.User!.UserName));
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
        using var answer = await clients.SendAsync(slow, RouteBy(clients, "a"), TenantId.Default, TestContext.Current.CancellationToken);
        using var other = new HttpRequestMessage(HttpMethod.Get, origin.Bytes("b", 10));
        using var second = await clients.SendAsync(other, RouteBy(clients, "b"), TenantId.Default, TestContext.Current.CancellationToken);
        Assert.Equal(1, clients.Routes);
        Assert.Equal(300_000, (await answer.Content.ReadAsByteArrayAsync(TestContext.Current.CancellationToken)).Length);
    }

    private static OutboundRoute RouteBy(OutboundClients clients, string proxy, string? user = null)
    {
        var home = new Uri("http://127.0.0.1/");
        var toProxy = user is null ? null : new CredentialRule { Host = "proxy.example:3128", Secret = user };
        Assert.True(clients.TryOpen(TenantId.Default, [], proxy, null, home, out var access, out _, toProxy: toProxy));
        return access.RouteTo(home);
    }

    private RouteInvokers Pools(int routesMax, int perTenantMax) =>
        _pools = new RouteInvokers(Make, _world.Time, new EgressOptions { RoutesMax = routesMax, RoutesPerTenantMax = perTenantMax, RouteIdleTimeout = TimeSpan.FromMinutes(10) });

    private HttpMessageInvoker Use(RouteInvokers pools, string name, TenantId? tenant = null)
    {
        using var lease = pools.Lease(Route(name), tenant ?? Quiet);
        return lease.Invoker;
    }

    private IEnumerable<string> Disposed() => _made.Where(handler => handler.IsDisposed).Select(handler => handler.Name).Order(StringComparer.Ordinal);

    private OutboundRoute Route(string name)
    {
        if (!_proxies.TryGetValue(name, out var proxy))
            _proxies[name] = proxy = new Secret.Proxy(name, new Uri("http://proxy.example"), null);
        return new OutboundRoute { Proxy = proxy };
    }

    private HttpMessageInvoker Make(OutboundRoute route)
    {
        var handler = new Recorded(route.Proxy?.Name ?? "");
        _made.Add(handler);
        return new HttpMessageInvoker(handler, disposeHandler: true);
    }

    private sealed class Recorded(string name) : HttpMessageHandler
    {
        public string Name { get; } = name;
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

using Backhaul.FaultOrigin.Tls;
using Backhaul.Node.Egress;
using Backhaul.Node.Transfers;
using Xunit;

namespace Backhaul.Node.Tests.Transfers.Access;

public sealed class ProxyTests : IDisposable
{
    private readonly string _authority = Path.GetTempFileName();

    public ProxyTests() => File.WriteAllText(_authority, OriginAuthority.Shared.Pem);

    public void Dispose() => File.Delete(_authority);

    [Fact]
    public async Task Plain_requests_name_their_whole_url_and_answer_the_proxy_once()
    {
        await using var proxy = new TestProxy { User = "gatekeeper:pass" };
        await using var bench = await StartAsync(proxy, "gatekeeper:pass");
        var url = bench.Origin.Bytes("a", 100);
        Assert.Equal("", Why(await bench.RunAsync(Order(bench, url))));
        Assert.Equal("", Why(await bench.RunAsync(Order(bench, url))));
        Assert.All(proxy.Requests, request => Assert.Equal($"GET {url} HTTP/1.1", request.Line));
        Assert.Equal(["", "Basic", "Basic"], proxy.Requests.Select(request => request.Authorization.Split(' ')[0]));
        Assert.All(bench.Origin.Requests, seen => Assert.DoesNotContain("Proxy-Authorization", seen.Headers.Keys, StringComparer.OrdinalIgnoreCase));
    }

    [Fact]
    public async Task Https_goes_through_a_tunnel_and_the_origin_sees_nothing_of_the_proxy()
    {
        await using var proxy = new TestProxy { User = "gatekeeper:pass" };
        await using var bench = await StartAsync(proxy, "gatekeeper:pass");
        Assert.IsType<AttemptOutcome.Finished>(await bench.RunAsync(Order(bench, bench.Origin.SecureBytes("a", 100))));
        Assert.IsType<AttemptOutcome.Finished>(await bench.RunAsync(Order(bench, bench.Origin.SecureBytes("a", 100, face: TlsFace.Http1))));
        Assert.Equal(
            [$"CONNECT 127.0.0.1:{bench.Origin.TlsPort} HTTP/1.1", $"CONNECT 127.0.0.1:{bench.Origin.TlsPort} HTTP/1.1", $"CONNECT 127.0.0.8:{bench.Origin.TlsPort} HTTP/1.1"],
            proxy.Requests.Select(request => request.Line));
        Assert.Equal(["", "Basic", "Basic"], proxy.Requests.Select(request => request.Authorization.Split(' ')[0]));
        Assert.All(bench.Origin.Requests, seen => Assert.DoesNotContain("Proxy-Authorization", seen.Headers.Keys, StringComparer.OrdinalIgnoreCase));
    }

    [Theory]
    [InlineData(true, null)]
    [InlineData(false, null)]
    [InlineData(true, "gatekeeper:wrong")]
    [InlineData(false, "gatekeeper:wrong")]
    public async Task A_proxy_without_its_credential_is_a_challenge(bool secure, string? user)
    {
        await using var proxy = new TestProxy { User = "gatekeeper:pass" };
        await using var bench = await StartAsync(proxy, user);
        var failed = Assert.IsType<AttemptOutcome.Failed>(await bench.RunAsync(Order(bench, secure ? bench.Origin.SecureBytes("a", 1) : bench.Origin.Bytes("a", 1))));
        Assert.Equal(
            new AttemptChallenge { Scheme = "basic", Realm = "the gate", Host = "127.0.0.1", Port = proxy.Port, IsProxy = true, WasRefused = user is not null },
            failed.Failure.Challenge);
        Assert.Equal(user is null ? 1 : 2, proxy.Requests.Count);
        Assert.Empty(bench.Origin.Requests);
    }

    [Theory]
    [InlineData("HTTP/1.1 403 No\r\n\r\n", "403")]
    [InlineData("HTTP/1.1 502 Bad\r\nContent-Length: 0\r\n\r\n", "502")]
    [InlineData("HTTP/1.1 200 OK\r\n\r\nsurplus", "before the tunnel")]
    [InlineData("SSH-2.0-server\r\n\r\n", "not HTTP")]
    [InlineData("HTTP/1.1 2", "ends in its head")]
    [InlineData("", "ends in its head")]
    public async Task A_proxy_that_makes_no_tunnel_is_said_to_be_the_cause(string answer, string expected)
    {
        await using var proxy = new TestProxy { Answer = answer };
        await using var bench = await StartAsync(proxy);
        var failed = Assert.IsType<AttemptOutcome.Failed>(await bench.RunAsync(Order(bench, bench.Origin.SecureBytes("a", 1))));
        Assert.Equal((TransferCodes.ProxyFailed, true), (failed.Failure.Code, failed.Failure.Retryable));
        Assert.Contains(expected, failed.Failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_head_without_end_is_bounded()
    {
        await using var proxy = new TestProxy { Answer = "HTTP/1.1 200 OK\r\nX: " + new string('x', 100_000) };
        await using var bench = await StartAsync(proxy);
        var failed = Assert.IsType<AttemptOutcome.Failed>(await bench.RunAsync(Order(bench, bench.Origin.SecureBytes("a", 1))));
        Assert.Contains("too large", failed.Failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_dead_proxy_is_named()
    {
        var proxy = new TestProxy();
        await using var bench = await StartAsync(proxy);
        await proxy.DisposeAsync();
        foreach (var url in new[] { bench.Origin.SecureBytes("a", 1), bench.Origin.Bytes("a", 1) })
        {
            var failed = Assert.IsType<AttemptOutcome.Failed>(await bench.RunAsync(Order(bench, url)));
            Assert.Equal(TransferCodes.ProxyFailed, failed.Failure.Code);
        }
        Assert.Empty(bench.Origin.Requests);
    }

    [Theory]
    [InlineData("http://10.0.0.1/")]
    [InlineData("https://10.0.0.1/")]
    [InlineData("http://[::ffff:10.0.0.1]/")]
    [InlineData("http://0x7f.1/")]
    [InlineData("http://169.254.169.254/latest")]
    [InlineData("http://metadata.google.internal/")]
    [InlineData("http://metadata.google.internal./")]
    [InlineData("https://localhost/")]
    [InlineData("http://db.localhost/")]
    [InlineData("http://8.8.8.8:22/")]
    public async Task What_a_name_itself_says_is_refused_behind_a_proxy_too(string url)
    {
        await using var proxy = new TestProxy();
        await using var bench = await StartAsync(proxy, egress: new EgressOptions());
        var failed = Assert.IsType<AttemptOutcome.Failed>(await bench.RunAsync(Order(bench, url)));
        Assert.Equal(TransferCodes.AddressRefused, failed.Failure.Code);
        Assert.Empty(proxy.Requests);
    }

    [Fact]
    public async Task The_proxy_resolves_names_and_its_own_address_needs_no_exception()
    {
        await using var proxy = new TestProxy();
        await using var bench = await StartAsync(proxy, egress: new EgressOptions());
        Assert.IsType<AttemptOutcome.Finished>(await bench.RunAsync(Order(bench, $"http://nowhere.example:{bench.Origin.Port}/bytes/a/10")));
        Assert.Equal($"GET http://nowhere.example:{bench.Origin.Port}/bytes/a/10 HTTP/1.1", Assert.Single(proxy.Requests).Line);
    }

    [Theory]
    [InlineData("169.254.169.254", false)]
    [InlineData("fd00:ec2::254", false)]
    [InlineData("10.0.0.1", true)]
    [InlineData("127.0.0.1", true)]
    public void A_proxy_may_be_private_but_never_a_metadata_address(string address, bool allowed) =>
        Assert.Equal(allowed, AddressPolicy.CheckProxy("proxy", [System.Net.IPAddress.Parse(address)]).Allowed);

    private async Task<AttemptBench> StartAsync(TestProxy proxy, string? user = null, EgressOptions? egress = null) => await AttemptBench.StartAsync(
        egress: (egress ?? new EgressOptions { Allow = ["127.0.0.0/8", "localhost"] }) with { TrustedCertificates = _authority },
        secrets: TestSecrets.OfProxy(proxy.Port, user), tls: true);

    private static string Why(AttemptOutcome outcome) => outcome is AttemptOutcome.Failed failed ? $"{failed.Failure.Code}: {failed.Failure.Message}" : "";

    private static AttemptOrder Order(AttemptBench bench, string url) => bench.Download(url) with { Access = new AccessReferences { Proxy = "gate" } };
}

using System.Net;
using System.Security.Cryptography;
using System.Text;
using Backhaul.Node.Security;
using Backhaul.Protocol;
using Microsoft.AspNetCore.Http;
using Xunit;

namespace Backhaul.Node.Tests.Security;

public sealed class AuthenticatorTests
{
    private static readonly SecurityOptions Keys = new()
    {
        Keys =
        [
            new KeyOptions { Sha256 = HashOf("key-of-a"), Tenant = "a" },
            new KeyOptions { Sha256 = HashOf("key-of-b").ToUpperInvariant(), Tenant = "b", Role = CallerRole.Admin },
            new KeyOptions { Sha256 = HashOf("key-of-ops"), Role = CallerRole.Operator },
        ],
    };

    [Theory]
    [InlineData("Bearer key-of-a", "a")]
    [InlineData("bearer  key-of-a ", "a")]
    [InlineData("Bearer key-of-b", "b")]
    public void The_tenant_follows_from_the_key(string header, string tenant)
    {
        var context = Request(header);
        Assert.Null(new Authenticator(new KeyRing(Keys)).Admit(context));
        Assert.Equal(TenantId.Parse(tenant), Caller.Tenant(context));
    }

    [Theory]
    [InlineData(null, 401, "unauthenticated")]
    [InlineData("", 401, "unauthenticated")]
    [InlineData("Basic a2V5", 401, "unauthenticated")]
    [InlineData("Bearer", 401, "unauthenticated")]
    [InlineData("Bearer key-of-c", 401, "unauthenticated")]
    [InlineData("Bearer key-of-a x", 401, "unauthenticated")]
    [InlineData("Bearer key-of-ops", 403, "forbidden")]
    public void Whoever_has_no_key_for_this_edge_is_refused(string? header, int status, string code)
    {
        var context = Request(header);
        context.Connection.RemoteIpAddress = IPAddress.Loopback; // being local does not replace a key
        var problem = new Authenticator(new KeyRing(Keys)).Admit(context);
        Assert.Equal((status, code), (problem?.Status, problem?.Code));
        Assert.Throws<InvalidOperationException>(() => Caller.Tenant(context));
    }

    [Theory]
    [InlineData("127.0.0.1", "localhost:5080", null)]
    [InlineData("127.0.0.2", "127.0.0.1:5080", null)]
    [InlineData("::1", "[::1]:5080", null)]
    [InlineData("::ffff:127.0.0.1", "api.localhost", null)]
    [InlineData("127.0.0.1", "localhost:5080", "http://localhost:5080")]
    public void Without_keys_this_machine_is_served(string remote, string host, string? origin)
    {
        var context = Local(remote, host, origin);
        Assert.Null(new Authenticator(new KeyRing(new SecurityOptions())).Admit(context));
        Assert.Equal(TenantId.Default, Caller.Tenant(context));
    }

    [Theory]
    [InlineData("10.0.0.7", "localhost:5080", null)]
    [InlineData("2001:db8::1", "localhost:5080", null)]
    [InlineData("127.0.0.1", "rebound.example:5080", null)]
    [InlineData("127.0.0.1", "localhost.example:5080", null)]
    [InlineData("127.0.0.1", "localhost:5080", "https://evil.example")]
    [InlineData("127.0.0.1", "localhost:5080", "http://localhost:3000")]
    [InlineData("127.0.0.1", "localhost:5080", "null")]
    public void Without_keys_nobody_else_is(string remote, string host, string? origin) =>
        Assert.Equal(403, new Authenticator(new KeyRing(new SecurityOptions())).Admit(Local(remote, host, origin))?.Status);

    [Fact]
    public void Faults_of_keys_are_told_by_name()
    {
        Assert.Empty(Keys.Faults());
        var wrong = new SecurityOptions
        {
            Keys = [new KeyOptions { Sha256 = "key-of-a" }, new KeyOptions { Sha256 = HashOf("x"), Tenant = "a b" }, new KeyOptions { Sha256 = HashOf("x"), Role = (CallerRole)9 }],
        };
        var faults = wrong.Faults().ToList();
        Assert.Equal(4, faults.Count);
        Assert.Contains("Keys:0:Sha256", faults[0], StringComparison.Ordinal);
        Assert.Contains("Keys:1:Tenant", faults[1], StringComparison.Ordinal);
        Assert.Contains("Keys:2:Role", faults[2], StringComparison.Ordinal);
        Assert.Contains("twice", faults[3], StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("http://127.0.0.1:5080", true)]
    [InlineData("http://localhost:5080", true)]
    [InlineData("http://[::1]:0", true)]
    [InlineData("https://127.9.9.9", true)]
    [InlineData("http://0.0.0.0:5080", false)]
    [InlineData("http://[::]:5080", false)]
    [InlineData("http://*:5080", false)]
    [InlineData("http://+:80", false)]
    [InlineData("http://node.example:5080", false)]
    [InlineData("http://10.1.2.3", false)]
    public void An_address_is_known_to_be_of_this_machine_or_not(string text, bool loopback)
    {
        var address = Assert.Single(ListenAddress.ParseList(text, out var fault));
        Assert.Null(fault);
        Assert.Equal(loopback, address.IsLoopback);
    }

    [Theory]
    [InlineData("")]
    [InlineData(";")]
    [InlineData("5080")]
    [InlineData("localhost:5080")]
    [InlineData("ftp://localhost")]
    [InlineData("http://localhost:5080/base")]
    [InlineData("http://localhost:5080;nonsense")]
    public void What_is_no_address_is_a_fault(string text)
    {
        Assert.Empty(ListenAddress.ParseList(text, out var fault));
        Assert.NotNull(fault);
    }

    private static string HashOf(string key) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(key)));

    private static DefaultHttpContext Request(string? authorization)
    {
        var context = new DefaultHttpContext();
        if (authorization is not null)
            context.Request.Headers.Authorization = authorization;
        return context;
    }

    private static DefaultHttpContext Local(string remote, string host, string? origin)
    {
        var context = new DefaultHttpContext();
        context.Connection.RemoteIpAddress = IPAddress.Parse(remote);
        context.Request.Host = new HostString(host);
        if (origin is not null)
            context.Request.Headers.Origin = origin;
        return context;
    }
}

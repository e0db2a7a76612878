using System.Security.Cryptography;
using System.Text;
using Backhaul.Node.Security;
using Backhaul.Node.Tests.Api;
using Xunit;

namespace Backhaul.Node.Tests.Security;

public sealed class KeyedEdgeTests
{
    [Fact]
    public async Task A_keyed_edge_asks_everything_but_health_and_description_for_a_key()
    {
        var hash = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes("k1")));
        await using var host = await EdgeHost.StartAsync(new SecurityOptions { Keys = [new KeyOptions { Sha256 = hash, Tenant = "acme" }] });
        string[] paths = ["/v1/sessions", "/v1/sessions/a", "/v1/sessions/a/tasks", "/v1/sessions/a/events", "/v1/files/default/x", "/nowhere"];
        foreach (var path in paths)
        {
            var answer = await host.SendAsync("GET", path);
            Assert.Equal((401, "unauthenticated", "Bearer realm=\"backhaul\""), (answer.Status, answer.Code, answer.Header("WWW-Authenticate")));
        }
        Assert.Equal(401, (await host.SendAsync("PUT", "/v1/sessions/a", "not even json", headers: ("Authorization", "Bearer k2"))).Status);
        Assert.Empty(host.Router.Calls);

        Assert.Equal(200, (await host.SendAsync("GET", "/health/live")).Status);
        Assert.Equal(200, (await host.SendAsync("GET", "/openapi/v1.json")).Status);
        Assert.Equal(201, (await host.SendAsync("PUT", "/v1/sessions/a", headers: ("Authorization", "Bearer k1"))).Status);
        Assert.Equal("acme/a", Assert.Single(host.Router.Calls).Session.ToString());
    }
}

using System.Net;
using Backhaul.FaultOrigin;
using Backhaul.Node.Egress;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace Backhaul.Node.Tests.Egress;

public sealed class OutboundClientsTests
{
    [Fact]
    public async Task A_refused_address_is_never_connected_to()
    {
        await using var origin = await ScriptedOrigin.StartAsync();
        using var clients = Clients(new EgressOptions(), "8.8.8.8");
        using var request = new HttpRequestMessage(HttpMethod.Get, origin.Bytes("a", 1));
        var refused = await Assert.ThrowsAsync<HttpRequestException>(() => clients.SendAsync(request, TestContext.Current.CancellationToken));
        Assert.Equal(OutboundFault.AddressRefused, OutboundException.Find(refused)!.Fault);
        Assert.Equal(0, origin.Connections);
    }

    [Fact]
    public async Task Every_answer_of_a_name_is_checked_before_any_is_connected_to()
    {
        await using var origin = await ScriptedOrigin.StartAsync();
        using var clients = Clients(new EgressOptions { Allow = ["127.0.0.0/8"] }, "127.0.0.1", "10.0.0.1");
        using var request = new HttpRequestMessage(HttpMethod.Get, $"http://two.example:{origin.Port}/bytes/a/1");
        var refused = await Assert.ThrowsAsync<HttpRequestException>(() => clients.SendAsync(request, TestContext.Current.CancellationToken));
        Assert.Equal(OutboundFault.AddressRefused, OutboundException.Find(refused)!.Fault);
        Assert.Equal(0, origin.Connections);
    }

    [Fact]
    public async Task The_checked_address_is_connected_to_and_the_name_is_asked_once()
    {
        await using var origin = await ScriptedOrigin.StartAsync();
        var names = new FixedNames("127.0.0.1");
        using var clients = new OutboundClients(new EgressOptions { Allow = ["one.example"] }, names, TimeProvider.System, NullLogger<OutboundClients>.Instance);
        using var request = new HttpRequestMessage(HttpMethod.Get, $"http://one.example:{origin.Port}/bytes/a/1");
        using var response = await clients.SendAsync(request, TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        Assert.Equal(1, names.Asked);
    }

    [Fact]
    public async Task A_dead_address_is_followed_by_the_next()
    {
        await using var origin = await ScriptedOrigin.StartAsync();
        // Nothing listens on the second loopback address at this port.
        using var clients = Clients(new EgressOptions { Allow = ["two.example"] }, "127.0.0.2", "127.0.0.1");
        using var request = new HttpRequestMessage(HttpMethod.Get, $"http://two.example:{origin.Port}/bytes/a/1");
        using var response = await clients.SendAsync(request, TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
    }

    [Fact]
    public async Task Nothing_is_followed_stored_or_unpacked_behind_the_callers_back()
    {
        await using var origin = await ScriptedOrigin.StartAsync();
        using var clients = Clients(new EgressOptions { Allow = ["127.0.0.1"] });
        using var redirect = new HttpRequestMessage(HttpMethod.Get, origin.Bytes("a", 1, "redirect=/elsewhere"));
        using var response = await clients.SendAsync(redirect, TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.Redirect, response.StatusCode);
        var seen = Assert.Single(origin.Requests);
        Assert.DoesNotContain("traceparent", seen.Headers.Keys, StringComparer.OrdinalIgnoreCase);
        Assert.DoesNotContain("Accept-Encoding", seen.Headers.Keys, StringComparer.OrdinalIgnoreCase);
    }

    [Fact]
    public void One_place_makes_handlers_for_origins_and_one_for_peers()
    {
        var folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "Cluster.sln")))
            folder = Path.GetDirectoryName(folder) ?? throw new InvalidOperationException("The tests do not run inside the repository.");
        var makers = Directory.EnumerateFiles(Path.Combine(folder, "src", "Node"), "*.cs", SearchOption.AllDirectories)
            .Where(file => !file.Contains("/obj/", StringComparison.Ordinal) && !file.Contains("/bin/", StringComparison.Ordinal))
            .Where(file => File.ReadAllText(file) is var text
                && (text.Contains("SocketsHttpHandler ", StringComparison.Ordinal) || text.Contains("new HttpClient", StringComparison.Ordinal)))
            .Select(Path.GetFileName).Order(StringComparer.Ordinal);
        Assert.Equal(["OutboundClients.cs", "PeerClients.cs"], makers); // origins, and the nodes of the cluster
    }

    private static OutboundClients Clients(EgressOptions options, params string[] addresses) =>
        new(options, new FixedNames(addresses), TimeProvider.System, NullLogger<OutboundClients>.Instance);

    private sealed class FixedNames(params string[] addresses) : INameResolver
    {
        public int Asked { get; private set; }

        public ValueTask<IReadOnlyList<IPAddress>> ResolveAsync(string host, CancellationToken stop)
        {
            Asked++;
            return new([.. addresses.Select(IPAddress.Parse)]);
        }
    }
}

using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Backhaul.Client;
using Backhaul.FaultOrigin;
using Backhaul.FaultOrigin.Tls;

// They wait far more than they compute.
[assembly: CollectionBehavior(MaxParallelThreads = 12)]
[assembly: AssemblyFixture(typeof(Backhaul.Features.Tests.FeatureWorld))]

namespace Backhaul.Features.Tests;

/// <summary>
/// What all tests share: one embedded node, a cluster of three, an origin, a receiver of webhooks and a proxy. Nothing here belongs to one test, so
/// no test may stop a node or change what holds for all of it; each has sessions, an address of the origin and a path of the receiver of its own.
/// </summary>
public sealed class FeatureWorld : IAsyncLifetime
{
    private readonly HttpClient _http = new(new SocketsHttpHandler { UseProxy = false }) { Timeout = TimeSpan.FromSeconds(90) };
    private readonly Dictionary<(bool IsCluster, string Key), IReadOnlyList<BackhaulClient>> _clients = [];
    private readonly string _folder = Directory.CreateTempSubdirectory("backhaul-features-").FullName;
    private NodeSet _embedded = null!;
    private NodeSet _cluster = null!;
    private int _scenes;

    internal ScriptedOrigin Origin { get; private set; } = null!;

    internal Receiver Receiver { get; private set; } = null!;

    internal ForwardProxy Proxy { get; private set; } = null!;

    public async ValueTask InitializeAsync()
    {
        File.SetUnixFileMode(_folder, (UnixFileMode)0b111_101_101);
        Origin = await ScriptedOrigin.StartAsync(tlsPort: 0);
        Receiver = await Receiver.StartAsync();
        Proxy = ForwardProxy.Start();
        var authority = Path.Combine(_folder, "authority.pem");
        await File.WriteAllTextAsync(authority, OriginAuthority.Shared.Pem);
        var settings = WorldSettings.Of(authority, Proxy.Port);
        var embedded = NodeSet.StartEmbeddedAsync(settings);
        var cluster = NodeSet.StartClusterAsync(settings);
        (_embedded, _cluster) = (await embedded, await cluster);
        await Task.WhenAll(DeclareNetworkAsync(_embedded), DeclareNetworkAsync(_cluster));
        foreach (var (set, isCluster) in new[] { (_embedded, false), (_cluster, true) })
        {
            foreach (var key in new[] { WorldSettings.Key, WorldSettings.OtherTenantsKey })
                _clients[(isCluster, key)] = [.. set.Urls.Select(url => new BackhaulClient(url, key))];
        }
    }

    /// <summary>A place for one test: identifiers, an origin and hooks that nobody else has.</summary>
    internal Scene Begin(Way way)
    {
        var number = Interlocked.Increment(ref _scenes);
        return new Scene(this, way, number);
    }

    internal ICaller Caller(Way way, bool ofOtherTenant = false)
    {
        var key = ofOtherTenant ? WorldSettings.OtherTenantsKey : WorldSettings.Key;
        var isCluster = way is Way.ClusterHttp or Way.ClusterSdk;
        return way is Way.EmbeddedHttp or Way.ClusterHttp
            ? new HttpCaller(_http, Set(way).Urls, key)
            : new SdkCaller(_clients[(isCluster, key)]);
    }

    /// <summary>What an operator does, as <c>pbm</c> does it.</summary>
    internal Task OperateAsync(Way way, params string[] words) => OperateAsync(Set(way), words);

    internal NodeSet Set(Way way) => way is Way.ClusterHttp or Way.ClusterSdk ? _cluster : _embedded;

    public async ValueTask DisposeAsync()
    {
        foreach (var client in _clients.Values.SelectMany(some => some))
            client.Dispose();
        _http.Dispose();
        if (_embedded is not null)
            await _embedded.DisposeAsync();
        if (_cluster is not null)
            await _cluster.DisposeAsync();
        Proxy.Dispose();
        await Receiver.DisposeAsync();
        await Origin.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    private async Task OperateAsync(NodeSet set, params string[] words)
    {
        using var response = await _http.PostAsJsonAsync($"http://{set.Nodes[0].OpsAddress}/pbm/execute", new { words, confirmed = true });
        var said = await response.Content.ReadAsStringAsync();
        Assert.True(JsonNode.Parse(said.TrimEnd().Split('\n')[^1])!["exit"]?.GetValue<int>() == 0, said);
    }

    /// <summary>
    /// For all tests alike: bytes cost something, the network is cellular, and bytes are to be spared. Whoever permits what a session permits by default
    /// runs all the same.
    /// </summary>
    private Task DeclareNetworkAsync(NodeSet set) =>
        OperateAsync(set, "network", "set", "--cost", "metered", "--cellular", "--constrained", "--reason", "all tests");
}

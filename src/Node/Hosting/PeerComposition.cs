using Backhaul.Node.Actors;
using Backhaul.Node.Routing;
using Backhaul.Node.Routing.Peers;
using Backhaul.Node.Sharding;

namespace Backhaul.Node.Hosting;

/// <summary>
/// The ways between the nodes of a cluster; a node alone has none of them, and its router keeps to itself. Called before the life of the
/// node is composed, because the nodes' edge must listen before this node joins, and stop after it has left.
/// </summary>
internal static class PeerComposition
{
    /// <param name="services">Has the shards and <see cref="Sharding.Membership.IClusterViews"/>.</param>
    /// <param name="options">With a Url.</param>
    /// <param name="secret">The cluster's; empty until the store was opened.</param>
    public static void AddPeers(this IServiceCollection services, PeerOptions options, Func<IServiceProvider, ReadOnlyMemory<byte>> secret)
    {
        services.AddSingleton(options);
        services.AddSingleton(s => new PeerIdentity(s.GetRequiredService<NodeShards>().Node, () => secret(s)));
        services.AddSingleton<OwnerDirectory>();
        services.AddSingleton<PeerClients>();
        services.AddSingleton<IPeers, CommandForwarder>();
        services.AddSingleton(s => new PeerRoutes(s.GetRequiredService<NodeShards>().Node, s.GetRequiredService<OwnerDirectory>(), s.GetRequiredService<IPeers>(), s.GetRequiredService<IIdSource>()));
        services.AddSingleton(s => new IncomingCommands(s.GetRequiredService<LocalCommands>(), s.GetRequiredService<OwnerDirectory>(), s.GetRequiredService<NodeShards>().Node));
        services.AddSingleton<PeerAdmission>();
        services.AddSingleton<PeerEndpoints>();
        services.AddSingleton<FeedEndpoint>();
        services.AddSingleton<FeedRelays>();
        services.AddHostedService(s => s.GetRequiredService<FeedRelays>());
        services.AddSingleton<NodeEdge>();
        services.AddHostedService(s => s.GetRequiredService<NodeEdge>());
    }
}

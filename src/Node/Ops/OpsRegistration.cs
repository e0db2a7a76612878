using Backhaul.Node.Actors;
using Backhaul.Node.Ops.Palettes;
using Backhaul.Node.Sharding;
using Backhaul.Node.Sharding.Membership;
using Backhaul.Node.Transfers.Origins;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Backhaul.Node.Ops;

/// <summary>
/// How the operator's edge gets into the host. Hosting registers what it looks at (readiness, router, store, kernel, keys, time) and
/// calls AddOps before anything that loads sessions, because hosted services start in order and stop in reverse: probes are answered
/// from the first moment to the last.
/// </summary>
internal static class OpsRegistration
{
    public static IServiceCollection AddOps(this IServiceCollection services, OpsOptions options, NodeFacts facts)
    {
        services.AddSingleton(options);
        services.AddSingleton(facts);
        services.AddSingleton(facts.Card);
        services.TryAddSingleton<IOperatorKeys, KeyRingOperators>();
        services.TryAddSingleton<INodeDrain, HostDrain>();
        services.TryAddSingleton<DescribeActors>(static s => s.GetRequiredService<ActorSystem>().Describe);
        services.AddSingleton(s => new AuditLog(facts.DataDirectory, s.GetRequiredService<TimeProvider>()));
        services.AddSingleton<SessionAsk>();
        services.AddSingleton<EventTail>();
        services.AddSingleton<SessionHistoryCommand>();
        services.AddSingleton(static s => new ClusterPicture(s.GetRequiredService<NodeShards>(), s.GetRequiredService<NodeFacts>(), s.GetService<IClusterViews>(), s.GetRequiredService<ShardingOptions>().TakeoversMax));
        services.AddSingleton<QuarantineCommands>();
        services.AddSingleton<IPalette>(static s => new ClusterPalette(
            s.GetRequiredService<ClusterPicture>(), s.GetRequiredService<INodeDrain>(), s.GetService<IClusterStore>(), s.GetRequiredService<OpsOptions>(), s.GetRequiredService<TimeProvider>()));
        services.AddSingleton<IPalette>(static s => new ClusterShardingPalette(
            s.GetRequiredService<ClusterPicture>(), s.GetService<IClusterStore>(),
            s.GetService<GiveShard>() ?? (s.GetService<IOwnership>() is ClusterOwnership shared ? shared.GiveAsync : null), s.GetRequiredService<TimeProvider>()));
        services.AddSingleton<IPalette, SessionPalette>();
        services.AddSingleton<IPalette, TaskPalette>();
        services.AddSingleton<IPalette, GroupPalette>();
        services.AddSingleton<WebhookList>();
        services.AddSingleton<IPalette, WebhookPalette>();
        services.AddSingleton<IPalette>(static s => new OriginPalette(s.GetRequiredService<OriginDeals>(), s.GetRequiredService<Governor>().Gates, s.GetRequiredService<TimeProvider>()));
        services.AddSingleton<IPalette, NetworkPalette>();
        services.AddSingleton<IPalette, ActorPalette>();
        services.AddSingleton<IPalette, ContainerPalette>();
        services.AddSingleton<IPalette, SystemPalette>();
        services.AddSingleton<IPalette, LogPalette>();
        services.AddSingleton<PaletteExecutor>();
        services.AddSingleton<OpsEndpoints>();
        services.AddSingleton<OpsEdge>();
        services.AddHostedService(static s => s.GetRequiredService<OpsEdge>());
        return services;
    }

    /// <summary>The routes of the operator's server, and of no other.</summary>
    public static void MapOps(this IEndpointRouteBuilder routes, OpsEndpoints endpoints)
    {
        routes.MapGet("/pbm/palettes", endpoints.PalettesAsync);
        routes.MapPost("/pbm/execute", endpoints.ExecuteAsync);
        routes.MapGet("/metrics", endpoints.MetricsAsync);
        routes.MapGet("/health/live", endpoints.LiveAsync);
        routes.MapGet("/health/ready", endpoints.ReadyAsync);
    }
}

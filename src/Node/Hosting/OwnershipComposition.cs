using System.Reflection;
using Backhaul.Node.Actors;
using Backhaul.Node.Journal;
using Backhaul.Node.Journal.Postgres;
using Backhaul.Node.Journal.Sqlite;
using Backhaul.Node.Security;
using Backhaul.Node.Sharding;
using Backhaul.Node.Sharding.Membership;

namespace Backhaul.Node.Hosting;

/// <summary>The two kinds of node: one alone over its own file, or one of several over PostgreSQL. Everything else is the same for both.</summary>
internal static class OwnershipComposition
{
    public static void AddEmbedded(this IServiceCollection services, NodeSettings settings)
    {
        services.AddSingleton(s => new SqliteJournalStore(
            settings.DataDirectory, settings.Sqlite, s.GetRequiredService<TimeProvider>(), s.GetRequiredService<ILogger<SqliteJournalStore>>()));
        services.AddSingleton<IJournalStore>(s => s.GetRequiredService<SqliteJournalStore>());
        services.AddSingleton<IEmbeddedStore>(s => s.GetRequiredService<SqliteJournalStore>());
        services.AddSingleton<IOriginStore>(s => s.GetRequiredService<SqliteJournalStore>());
        services.AddSingleton<INodeTrust, AlwaysTrusted>();
        services.AddSingleton(s => new NodeShards(
            s.GetRequiredService<ActorSystem>(), s.GetRequiredService<IJournalStore>(), s.GetRequiredService<SessionFactory>(), s.GetRequiredService<INodeTrust>(),
            NewIncarnation(s), settings.Sharding, s.GetRequiredService<ILoggerFactory>()));
        services.AddSingleton<IOwnership>(s => new EmbeddedOwnership(
            s.GetRequiredService<NodeShards>(), s.GetRequiredService<IEmbeddedStore>(), s.GetRequiredService<INodeExit>(), settings.Sharding,
            s.GetRequiredService<TimeProvider>(), s.GetRequiredService<ILoggerFactory>()));
        services.AddSingleton(s => new LifeProbe(s.GetRequiredService<ActorSystem>().Scheduler, null, s.GetRequiredService<TimeProvider>()));
    }

    public static void AddCluster(this IServiceCollection services, NodeSettings settings)
    {
        var name = settings.Peers.Name is { Length: > 0 } given ? given : Environment.MachineName;
        services.AddSingleton(s => new PostgresDatabase(
            settings.Store.ConnectionString!, settings.Postgres, name, s.GetRequiredService<ILogger<PostgresDatabase>>()));
        services.AddSingleton<IJournalStore, PostgresJournalStore>();
        services.AddSingleton<PostgresClusterStore>();
        services.AddSingleton<IOriginStore, PostgresOriginStore>();
        services.AddSingleton<IClusterStore>(s => s.GetRequiredService<PostgresClusterStore>());
        services.AddSingleton<IClusterSignals>(s => s.GetRequiredService<PostgresClusterStore>());
        services.AddSingleton<ILeaseStore, PostgresLeaseStore>();
        services.AddSingleton<LeaseThread>();
        services.AddSingleton(s => new ClusterNode(new ClusterNodeParts
        {
            Node = NewIncarnation(s),
            Identity = new NodeIdentity(name, settings.Peers.Url!, Build),
            Founding = new ClusterFounding(settings.Cluster.Name, settings.Cluster.ShardCount, TimeSpan.FromMilliseconds(settings.Cluster.LeaseMs)),
            Options = settings.Sharding,
            Ladder = new TimeLadder { AppendStatement = settings.Postgres.AppendTimeout, ClaimWait = settings.Postgres.ClaimLockTimeout },
            System = s.GetRequiredService<ActorSystem>(),
            Journal = s.GetRequiredService<IJournalStore>(),
            Store = s.GetRequiredService<IClusterStore>(),
            LeaseStore = s.GetRequiredService<ILeaseStore>(),
            Signals = s.GetRequiredService<IClusterSignals>(),
            Exit = s.GetRequiredService<INodeExit>(),
            Sessions = s.GetRequiredService<SessionFactory>(),
            Loggers = s.GetRequiredService<ILoggerFactory>(),
            LeaseScheduler = s.GetRequiredService<LeaseThread>(),
            LeaseTime = s.GetRequiredService<LeaseThread>().Time,
            Admission = new SealingAgreement(
                s.GetRequiredService<IOriginStore>(), s.GetRequiredService<SecretBox>(), settings.Security.SecretKeysLost, s.GetRequiredService<ILogger<SealingAgreement>>()).AgreeAsync,
        }));
        services.AddSingleton(s => s.GetRequiredService<ClusterNode>().Shards);
        services.AddSingleton<INodeTrust>(s => s.GetRequiredService<ClusterNode>().Lease);
        services.AddSingleton<IClusterViews>(s => s.GetRequiredService<ClusterNode>().Views);
        services.AddSingleton(s => s.GetRequiredService<ClusterNode>().Ownership);
        services.AddSingleton<IOwnership>(s => s.GetRequiredService<ClusterOwnership>());
        services.AddSingleton(s => new LifeProbe(
            s.GetRequiredService<ActorSystem>().Scheduler, s.GetRequiredService<ClusterNode>().Lease, s.GetRequiredService<TimeProvider>()));
    }

    private static NodeId NewIncarnation(IServiceProvider s) => new(s.GetRequiredService<IIdSource>().Next());

    private static string Build =>
        typeof(OwnershipComposition).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "0";
}

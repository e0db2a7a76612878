using Backhaul.Node.Api;
using Backhaul.Node.Delivery;
using Backhaul.Node.Egress;
using Backhaul.Node.Files;
using Backhaul.Node.Journal;
using Backhaul.Node.Journal.Postgres;
using Backhaul.Node.Journal.Sqlite;
using Backhaul.Node.Ops;
using Backhaul.Node.Routing;
using Backhaul.Node.Routing.Peers;
using Backhaul.Node.Security;
using Backhaul.Node.Sharding;
using Backhaul.Node.Sweeping;
using Backhaul.Node.Transfers;
using Backhaul.Node.Transfers.Origins;
using SessionOptions = Backhaul.Node.Sessions.SessionOptions;

namespace Backhaul.Node.Hosting;

/// <summary>
/// Every option of the node, read and checked before anything is made. One record for each folder; the section's name is the
/// folder's. Made once by <see cref="Read"/>, which throws with all faults together, and with the data directory there and writable.
/// </summary>
internal sealed record NodeSettings
{
    /// <summary>Of the folders, below those that <see cref="NodeOptions"/> has itself.</summary>
    private static readonly string[] Sections =
    [
        "Api", "Containers", "Delivery", "Drain", "Egress", "Faults", "Files", "Journal", "Node", "Ops", "Origins", "Routing", "Secrets", "Security", "Sessions", "Sharding", "Sweeper", "Transfers",
    ];

    public required string DataDirectory { get; init; }
    public required StoreOptions Store { get; init; }
    public required ClusterOptions Cluster { get; init; }
    public required PostgresOptions Postgres { get; init; }
    public required SqliteOptions Sqlite { get; init; }
    public required JournalOptions Journal { get; init; }
    public required FilesOptions Files { get; init; }
    public required FaultOptions Faults { get; init; }
    public required ContainerTable Containers { get; init; }
    public required SecretTable Secrets { get; init; }

    /// <summary>For secrets that clients give inline; none in a cluster that was given none.</summary>
    public IReadOnlyList<byte[]> SecretKeys { get; init; } = [];
    public required EgressOptions Egress { get; init; }
    public required TransferOptions Transfers { get; init; }
    public required OriginOptions Origins { get; init; }
    public required DeliveryOptions Delivery { get; init; }
    public required SessionOptions Sessions { get; init; }
    public required ShardingOptions Sharding { get; init; }
    public required RoutingOptions Routing { get; init; }
    public required PeerOptions Peers { get; init; }
    public required SecurityOptions Security { get; init; }
    public required ApiOptions Api { get; init; }
    public required OpsOptions Ops { get; init; }
    public required SweeperOptions Sweeper { get; init; }
    public required DrainOptions Drain { get; init; }
    public required StartFacts StartFacts { get; init; }

    public static NodeSettings Read(IConfiguration configuration)
    {
        var reader = new OptionsReader(configuration);
        var node = reader.Read<NodeOptions>("Backhaul", options => options.Faults(), strict: false);
        reader.RefuseUnknown<NodeOptions>("Backhaul", Sections);
        reader.RefuseUnknown<StoreOptions>("Backhaul:Store", "Postgres");
        reader.RefuseUnknown<ClusterOptions>("Backhaul:Cluster");
        reader.RefuseUnknown<JournalOptions>("Backhaul:Journal", "Sqlite");
        var directory = Path.GetFullPath(string.IsNullOrWhiteSpace(node.DataDirectory) ? "data" : node.DataDirectory);
        var containers = ContainerTable.Read(configuration.GetSection("Backhaul:Containers"), directory, out var wrongContainers);
        foreach (var fault in wrongContainers)
            reader.Refuse(fault);
        var secrets = SecretTable.Read(configuration.GetSection(SecretTable.Section), out var wrongSecrets);
        foreach (var fault in wrongSecrets)
            reader.Refuse(fault);
        var security = reader.Read<SecurityOptions>("Backhaul:Security", options => options.Faults());
        ListenRules.Check(configuration, security, reader);
        var sharding = reader.Read<ShardingOptions>("Backhaul:Sharding", options => options.Faults()) with { ShardCount = node.Cluster.ShardCount };
        var peers = reader.Read<PeerOptions>("Backhaul:Node", options => options.Faults());
        if (node.Store.IsCluster)
            ClusterRules.Check(peers, containers, reader);
        var settings = new NodeSettings
        {
            DataDirectory = directory,
            Store = node.Store,
            Cluster = node.Cluster,
            Postgres = reader.Read<PostgresOptions>("Backhaul:Store:Postgres", options => options.Problems()),
            Sqlite = reader.Read<SqliteOptions>("Backhaul:Journal:Sqlite", options => options.Problems()),
            Journal = reader.Read<JournalOptions>("Backhaul:Journal", options => options.Problems(), strict: false), // Sqlite lies within
            Files = reader.Read<FilesOptions>("Backhaul:Files", options => options.Validate()),
            Faults = reader.Read<FaultOptions>("Backhaul:Faults", options => options.Validate()),
            Containers = containers,
            Secrets = secrets,
            Egress = reader.Read<EgressOptions>("Backhaul:Egress", options => options.Problems()),
            Transfers = reader.Read<TransferOptions>("Backhaul:Transfers", options => options.Problems()),
            Origins = reader.Read<OriginOptions>(OriginOptions.Section, options => options.Problems()),
            Delivery = reader.Read<DeliveryOptions>("Backhaul:Delivery", options => options.Validate()),
            Sessions = reader.Read<SessionOptions>("Backhaul:Sessions", options => options.Faults()),
            Sharding = sharding,
            Routing = reader.Read<RoutingOptions>("Backhaul:Routing", options => options.Faults()),
            Peers = peers,
            Security = security,
            Api = reader.Read<ApiOptions>("Backhaul:Api", options => options.Faults()),
            Ops = reader.Read<OpsOptions>("Backhaul:Ops", options => options.Faults()),
            Sweeper = reader.Read<SweeperOptions>("Backhaul:Sweeper", options => options.Faults()),
            Drain = reader.Read<DrainOptions>("Backhaul:Drain", options => options.Faults(sharding.Drain)),
            StartFacts = new StartFacts(configuration["Backhaul:Ops:Url"] ?? "http://127.0.0.1:9110", directory),
        };
        reader.ThrowIfFaulty();
        Hosting.DataDirectory.Prepare(directory);
        return settings with
        {
            SecretKeys = security.SecretKeys.Count > 0 || node.Store.IsCluster
                ? security.ReadSecretKeys()
                : [Hosting.DataDirectory.ReadSecretKey(directory)],
        };
    }
}

using Backhaul.Protocol;

namespace Backhaul.Node.Hosting;

/// <summary>What concerns the node as a whole. Bound from <c>Backhaul</c>; each folder has a section of its own below it.</summary>
internal sealed record NodeOptions
{
    /// <summary>The client edge when nothing else is configured: this machine only.</summary>
    public const string UrlsDefault = "http://127.0.0.1:5080";

    /// <summary>The embedded journal and the default container, under the current directory unless absolute.</summary>
    public string DataDirectory { get; init; } = "data";

    /// <summary>Options in files, one for each, its name the option's with __ for a colon: what a platform mounts secrets as.</summary>
    public string? SecretsDirectory { get; init; }

    public StoreOptions Store { get; init; } = new();

    public ClusterOptions Cluster { get; init; } = new();

    public IEnumerable<string> Faults()
    {
        if (string.IsNullOrWhiteSpace(DataDirectory))
            yield return "Backhaul:DataDirectory is empty; name a directory, or leave it out for ./data.";
        if (SecretsDirectory is { Length: > 0 } && !Directory.Exists(SecretsDirectory))
            yield return $"Backhaul:SecretsDirectory is {SecretsDirectory}, which is no directory. Mount the secrets there, or leave it out.";
        if (Store.Provider is not ("sqlite" or "postgres"))
            yield return $"Backhaul:Store:Provider is {Store.Provider}; it must be sqlite (one node) or postgres (a cluster).";
        if (Store.IsCluster && string.IsNullOrWhiteSpace(Store.ConnectionString))
            yield return "Backhaul:Store:Provider is postgres, so Backhaul:Store:ConnectionString must say where it is, such as Host=db;Database=backhaul;Username=backhaul;Password=….";
        if (string.IsNullOrWhiteSpace(Cluster.Name) || Cluster.Name.Length > 63)
            yield return "Backhaul:Cluster:Name must have 1 to 63 characters.";
        if (Cluster.ShardCount is < 1 or > 4096)
            yield return "Backhaul:Cluster:ShardCount must be from 1 to 4096.";
        if (Cluster.LeaseMs is < 5000 or > 600_000)
            yield return "Backhaul:Cluster:LeaseMs must be from 5000 to 600000.";
    }
}

/// <summary>Where the journal is.</summary>
internal sealed record StoreOptions
{
    public string Provider { get; init; } = "sqlite";

    /// <summary>Several nodes over one store.</summary>
    public bool IsCluster => Provider == "postgres";

    public string? ConnectionString { get; init; }
}

/// <summary>Written once, when the store is created; a store keeps what it was created with.</summary>
internal sealed record ClusterOptions
{
    /// <summary>A node joins no cluster of another name: two of them in one database would be a mistake.</summary>
    public string Name { get; init; } = "backhaul";

    public int ShardCount { get; init; } = ShardMap.ShardCountDefault;

    public int LeaseMs { get; init; } = 15_000;
}

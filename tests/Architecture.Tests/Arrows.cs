namespace Backhaul.Architecture.Tests;

/// <summary>
/// Who may use whom inside the node: the arrows of docs/architecture.md, one line for each folder. An entry is a folder, or one type of a
/// folder (<c>Folder.Type</c>) where only that one is meant; those exceptions carry their reason. Everything may use Protocol and Telemetry.
/// </summary>
internal static class Arrows
{
    /// <summary>Values that are written down in a session's events and cross to the engine as they are; they have no behaviour.</summary>
    private static readonly string[] SessionWords = ["Sessions.TaskKind", "Sessions.SourceChangePolicy", "Sessions.UploadProtocol"];

    /// <summary>How the engine names a task's files, part of the checkpoint that it journals: data of the order, not the engine.</summary>
    private static readonly string[] OrderWords = ["Transfers.TaskFiles", "Transfers.PartCheckpoint", "Transfers.FileIdentity"];

    /// <summary>The commit of a published file is a crash point too; the others are inside Files.</summary>
    private const string CrashPoint = "Files.ICrashPoints";

    /// <summary>Which bytes of a part are there, and which part a task left: values of checkpoints and ends, journaled as they are.</summary>
    private static readonly string[] RangeWords =
        ["Files.RangeSet", "Files.RangeSetConverter", "Files.KeptPart", "Files.ContainerNameConverter", "Files.TenantIdConverter"];

    /// <summary>The upload of an object that a checkpoint goes on with: journaled as well, but no command carries it.</summary>
    private static readonly string[] ObjectWords = ["Files.ObjectUpload", "Files.ObjectPart", "Files.ObjectPartConverter"];

    /// <summary>The options of a container say where its bucket is; the rest of the S3 folder is behind the ports.</summary>
    private static readonly string[] BucketWords = ["Files.S3.S3Bucket", "Files.S3.S3Section"];

    /// <summary>An upload to an object store speaks its protocol as a container does, and makes its signatures.</summary>
    private static readonly string[] StoreProtocol =
    [
        "Files.S3.S3Client", "Files.S3.S3Bucket", "Files.S3.S3Credentials", "Files.S3.S3Part", "Files.S3.S3Patience", "Files.S3.S3Reply",
        "Files.S3.S3Signature", "Files.S3.S3Xml", "Files.S3.PartPlan",
    ];

    /// <summary>The list of sessions is read from their head rows: no single session could answer it, so it goes past the router.</summary>
    private static readonly string[] HeadList = ["Journal.IJournalStore", "Journal.SessionHead", "Journal.SessionPage"];

    /// <summary>The list is read without a session in between that would turn a store's failure into an answer.</summary>
    private static readonly string[] HeadFailures = ["Journal.JournalStoreException", "Journal.StoreFailure"];

    /// <summary>How a command travels to a shard's mailbox, the jitter between two tries, and the keys by which the second one is known.</summary>
    private static readonly string[] MailboxWords = ["Actors.ActorRef", "Actors.Request", "Actors.IRandom", "Actors.IIdSource"];

    /// <summary>Which incarnation of a node a command is sent to.</summary>
    private const string Incarnation = "Journal.NodeId";

    /// <summary>The engine's own rule for headers, so that the edge refuses what the engine could not send.</summary>
    private const string HeaderRule = "Egress.RequestHeaders";

    /// <summary>Values of secrets end where connections are opened; everything above knows their names only.</summary>
    private static readonly string[] SecretValues = ["Security.Secret", "Security.SecretKind", "Security.SecretTable", "Security.SecretBox", "Security.GivenSecrets"];

    /// <summary>Requests are sealed above the engine: it opens an order when it is carried out.</summary>
    private const string Sealed = "Security.RequestBox";

    /// <summary>What a store of a cluster keeps, by the ports of Sharding that it implements.</summary>
    private static readonly string[] MembershipPorts =
    [
        "Sharding.IClusterStore", "Sharding.ILeaseStore", "Sharding.IClusterSignals", "Sharding.ClusterFacts", "Sharding.ClusterFounding",
        "Sharding.ClusterView", "Sharding.LeaseRenewal", "Sharding.Member", "Sharding.MemberState", "Sharding.ShardOwner",
    ];

    /// <summary>An upload in pieces gets its name at the edge, which puts it into the answer.</summary>
    private const string UploadNames = "Actors.IIdSource";

    /// <summary>Files whose retention ended are listed over sessions, by the shards that a node holds; no single session could answer that.</summary>
    private static readonly string[] ExpiryRows = ["Journal.ExpiredFile", "Journal.FileExpiry", "Journal.Destination", "Journal.ShardGrant"];

    /// <summary>Operators look at containers as they are, and have them swept; no session could answer that.</summary>
    private static readonly string[] ContainersThemselves =
    [
        "Files.ILeftovers", "Files.LeftoverKind", "Files.FileTally", "Files.ContainerUsage", "Files.ContainerFacts", "Sweeping",
    ];

    /// <summary>Operators look at the cluster and at shards as they are, and move them; no session could answer that.</summary>
    private static readonly string[] ShardsThemselves = ["Sharding", "Journal.NodeId"];

    /// <summary>A shard is what a transfer trusts.</summary>
    private const string Trust = "Transfers.ITrust";

    /// <summary>What nodes of a cluster know of origins together lies in the store, by a port of the journal; a store that is away is a case of its own.</summary>
    private static readonly string[] OriginFacts =
        ["Journal.IOriginStore", "Journal.OriginBook", "Journal.OriginRow", "Journal.NodeId", "Journal.JournalStoreException"];

    /// <summary>Operators see and limit origins themselves, and declare the network; no session could answer that.</summary>
    private static readonly string[] OriginsThemselves =
    [
        "Transfers.Governor", "Transfers.OriginGates", "Transfers.OriginState", "Transfers.OriginHold", "Transfers.OriginDeals", "Transfers.OriginRecord",
        "Transfers.OriginHolder", "Transfers.OriginLimits", "Transfers.OriginName",
        "Transfers.NetworkBook", "Transfers.NetworkRecord", "Transfers.NetworkState", "Transfers.NetworkCost", "Transfers.NodeConditions",
    ];

    /// <summary>By folder; a sub-namespace such as Journal.Sqlite has a line of its own where it may do less or more than its folder.</summary>
    public static readonly IReadOnlyDictionary<string, string[]> Allowed = new Dictionary<string, string[]>(StringComparer.Ordinal)
    {
        ["Actors"] = [],
        ["Telemetry"] = [],
        ["Security"] = [],
        ["Journal"] = ["Actors.IRandom"],
        ["Journal.Memory"] = ["Journal", .. MembershipPorts],
        ["Journal.Postgres"] = ["Journal", .. MembershipPorts],
        ["Journal.Sqlite"] = ["Journal"],
        ["Egress"] = [.. SecretValues, Sealed],
        ["Files"] = [.. OrderWords, "Actors.IIdSource", .. BucketWords],
        ["Files.S3"] = ["Files", "Egress", "Transfers.TaskFiles", "Transfers.PartCheckpoint", "Transfers.FileIdentity", "Actors.IRandom", "Actors.IIdSource"],
        ["Transfers"] = ["Egress", "Files", Sealed, "Transfers.Uploads.S3.S3Upload", .. SessionWords, .. OriginFacts],
        ["Transfers.Uploads.S3"] = ["Transfers", "Egress", "Files", "Sessions.UploadProtocol", .. StoreProtocol],
        ["Delivery"] = [],
        ["Delivery.Webhooks"] = ["Delivery", "Egress", "Transfers.RetryAfterRules", "Security.Secret", "Security.SecretTable", "Security.SecretBox", Sealed, "Security.WebhookKeys"],
        ["Sessions"] = ["Actors", "Journal", "Transfers", "Delivery", CrashPoint, "Files.ByteRange", "Files.KeepOutcome", .. RangeWords, .. ObjectWords],
        ["Sharding"] = ["Actors", "Journal", "Sessions", Trust],
        ["Routing"] = ["Sharding", "Sessions", Incarnation, .. MailboxWords, .. RangeWords],
        ["Routing.Peers"] = ["Routing", "Sessions", "Security", "Delivery", Incarnation, "Actors.IRandom"],
        ["Api"] = ["Routing", "Sessions", "Files", "Delivery", "Security", HeaderRule, "Actors.IRandom", UploadNames, .. HeadList, .. HeadFailures],
        ["Sweeping"] = ["Files", "Routing", "Sessions", "Actors.IRandom", .. HeadList, "Journal.JournalStoreException", .. ExpiryRows],
        ["Ops"] = ["Routing", "Sessions", "Actors", "Security", "Delivery", .. HeadList, "Journal.JournalStoreException", .. ShardsThemselves, .. ContainersThemselves, .. OriginsThemselves],
    };

    /// <summary>May use everything, and nobody uses it.</summary>
    public const string Root = "Hosting";
}

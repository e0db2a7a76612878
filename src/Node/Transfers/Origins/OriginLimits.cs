namespace Backhaul.Node.Transfers.Origins;

/// <summary>
/// What may be asked of one origin, by all nodes together and by each of them. Null: no limit. Set by the configuration and, over it and field
/// by field, by operators. Persisted in the origin's record: append only.
/// </summary>
internal sealed record OriginLimits
{
    public static readonly OriginLimits None = new();

    /// <summary>Connections of all nodes together; streams of HTTP/2 count as connections.</summary>
    public int? ConnectionsMax { get; init; }

    /// <summary>Requests that begin in a second, of all nodes together.</summary>
    public double? RequestsPerSecondMax { get; init; }

    /// <summary>Bytes of bodies in both directions, of all nodes together.</summary>
    public long? BytesPerSecondMax { get; init; }
    public int? NodeConnectionsMax { get; init; }
    public double? NodeRequestsPerSecondMax { get; init; }
    public long? NodeBytesPerSecondMax { get; init; }

    /// <summary>Some limit is the cluster's, so that nodes need shares.</summary>
    public bool IsShared => ConnectionsMax is not null || RequestsPerSecondMax is not null || BytesPerSecondMax is not null;

    /// <summary>These, and where they say nothing, the others.</summary>
    public OriginLimits Over(OriginLimits other) => new()
    {
        ConnectionsMax = ConnectionsMax ?? other.ConnectionsMax,
        RequestsPerSecondMax = RequestsPerSecondMax ?? other.RequestsPerSecondMax,
        BytesPerSecondMax = BytesPerSecondMax ?? other.BytesPerSecondMax,
        NodeConnectionsMax = NodeConnectionsMax ?? other.NodeConnectionsMax,
        NodeRequestsPerSecondMax = NodeRequestsPerSecondMax ?? other.NodeRequestsPerSecondMax,
        NodeBytesPerSecondMax = NodeBytesPerSecondMax ?? other.NodeBytesPerSecondMax,
    };

    public IEnumerable<string> Problems()
    {
        foreach (var (name, value, min) in new (string, double?, double)[]
        {
            (nameof(ConnectionsMax), ConnectionsMax, 1), (nameof(NodeConnectionsMax), NodeConnectionsMax, 1),
            (nameof(RequestsPerSecondMax), RequestsPerSecondMax, 0.01), (nameof(NodeRequestsPerSecondMax), NodeRequestsPerSecondMax, 0.01),
            (nameof(BytesPerSecondMax), BytesPerSecondMax, 1024), (nameof(NodeBytesPerSecondMax), NodeBytesPerSecondMax, 1024),
        })
        {
            if (value is { } given && !(given >= min && given <= 1e12))
                yield return $"{name} is {given}; it must be at least {min}.";
        }
    }
}

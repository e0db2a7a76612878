namespace Backhaul.Node.Transfers.Origins;

/// <summary>Connections, thousandths of a request per second, and bytes per second. Persisted: fields are only ever added.</summary>
internal readonly record struct OriginAmounts(long Connections, long MilliRequests, long Bytes)
{
    public static OriginAmounts None => default;

    public static OriginAmounts Max(OriginAmounts one, OriginAmounts other) => new(
        Math.Max(one.Connections, other.Connections), Math.Max(one.MilliRequests, other.MilliRequests), Math.Max(one.Bytes, other.Bytes));
}

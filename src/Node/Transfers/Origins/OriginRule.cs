namespace Backhaul.Node.Transfers.Origins;

/// <summary>Limits of the configuration for some origins, by their host.</summary>
internal sealed record OriginRule
{
    /// <summary><c>example.org</c>, <c>example.org:8443</c>, <c>*.example.org</c> (every name under it), or a whole origin with its scheme.</summary>
    public string Host { get; init; } = "";
    public OriginLimits Limits { get; init; } = OriginLimits.None;

    public bool Matches(string origin)
    {
        var host = origin.AsSpan(origin.IndexOf("://", StringComparison.Ordinal) + 3);
        if (Host.Contains("://", StringComparison.Ordinal))
            return origin.Equals(Host, StringComparison.OrdinalIgnoreCase);
        if (!HasPort(Host) && HasPort(host))
            host = host[..host.LastIndexOf(':')];
        return Host.StartsWith("*.", StringComparison.Ordinal)
            ? host.EndsWith(Host.AsSpan(1), StringComparison.OrdinalIgnoreCase)
            : host.Equals(Host, StringComparison.OrdinalIgnoreCase);
    }

    private static bool HasPort(ReadOnlySpan<char> host) => host.LastIndexOf(':') > host.LastIndexOf(']');
}

namespace Backhaul.Node.Egress;

/// <summary>
/// How long a new connection took, piece by piece, kept with the request that caused it. Another request may be the first to use that connection; a
/// request that found one open has nothing in here.
/// </summary>
internal sealed class ConnectionTimes
{
    private static readonly HttpRequestOptionsKey<ConnectionTimes> Key = new("backhaul.connection");

    /// <summary>To resolve the name; null for an address, and for a connection that was there.</summary>
    public TimeSpan? Dns { get; set; }

    /// <summary>To connect.</summary>
    public TimeSpan? Connect { get; set; }

    /// <summary>From there to the first byte of a request over TLS.</summary>
    public TimeSpan? Tls { get; set; }

    public static ConnectionTimes Attach(HttpRequestMessage request)
    {
        var times = new ConnectionTimes();
        request.Options.Set(Key, times);
        return times;
    }

    public static ConnectionTimes? Of(HttpRequestMessage request) => request.Options.TryGetValue(Key, out var times) ? times : null;
}

using Backhaul.Node.Egress;

namespace Backhaul.Node.Transfers;

/// <summary>Where the time of an attempt's first exchange went, in milliseconds. Persisted with its response.</summary>
/// <param name="DnsMs">Resolving the name; null when there was nothing to resolve, or the connection was there.</param>
/// <param name="ConnectMs">Connecting; null when the connection was there.</param>
/// <param name="TlsMs">The TLS handshake.</param>
/// <param name="FirstByteMs">From the request to the head of the response, all of the above included.</param>
internal sealed record AttemptPhases(int? DnsMs, int? ConnectMs, int? TlsMs, int FirstByteMs)
{
    public static AttemptPhases Of(ConnectionTimes times, TimeSpan firstByte) =>
        new(Whole(times.Dns), Whole(times.Connect), Whole(times.Tls), (int)firstByte.TotalMilliseconds);

    private static int? Whole(TimeSpan? time) => time is { } known ? (int)known.TotalMilliseconds : null;
}

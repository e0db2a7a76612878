using System.Net.Sockets;

namespace Backhaul.Node.Egress;

/// <summary>
/// A connection that notes when its TLS handshake was over. Records of a handshake have types of their own; the first one that is written with the
/// type of application data is the request's: a client's last word of the handshake comes behind another record.
/// </summary>
internal sealed class OutboundStream(Socket socket, TimeProvider time) : NetworkStream(socket, ownsSocket: true)
{
    private const byte ApplicationData = 23;

    private ConnectionTimes? _times;
    private long _connectedAt;

    /// <summary>The connection is there; a handshake follows.</summary>
    public void WatchHandshake(ConnectionTimes times)
    {
        _connectedAt = time.GetTimestamp();
        _times = times;
    }

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (_times is { } times && buffer.Length > 0 && buffer.Span[0] == ApplicationData)
        {
            times.Tls = time.GetElapsedTime(_connectedAt);
            _times = null;
        }
        return base.WriteAsync(buffer, cancellationToken);
    }
}

using System.Net.Sockets;
using System.Security.Authentication;
using Backhaul.Node.Egress;

namespace Backhaul.Node.Transfers;

/// <summary>
/// What the network did, as a code and a sentence. Sentences name host and port and what was waited for, never a path, a query or a
/// header. Pure.
/// </summary>
internal static class NetworkFailures
{
    /// <summary>A way out comes free with an answer, whenever that is; nothing tells the task.</summary>
    private static readonly TimeSpan RouteLimitPause = TimeSpan.FromSeconds(2);

    /// <summary>True for what a network, a proxy or a server can cause; everything else is a bug and passes through.</summary>
    public static bool IsNetwork(Exception exception) =>
        exception is HttpRequestException or IOException or SocketException or AuthenticationException or OperationCanceledException or TimeoutException
        && exception is not Files.StorageException;

    /// <param name="exception">What was thrown; nobody had cancelled.</param>
    /// <param name="origin">Host and port.</param>
    /// <param name="received">Bytes of the file so far, for the sentence and the record.</param>
    /// <param name="inBody">The head had arrived.</param>
    /// <param name="connectTimeout">How long a connection may take.</param>
    public static AttemptFailure Describe(Exception exception, string origin, long received, bool inBody, TimeSpan connectTimeout)
    {
        if (OutboundException.Find(exception) is { } outbound)
            return DescribeOutbound(outbound, received);
        if (exception is OperationCanceledException or TimeoutException)
        {
            return Failure(
                TransferCodes.ConnectFailed, $"No connection to {origin} within {connectTimeout.TotalSeconds:0.#} s (name, connection and TLS handshake).", received);
        }
        if (Find<AuthenticationException>(exception) is not null)
        {
            return Failure(TransferCodes.TlsFailed, $"The certificate or the TLS parameters of {origin} were not accepted.", received) with { Retryable = false };
        }
        if (HasUnreadableHead(exception))
            return Failure(TransferCodes.ProtocolError, $"{origin} sent a response head that is malformed or larger than allowed.", received);
        var error = exception switch
        {
            HttpRequestException request => request.HttpRequestError,
            HttpIOException io => io.HttpRequestError,
            _ => HttpRequestError.Unknown,
        };
        return error switch
        {
            HttpRequestError.NameResolutionError => Failure(TransferCodes.NameNotResolved, $"The name of {origin} could not be resolved.", received),
            HttpRequestError.ConnectionError => Failure(TransferCodes.ConnectFailed, $"{origin} could not be connected to.", received),
            HttpRequestError.SecureConnectionError => Failure(TransferCodes.TlsFailed, $"The TLS handshake with {origin} broke off.", received),
            HttpRequestError.ConfigurationLimitExceeded =>
                Failure(TransferCodes.HeadersTooLarge, $"{origin} sent a response head larger than allowed.", received) with { Retryable = false },
            HttpRequestError.ResponseEnded when inBody =>
                Failure(TransferCodes.Truncated, $"{origin} ended the body early, after {received} bytes.", received),
            HttpRequestError.InvalidResponse or HttpRequestError.HttpProtocolError or HttpRequestError.VersionNegotiationError =>
                Failure(TransferCodes.ProtocolError, $"{origin} sent something that is not valid HTTP.", received),
            _ => Failure(
                TransferCodes.ConnectionLost,
                inBody ? $"The connection to {origin} broke after {received} bytes." : $"The connection to {origin} broke before a response arrived.",
                received),
        };
    }

    /// <summary>The idle timer ran out.</summary>
    public static AttemptFailure Idle(string origin, TimeSpan idle, long received, bool inBody, bool sending)
    {
        var awaited = inBody ? $"more than the {received} bytes received" : sending ? "the peer to take more of the body" : "a response";
        return Failure(TransferCodes.IdleTimeout, $"{origin} was silent for {idle.TotalSeconds:0.#} s while waiting for {awaited}.", received);
    }

    private static AttemptFailure DescribeOutbound(OutboundException outbound, long received) => outbound.Fault switch
    {
        OutboundFault.AddressRefused => Failure(TransferCodes.AddressRefused, outbound.Message, received) with { Retryable = false },
        OutboundFault.NameNotResolved => Failure(TransferCodes.NameNotResolved, outbound.Message, received),
        OutboundFault.CertificateRefused => Failure(TransferCodes.TlsFailed, outbound.Message, received) with { Retryable = false },
        OutboundFault.ProxyRefused => Failure(TransferCodes.ProxyFailed, outbound.Message, received),
        OutboundFault.ProxyChallenged => AccessFailures.Challenged(outbound.Challenge!, 407) with { BytesReceived = received },
        OutboundFault.RouteLimit => Failure(TransferCodes.HeldBack, outbound.Message, received) with { WaitReason = "nodeLimit", RetryAfter = RouteLimitPause },
        OutboundFault.NoNetwork => Failure(TransferCodes.ConnectFailed, outbound.Message, received) with { WaitReason = "noNetwork" },
        _ => Failure(TransferCodes.ConnectFailed, outbound.Message, received),
    };

    private static AttemptFailure Failure(string code, string message, long received) =>
        new() { Code = code, Message = message, Retryable = true, BytesReceived = received };

    /// <summary>
    /// Over HTTP/2 such a head ends the whole connection, and all its streams are told so: retried, because this one may be innocent. The client
    /// library names it by a type of its own only.
    /// </summary>
    private static bool HasUnreadableHead(Exception? exception)
    {
        for (var cause = exception; cause is not null; cause = cause.InnerException)
        {
            if (cause.GetType().Name == "HPackDecodingException")
                return true;
        }
        return false;
    }

    private static T? Find<T>(Exception? exception)
        where T : Exception
    {
        for (var cause = exception; cause is not null; cause = cause.InnerException)
        {
            if (cause is T found)
                return found;
        }
        return null;
    }
}

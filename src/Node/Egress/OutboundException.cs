namespace Backhaul.Node.Egress;

/// <summary>Why no connection was made. HttpClient hands it on as the inner exception of its own.</summary>
internal sealed class OutboundException(OutboundFault fault, string message, Exception? inner = null) : IOException(message, inner)
{
    public OutboundException(OutboundFault fault, string message, ChallengeFacts challenge)
        : this(fault, message) => Challenge = challenge;

    public OutboundFault Fault { get; } = fault;

    /// <summary>Set with <see cref="OutboundFault.ProxyChallenged"/>.</summary>
    public ChallengeFacts? Challenge { get; }

    /// <summary>The one that is in <paramref name="exception"/> or its causes, or null.</summary>
    public static OutboundException? Find(Exception? exception)
    {
        for (var cause = exception; cause is not null; cause = cause.InnerException)
        {
            if (cause is OutboundException found)
                return found;
        }
        return null;
    }
}

/// <summary>Reasons of <see cref="OutboundException"/>.</summary>
internal enum OutboundFault
{
    AddressRefused = 1,
    NameNotResolved = 2,
    ConnectFailed = 3,

    /// <summary>This node seems to have no network at all.</summary>
    NoNetwork = 4,
    CertificateRefused = 5,

    /// <summary>The proxy is not there, or makes no tunnel.</summary>
    ProxyRefused = 6,

    /// <summary>The proxy asks for a credential that it was not given.</summary>
    ProxyChallenged = 7,

    /// <summary>No room for one more route while requests are under way on all that there may be.</summary>
    RouteLimit = 8,
}

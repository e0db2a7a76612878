using Backhaul.Node.Security;

namespace Backhaul.Node.Egress;

/// <summary>
/// Which way a request goes: through which proxy, with which TLS, showing which certificate. Requests of one route share connections, and
/// those of different routes never do.
/// </summary>
internal sealed record OutboundRoute
{
    public static readonly OutboundRoute Direct = new();

    public Secret.Proxy? Proxy { get; init; }
    public Secret.ClientCertificate? Certificate { get; init; }

    /// <summary>Nothing older than TLS 1.3; else nothing older than 1.2.</summary>
    public bool IsTls13Only { get; init; }
}

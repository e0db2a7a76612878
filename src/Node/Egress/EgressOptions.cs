namespace Backhaul.Node.Egress;

/// <summary>What may be reached from this node, and how patiently. Bound from <c>Backhaul:Egress</c>, validated at start.</summary>
internal sealed record EgressOptions
{
    public const string Section = "Backhaul:Egress";

    /// <summary>
    /// Exceptions of the address policy: <c>host</c>, <c>host:port</c> or <c>network/bits[:port]</c>. An exception with a port also lifts
    /// the ban of that port. Metadata addresses of clouds stay refused whatever is written here.
    /// </summary>
    public IReadOnlyList<string> Allow { get; init; } = [];

    /// <summary>Name, connection and TLS handshake together. A dead host must not hold a slot for minutes.</summary>
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>A connection is not used for longer than this, so that a changed DNS answer is noticed.</summary>
    public TimeSpan PooledConnectionLifetime { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>Servers close idle connections after 5 to 75 s; leaving first costs nothing, being left costs a repeated request.</summary>
    public TimeSpan PooledConnectionIdleTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Head of a response, in KiB; more is a failure with the code <c>headersTooLarge</c>.</summary>
    public int ResponseHeadersKiBMax { get; init; } = 64;

    /// <summary>Redirects followed in one attempt.</summary>
    public int RedirectsMax { get; init; } = 20;

    /// <summary>Follow https → http. The content and the headers of the task are then readable on the way.</summary>
    public bool AllowInsecureRedirect { get; init; }

    /// <summary>Sent when the task names no <c>User-Agent</c>.</summary>
    public string UserAgent { get; init; } = "Backhaul/0.1";

    /// <summary>A file with certificates in PEM that are believed besides the system's authorities: a private authority, or a server's own certificate.</summary>
    public string? TrustedCertificates { get; init; }

    /// <summary>Pools of connections for proxies, client certificates and TLS versions; beyond it the one unused for longest is given up.</summary>
    public int RoutesMax { get; init; } = 64;

    /// <summary>Of them those that requests of one tenant made; beyond it the tenant's own one unused for longest is given up. Far fewer than all, so that nobody has all of them busy.</summary>
    public int RoutesPerTenantMax { get; init; } = 16;

    /// <summary>Such a pool is given up after so long without a request.</summary>
    public TimeSpan RouteIdleTimeout { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>What is wrong with these options, as sentences for the operator; empty when nothing is.</summary>
    public IReadOnlyList<string> Problems()
    {
        var problems = new List<string>();
        for (var i = 0; i < Allow.Count; i++)
        {
            if (!AllowRule.TryParse(Allow[i], out _, out var why))
                problems.Add($"{Section}:Allow:{i} is not understood: {why}");
        }
        if (ConnectTimeout < TimeSpan.FromMilliseconds(100) || ConnectTimeout > TimeSpan.FromMinutes(2))
            problems.Add($"{Section}:ConnectTimeout must be between 0.1 s and 2 min.");
        if (PooledConnectionLifetime < TimeSpan.FromSeconds(1) || PooledConnectionLifetime > TimeSpan.FromHours(1))
            problems.Add($"{Section}:PooledConnectionLifetime must be between 1 s and 1 h.");
        if (PooledConnectionIdleTimeout < TimeSpan.FromSeconds(1) || PooledConnectionIdleTimeout > TimeSpan.FromHours(1))
            problems.Add($"{Section}:PooledConnectionIdleTimeout must be between 1 s and 1 h.");
        if (ResponseHeadersKiBMax is < 8 or > 1024)
            problems.Add($"{Section}:ResponseHeadersKiBMax must be between 8 and 1024.");
        if (RedirectsMax is < 0 or > 50)
            problems.Add($"{Section}:RedirectsMax must be between 0 and 50.");
        if (RoutesMax is < 1 or > 1024)
            problems.Add($"{Section}:RoutesMax must be between 1 and 1024.");
        if (RoutesPerTenantMax is < 1 or > 1024)
            problems.Add($"{Section}:RoutesPerTenantMax must be between 1 and 1024.");
        if (RouteIdleTimeout < TimeSpan.FromSeconds(1) || RouteIdleTimeout > TimeSpan.FromHours(24))
            problems.Add($"{Section}:RouteIdleTimeout must be between 1 s and 24 h.");
        if (CertificatesProblem() is { } unreadable)
            problems.Add(unreadable);
        if (!RequestHeaders.CanSend("User-Agent", UserAgent))
            problems.Add($"{Section}:UserAgent is not a value that HTTP allows for User-Agent.");
        return problems;
    }

    private string? CertificatesProblem()
    {
        try
        {
            CertificateRules.Load(TrustedCertificates);
            return null;
        }
        catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException or System.Security.Cryptography.CryptographicException or ArgumentException)
        {
            return $"{Section}:TrustedCertificates is {TrustedCertificates}, which cannot be read as certificates in PEM: {unreadable.Message}";
        }
    }
}

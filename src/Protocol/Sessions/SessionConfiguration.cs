namespace Backhaul.Protocol;

/// <summary>What a session's tasks have in common. Every field has a default; a re-attach with another configuration makes a new version.</summary>
public sealed record SessionConfiguration
{
    /// <summary>Headers of every request; a task's header of the same name replaces them.</summary>
    public IReadOnlyDictionary<string, string>? AdditionalHeaders { get; init; }

    /// <summary>Idle timer of an attempt, restarted by every byte. Default 60 s.</summary>
    public TimeSpan? RequestTimeout { get; init; }

    /// <summary>How long a task may take from its first start, not counting suspension. Default 7 days.</summary>
    public TimeSpan? ResourceTimeout { get; init; }

    /// <summary>Connections of this session to one host. Default 6, at most 64.</summary>
    public int? MaxConnectionsPerHost { get; init; }

    /// <summary>The container of files that name none. Default <c>default</c>; cannot change later.</summary>
    public string? Container { get; init; }

    /// <summary>Statuses besides 2xx whose body is a result, such as <c>"404"</c> or <c>"400-499"</c>.</summary>
    public IReadOnlyList<string>? AcceptStatus { get; init; }

    /// <summary>How long the file of a download with a destination stays after its task ended. Default: until somebody removes it.</summary>
    public TimeSpan? FileRetention { get; init; }

    /// <summary>How failures are retried.</summary>
    public RetryConfiguration? Retry { get; init; }

    /// <summary>Bandwidth of all running tasks of the session together, at least 1024. The newest value holds, also for tasks that run already.</summary>
    public long? BytesPerSecondMax { get; init; }

    /// <summary>True: tasks start when the node has little to do, in the operators' windows of time, and after all other work; a deadline still holds. Default false.</summary>
    public bool? Discretionary { get; init; }

    /// <summary>True: tasks run while a client has a stream of the session open, and wait otherwise. Default false.</summary>
    public bool? WhileAttachedOnly { get; init; }

    /// <summary>
    /// What the transfers are for: <c>default</c>, <c>background</c>, <c>video</c>, <c>avStreaming</c>, <c>responsiveData</c>, <c>responsiveAV</c>,
    /// <c>voice</c> or <c>callSignaling</c>. Each has a weight in the line for the node's slots.
    /// </summary>
    public string? ServiceType { get; init; }

    /// <summary>Weight among the tenant's sessions of the same service type when slots are short, from 0.01 to 100. Default 1.</summary>
    public double? Weight { get; init; }

    /// <summary>False: tasks wait while operators say that the network is a cellular one. Default true.</summary>
    public bool? AllowsCellularAccess { get; init; }

    /// <summary>False: tasks wait while operators say that bytes cost something. Default true.</summary>
    public bool? AllowsExpensiveAccess { get; init; }

    /// <summary>False: tasks wait while operators ask to spare bytes. Default true.</summary>
    public bool? AllowsConstrainedAccess { get; init; }

    /// <summary>
    /// <c>default</c> (runs where bytes are paid for, and waits while the plan is used up or the network is somebody else's), <c>unrestrictedOnly</c> or
    /// <c>always</c>; a task's own wins.
    /// </summary>
    public string? CostPolicy { get; init; }

    /// <summary>Credentials of protection spaces, each by the name of a secret that operators configured. The first that fits is used.</summary>
    public IReadOnlyList<CredentialRule>? Credentials { get; init; }

    /// <summary>The name of a secret of the kind <c>proxy</c>: the session's requests go through it.</summary>
    public string? Proxy { get; init; }

    /// <summary>What the session demands of TLS, and how it shows itself there.</summary>
    public TlsConfiguration? Tls { get; init; }

    /// <summary>How long events stay that nobody acknowledges. Default 14 days.</summary>
    public TimeSpan? EventRetention { get; init; }

    /// <summary>False: an absent client is not launched. Default true.</summary>
    public bool? SendsLaunchEvents { get; init; }

    /// <summary>Whom to call when the session needs its client and none is attached.</summary>
    public LaunchConfiguration? Launch { get; init; }

    /// <summary>A budget of launches, besides the limiter that every session has.</summary>
    public LaunchLimitConfiguration? LaunchLimit { get; init; }

    /// <summary>Where events are sent to, one after the other, as signed webhooks; an answer 2xx acknowledges.</summary>
    public PushConfiguration? Push { get; init; }
}

/// <summary>Where a client is launched.</summary>
public sealed record LaunchConfiguration
{
    /// <summary>An absolute <c>http</c> or <c>https</c> URL.</summary>
    public string? Url { get; init; }

    /// <summary>The key that signs, <c>whsec_…</c> (several during a rotation, separated by a space), or the name of a secret of the kind <c>webhook</c>.</summary>
    public string? Secret { get; init; }
}

/// <summary>How often a client may be launched.</summary>
public sealed record LaunchLimitConfiguration
{
    /// <summary>Launches in any hour, 1 to 60.</summary>
    public int? PerHour { get; init; }

    /// <summary>From one launch to the next, at most PT24H.</summary>
    public TimeSpan? MinimumSpacing { get; init; }
}

/// <summary>Events as webhooks.</summary>
public sealed record PushConfiguration
{
    /// <summary>An absolute <c>http</c> or <c>https</c> URL.</summary>
    public string? Url { get; init; }

    /// <summary>The key that signs, <c>whsec_…</c> (several during a rotation, separated by a space), or the name of a secret of the kind <c>webhook</c>.</summary>
    public string? Secret { get; init; }

    /// <summary>Only events of these types are sent. Absent: all of them.</summary>
    public IReadOnlyList<string>? Types { get; init; }
}

/// <summary>A protection space, and the secret that opens it.</summary>
public sealed record CredentialRule
{
    /// <summary><c>host</c> (on the default ports 80 and 443) or <c>host:port</c>. Absent: the host and port of the task's own URL, whatever they are.</summary>
    public string? Host { get; init; }

    /// <summary>The realm, as the server writes it. Absent: any.</summary>
    public string? Realm { get; init; }

    /// <summary><c>basic</c>, <c>digest</c> or <c>bearer</c>. Absent: the strongest that the server offers and the secret can answer.</summary>
    public string? Scheme { get; init; }

    /// <summary>The name of a secret of the kind <c>basic</c> (answers Basic and Digest) or <c>bearer</c>.</summary>
    public string? Secret { get; init; }
}

/// <summary>TLS of a session's connections to origins and targets.</summary>
public sealed record TlsConfiguration
{
    /// <summary><c>1.2</c> (the default) or <c>1.3</c>: nothing older is spoken.</summary>
    public string? Minimum { get; init; }

    /// <summary>The name of a secret of the kind <c>clientCertificate</c>, shown to servers that ask for one.</summary>
    public string? ClientCertificate { get; init; }
}

/// <summary>Retry by time: exponential with full jitter between two bounds, until the task's resource time-out.</summary>
public sealed record RetryConfiguration
{
    /// <summary>Upper bound of the first wait. Default 1 s.</summary>
    public TimeSpan? First { get; init; }

    /// <summary>Upper bound of every wait. Default 5 min.</summary>
    public TimeSpan? Longest { get; init; }

    /// <summary>Statuses that are retried. Default 408 425 429 500 502 503 504.</summary>
    public IReadOnlyList<int>? Statuses { get; init; }
}

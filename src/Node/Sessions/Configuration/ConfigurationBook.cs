using System.Text.Json;
using Backhaul.Protocol;

namespace Backhaul.Node.Sessions;

/// <summary>
/// The versions of a session's configuration. A task keeps the version it was created under; a re-attach with another configuration
/// makes a new one for tasks created later. Of as many as are kept, those that nothing names any more are forgotten when another comes: a token in a header that
/// is changed every hour is no limit.
/// </summary>
internal sealed class ConfigurationBook
{
    /// <summary>So many are kept.</summary>
    public const int VersionsMax = 1000;

    private readonly SortedDictionary<int, SessionConfiguration> _versions = [];
    private readonly Dictionary<int, StartTerms> _terms = [];

    public int Version { get; private set; }

    public SessionConfiguration Current { get; private set; } = new();

    public IReadOnlyDictionary<int, SessionConfiguration> Versions => _versions;

    public ContainerName Container { get; private set; } = ContainerName.Default;

    public SessionConfiguration this[int version] => _versions[version];

    /// <summary>What the tasks of a version demand of the conditions that they start under.</summary>
    public StartTerms TermsOf(int version) => _terms[version];

    /// <summary>Tasks of some version run while a client is attached only.</summary>
    public bool AnyWhileAttached { get; private set; }

    public void Set(int version, SessionConfiguration configuration)
    {
        _versions[version] = configuration;
        _terms[version] = StartTerms.Of(configuration);
        AnyWhileAttached |= _terms[version].WhileAttached;
        if (version < Version)
            return;
        Version = version;
        Current = configuration;
        Container = configuration.Container is { } name ? ContainerName.Parse(name) : ContainerName.Default;
    }

    /// <summary>No more are kept without forgetting some.</summary>
    public bool IsFull => _versions.Count >= VersionsMax;

    /// <summary>All but these, when another is about to be in force.</summary>
    public void Forget(IReadOnlySet<int> inUse)
    {
        foreach (var version in _versions.Keys.Where(version => !inUse.Contains(version)).ToList())
        {
            _versions.Remove(version);
            _terms.Remove(version);
        }
        AnyWhileAttached = _terms.Values.Any(terms => terms.WhileAttached);
    }

    /// <summary>True when both say the same, whatever was left to its default.</summary>
    public static bool AreSame(SessionConfiguration one, SessionConfiguration other) =>
        Canonical(WithDefaults(one)).AsSpan().SequenceEqual(Canonical(WithDefaults(other)));

    /// <summary>True when both have the same credentials, proxy and TLS.</summary>
    public static bool HaveSameAccess(SessionConfiguration one, SessionConfiguration other) => AreSame(AccessOf(one), AccessOf(other));

    private static SessionConfiguration AccessOf(SessionConfiguration configuration) =>
        new() { Credentials = configuration.Credentials, Proxy = configuration.Proxy, Tls = configuration.Tls };

    /// <summary>Defaults written out, so that the view and later versions of the product agree on what was in force.</summary>
    public static SessionConfiguration WithDefaults(SessionConfiguration? asked)
    {
        asked ??= new SessionConfiguration();
        return asked with
        {
            RequestTimeout = asked.RequestTimeout ?? TimeSpan.FromSeconds(60),
            ResourceTimeout = asked.ResourceTimeout ?? TimeSpan.FromDays(7),
            MaxConnectionsPerHost = asked.MaxConnectionsPerHost ?? 6,
            EventRetention = asked.EventRetention ?? EventRetentionDefault,
            SendsLaunchEvents = asked.SendsLaunchEvents ?? true,
            LaunchLimit = asked.LaunchLimit is { } limit && (limit.PerHour is not null || limit.MinimumSpacing is not null) ? limit : null,
            Container = asked.Container ?? ContainerName.Default.ToString(),
            AdditionalHeaders = asked.AdditionalHeaders is { Count: > 0 } headers
                ? new SortedDictionary<string, string>(headers.ToDictionary(StringComparer.OrdinalIgnoreCase), StringComparer.OrdinalIgnoreCase)
                : null,
            Discretionary = asked.Discretionary ?? false,
            WhileAttachedOnly = asked.WhileAttachedOnly ?? false,
            ServiceType = asked.ServiceType ?? ServiceTypes.Default,
            Weight = asked.Weight ?? 1,
            AllowsCellularAccess = asked.AllowsCellularAccess ?? true,
            AllowsExpensiveAccess = asked.AllowsExpensiveAccess ?? true,
            AllowsConstrainedAccess = asked.AllowsConstrainedAccess ?? true,
            CostPolicy = asked.CostPolicy ?? StartTerms.WordOf(CostPolicy.Default),
            AcceptStatus = asked.AcceptStatus is { Count: > 0 } accept ? accept : null,
            Credentials = asked.Credentials is { Count: > 0 } credentials ? credentials : null,
            Tls = asked.Tls is { } tls && (tls.Minimum ?? tls.ClientCertificate) is not null ? tls : null,
            Retry = new RetryConfiguration
            {
                First = asked.Retry?.First ?? TimeSpan.FromSeconds(1),
                Longest = asked.Retry?.Longest ?? TimeSpan.FromMinutes(5),
                Statuses = asked.Retry?.Statuses ?? RetryStatusesDefault,
            },
        };
    }

    public static TimeSpan EventRetentionDefault { get; } = TimeSpan.FromDays(14);

    public static IReadOnlyList<int> RetryStatusesDefault { get; } = [408, 425, 429, 500, 502, 503, 504];

    private static byte[] Canonical(SessionConfiguration configuration) =>
        JsonSerializer.SerializeToUtf8Bytes(configuration, ProtocolJson.Default.SessionConfiguration);
}

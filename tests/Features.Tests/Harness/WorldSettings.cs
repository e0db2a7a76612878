using System.Globalization;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace Backhaul.Features.Tests;

/// <summary>
/// The one configuration of all nodes. Times are short where a feature would make tests wait, and nothing else differs from the defaults.
/// </summary>
internal static class WorldSettings
{
    public const string Key = "key-of-the-tests";
    public const string OtherTenantsKey = "key-of-another-tenant";
    public const string UserName = "anna";
    public const string Password = "correct-horse";
    public const string ProxyPassword = "way-out";

    /// <summary>Of the secret <c>hooks</c>: Standard Webhooks.</summary>
    public static string HookKey { get; } = "whsec_" + Convert.ToBase64String(SHA256.HashData("a key of tests"u8));

    /// <summary>How long after its last stream a client still counts as attached.</summary>
    public static TimeSpan AttachGrace { get; } = TimeSpan.FromSeconds(1);

    /// <summary>Transfers of a node to one host, over all sessions.</summary>
    public const int HostMax = 12;

    /// <summary>An address that no network leads to: connecting there is told at once that there is no way.</summary>
    public const string Nowhere = "224.0.0.1";

    public static IReadOnlyDictionary<string, string> Of(string authorityFile, int proxyPort)
    {
        var settings = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["Backhaul:Egress:Allow:1"] = "127.0.0.0/8",
            ["Backhaul:Egress:Allow:2"] = Nowhere,
            ["Backhaul:Egress:TrustedCertificates"] = authorityFile,
            ["Backhaul:Security:Keys:0:Sha256"] = Sha256(Key),
            ["Backhaul:Security:Keys:0:Tenant"] = "default",
            ["Backhaul:Security:Keys:1:Sha256"] = Sha256(OtherTenantsKey),
            ["Backhaul:Security:Keys:1:Tenant"] = "other",
            ["Backhaul:Security:SecretKeys:0"] = Convert.ToBase64String(SHA256.HashData("a key at rest"u8)),
            ["Backhaul:Sessions:AttachGrace"] = AttachGrace.ToString("c", CultureInfo.InvariantCulture),
            ["Backhaul:Sessions:Unconstrained:Tenants:0"] = "default", // and not the other one
            ["Backhaul:Transfers:CheckpointInterval"] = "00:00:00.200",
            ["Backhaul:Transfers:RespondAfter"] = "00:00:00.100",
            ["Backhaul:Transfers:RunningStart"] = "128", // tests run beside each other and must not wait for one another's slots
            ["Backhaul:Transfers:RunningMin"] = "128",
            ["Backhaul:Transfers:HostMax"] = HostMax.ToString(CultureInfo.InvariantCulture), // each test has hosts of its own
        };
        AddClosedWindow(settings);
        AddSecrets(settings, proxyPort);
        return settings;
    }

    /// <summary>Discretionary tasks wait for this window, which opens in half a day; a near deadline lets them start before.</summary>
    private static void AddClosedWindow(Dictionary<string, string> settings)
    {
        var opens = DateTimeOffset.UtcNow.AddHours(12);
        settings["Backhaul:Transfers:Discretionary:Windows:0:From"] = opens.ToString("HH:mm", CultureInfo.InvariantCulture);
        settings["Backhaul:Transfers:Discretionary:Windows:0:To"] = opens.AddMinutes(1).ToString("HH:mm", CultureInfo.InvariantCulture);
    }

    private static void AddSecrets(Dictionary<string, string> settings, int proxyPort)
    {
        void Add(string name, string kind, params (string Field, string Value)[] fields)
        {
            settings[$"Backhaul:Secrets:{name}:Kind"] = kind;
            foreach (var (field, value) in fields)
                settings[$"Backhaul:Secrets:{name}:{field}"] = value;
        }

        Add("vendor", "basic", ("UserName", UserName), ("Password", Password));
        Add("token", "bearer", ("Token", "letmein"));
        Add("hooks", "webhook", ("Keys", HookKey));
        Add("strangers", "basic", ("UserName", UserName), ("Password", Password), ("Tenants:0", "other"));
        Add("way-out", "proxy", ("Url", string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{proxyPort}")), ("UserName", UserName), ("Password", ProxyPassword));
        Add("identity", "clientCertificate", ("Pfx", Identity()));
    }

    /// <summary>A certificate that a client shows; who asks for one takes any.</summary>
    private static string Identity()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=backhaul-tests", key, HashAlgorithmName.SHA256);
        using var certificate = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        return Convert.ToBase64String(certificate.Export(X509ContentType.Pfx));
    }

    private static string Sha256(string key) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(key)));
}

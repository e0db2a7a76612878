using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Backhaul.Node.Security;

/// <summary>
/// One secret of the configuration: its kind, its fields, each given as a value or, with <c>File</c> behind its name, as the file that holds
/// it. Faults name the option and never what it holds.
/// </summary>
internal sealed class SecretReader(IConfigurationSection section, List<string> faults)
{
    private const int FileBytesMax = 64 * 1024;
    private const int TextMax = 8 * 1024;

    private static readonly Dictionary<string, (SecretKind Kind, string[] Fields)> Kinds = new(StringComparer.OrdinalIgnoreCase)
    {
        ["basic"] = (SecretKind.Basic, ["UserName", "Password"]),
        ["bearer"] = (SecretKind.Bearer, ["Token"]),
        ["clientCertificate"] = (SecretKind.ClientCertificate, ["Certificate", "Key", "Pfx", "Password"]),
        ["proxy"] = (SecretKind.Proxy, ["Url", "UserName", "Password"]),
        ["s3"] = (SecretKind.S3, ["AccessKey", "SecretKey", "Region"]),
        ["webhook"] = (SecretKind.Webhook, ["Keys"]),
    };

    /// <summary>Null when something is wrong with it.</summary>
    public Secret? Read()
    {
        if (!IsName(section.Key))
            faults.Add($"{SecretTable.Section} has a secret whose name breaks the rule: 1 to 64 letters, digits, '.', '_' and '-'.");
        if (section["Kind"] is not { } word || !Kinds.TryGetValue(word, out var kind))
        {
            faults.Add($"{section.Path}:Kind must be one of {string.Join(", ", Kinds.Keys)}.");
            return null;
        }
        foreach (var field in section.GetChildren().Select(child => child.Key).Where(field => !IsField(kind.Fields, field)))
            faults.Add($"{section.Path}:{field} is not an option of a secret of the kind {word}. It has {string.Join(", ", kind.Fields)}, each also with File behind its name, and Tenants.");
        try
        {
            return kind.Kind switch
            {
                SecretKind.Basic => ReadUser(required: true),
                SecretKind.Bearer => ReadToken(),
                SecretKind.ClientCertificate => ReadCertificate(),
                SecretKind.S3 => ReadKeys(),
                SecretKind.Webhook => ReadWebhook(),
                _ => ReadProxy(),
            };
        }
        catch (Exception unreadable) when (unreadable is CryptographicException or ArgumentException)
        {
            faults.Add($"{section.Path}: the certificate or its key cannot be read, or they do not belong together. Check the format (PEM, or PKCS #12 under Pfx) and the password.");
            return null;
        }
    }

    public static bool IsName(string name) =>
        name.Length is >= 1 and <= 64 && name.All(static c => char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or '-');

    private static bool IsField(string[] fields, string field) =>
        field.Equals("Kind", StringComparison.OrdinalIgnoreCase) || field.Equals("Tenants", StringComparison.OrdinalIgnoreCase)
        || fields.Any(known => field.Equals(known, StringComparison.OrdinalIgnoreCase) || field.Equals(known + "File", StringComparison.OrdinalIgnoreCase));

    private Secret.Basic? ReadUser(bool required)
    {
        var (name, password) = (Text("UserName", required), Text("Password", required));
        if (name is null || password is null)
        {
            if ((name ?? password) is not null && !required)
                faults.Add($"{section.Path} has one of UserName and Password; give both, or neither.");
            return null;
        }
        if (name.Contains(':', StringComparison.Ordinal) || name.Length == 0)
            faults.Add($"{section.Path}:UserName must not be empty or have a colon in it: HTTP could not tell it from the password.");
        return new Secret.Basic(section.Key, name, password);
    }

    private Secret.Bearer? ReadToken()
    {
        if (Text("Token", required: true) is not { } token)
            return null;
        if (token.Length == 0 || !token.All(static c => char.IsAsciiLetterOrDigit(c) || c is '-' or '.' or '_' or '~' or '+' or '/' or '='))
            faults.Add($"{section.Path}:Token must be letters, digits and -._~+/= only, without \"Bearer\" before it.");
        return new Secret.Bearer(section.Key, token);
    }

    /// <summary>The access key and the region travel in a header, separated by slashes.</summary>
    private Secret.S3? ReadKeys()
    {
        var (access, secret, region) = (Text("AccessKey", required: true), Text("SecretKey", required: true), Text("Region", required: false));
        if (access is null || secret is null)
            return null;
        if (access.Length is 0 or > 256 || !access.All(static c => char.IsAsciiLetterOrDigit(c) || c is '-' or '.' or '_'))
            faults.Add($"{section.Path}:AccessKey must be 1 to 256 letters, digits and -._ only.");
        if (secret.Length == 0)
            faults.Add($"{section.Path}:SecretKey must not be empty.");
        if (region is not null && (region.Length is 0 or > 64 || !region.All(static c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_')))
            faults.Add($"{section.Path}:Region must be 1 to 64 letters, digits, - and _, such as eu-west-1; leave it out where the store has none.");
        return new Secret.S3(section.Key, access, secret, region);
    }

    private Secret.Webhook? ReadWebhook()
    {
        if (Text("Keys", required: true) is not { } text)
            return null;
        if (WebhookKeys.Parse(text) is { } keys)
            return new Secret.Webhook(section.Key, keys);
        faults.Add($"{section.Path}:Keys must be {WebhookKeys.Rule}.");
        return null;
    }

    private Secret.Proxy? ReadProxy()
    {
        var user = ReadUser(required: false);
        if (Text("Url", required: true) is not { } text)
            return null;
        if (!Uri.TryCreate(text, UriKind.Absolute, out var url) || url.Scheme != Uri.UriSchemeHttp || url.Host.Length == 0
            || url.PathAndQuery != "/" || url.UserInfo.Length > 0)
        {
            faults.Add($"{section.Path}:Url must be http://host:port and nothing more; user and password have options of their own.");
            return null;
        }
        return new Secret.Proxy(section.Key, url, user);
    }

    private Secret.ClientCertificate? ReadCertificate()
    {
        var password = Text("Password", required: false);
        var (pem, pfx) = (Text("Certificate", required: false), Pfx());
        if (pem is null == (pfx is null))
        {
            faults.Add($"{section.Path} must have either Certificate (PEM, and Key where the key is not in it) or Pfx (PKCS #12).");
            return null;
        }
        var (certificate, others) = pem is not null ? FromPem(pem, Text("Key", required: false) ?? pem, password) : FromPfx(pfx!, password);
        if (certificate is { HasPrivateKey: true })
            return new Secret.ClientCertificate(section.Key, certificate, others);
        faults.Add($"{section.Path} has no private key that belongs to its certificate.");
        return null;
    }

    private static (X509Certificate2 Own, X509Certificate2Collection Others) FromPem(string pem, string key, string? password)
    {
        var own = key.Contains("BEGIN ENCRYPTED PRIVATE KEY", StringComparison.Ordinal)
            ? X509Certificate2.CreateFromEncryptedPem(pem, key, password)
            : X509Certificate2.CreateFromPem(pem, key);
        var others = new X509Certificate2Collection();
        others.ImportFromPem(pem);
        others.RemoveAt(0); // the first is its own
        return (own, others);
    }

    private static (X509Certificate2? Own, X509Certificate2Collection Others) FromPfx(byte[] pfx, string? password)
    {
        var all = X509CertificateLoader.LoadPkcs12Collection(pfx, password);
        var own = all.FirstOrDefault(static certificate => certificate.HasPrivateKey);
        if (own is not null)
            all.Remove(own);
        return (own, all);
    }

    /// <summary>Given in the file's own bytes, or in base64 as a value.</summary>
    private byte[]? Pfx()
    {
        if (section["PfxFile"] is { } path)
            return ReadFile("PfxFile", path);
        if (section["Pfx"] is not { } text)
            return null;
        var bytes = new byte[text.Length];
        if (Convert.TryFromBase64String(text.Trim(), bytes, out var length))
            return bytes[..length];
        faults.Add($"{section.Path}:Pfx is not base64. Give the file itself by PfxFile.");
        return null;
    }

    private string? Text(string field, bool required)
    {
        var (value, path) = (section[field], section[field + "File"]);
        if (value is not null && path is not null)
        {
            faults.Add($"{section.Path} has both {field} and {field}File; give one of them.");
            return null;
        }
        if (path is not null)
            value = ReadFile(field + "File", path) is { } bytes ? System.Text.Encoding.UTF8.GetString(bytes) : null;
        if (value is null)
        {
            if (required && path is null)
                faults.Add($"{section.Path}:{field} is missing. Give it, or {field}File with the path of the file that holds it.");
            return null;
        }
        var isPem = field is "Certificate" or "Key";
        value = isPem ? value : value.TrimEnd('\r', '\n'); // editors end files with a line break
        if (!isPem && (value.Length > TextMax || value.Any(char.IsControl)))
        {
            faults.Add($"{section.Path}:{field} is longer than {TextMax} characters or has a control character in it.");
            return null;
        }
        return value;
    }

    private byte[]? ReadFile(string field, string path)
    {
        try
        {
            var file = new FileInfo(path);
            if (file.Exists && file.Length > FileBytesMax)
            {
                faults.Add($"{section.Path}:{field}: the file is larger than {FileBytesMax} bytes.");
                return null;
            }
            return File.ReadAllBytes(path);
        }
        catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            faults.Add($"{section.Path}:{field}: the file {path} cannot be read. Mount it, and give this user the right to read it.");
            return null;
        }
    }
}

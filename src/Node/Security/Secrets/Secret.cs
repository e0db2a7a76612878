using System.Runtime.CompilerServices;
using System.Security.Cryptography.X509Certificates;
using Backhaul.Protocol;

namespace Backhaul.Node.Security;

/// <summary>
/// A secret of the node's configuration, ready for use. Its values leave by the connection they were configured for and nowhere else:
/// <see cref="ToString"/> says the name, so that no log line, exception or debugger view says more by accident.
/// </summary>
internal abstract class Secret
{
    private Secret(string name, SecretKind kind) => (Name, Kind) = (name, kind);

    public string Name { get; }

    public SecretKind Kind { get; }

    public sealed override string ToString() => $"secret {Name}";

    /// <summary>A user and a password: answers Basic and Digest.</summary>
    internal sealed class Basic(string name, string userName, string password) : Secret(name, SecretKind.Basic)
    {
        public string UserName { get; } = userName;
        public string Password { get; } = password;
    }

    internal sealed class Bearer(string name, string token) : Secret(name, SecretKind.Bearer)
    {
        public string Token { get; } = token;
    }

    /// <summary>A certificate with its private key, and the certificates between it and its root.</summary>
    internal sealed class ClientCertificate(string name, X509Certificate2 certificate, X509Certificate2Collection intermediates)
        : Secret(name, SecretKind.ClientCertificate)
    {
        public X509Certificate2 Certificate { get; } = certificate;
        public X509Certificate2Collection Intermediates { get; } = intermediates;
    }

    /// <summary>A key pair that signs requests to object stores, and the region they are signed for when it is not the usual one.</summary>
    internal sealed class S3(string name, string accessKey, string secretKey, string? region) : Secret(name, SecretKind.S3)
    {
        public string AccessKey { get; } = accessKey;
        public string SecretKey { get; } = secretKey;
        public string? Region { get; } = region;
    }

    /// <summary>
    /// Where a proxy is, and who its user is; a proxy may take anybody. What a client gave for its user answers the realm and scheme it was asked for by.
    /// Two are equal that the same text was given for, however often it is opened: so its requests are one route, with tunnels of its own. Nobody else's request
    /// goes through a tunnel that another's credential opened.
    /// </summary>
    internal sealed class Proxy(string name, Uri url, Basic? user, CredentialRule? given = null) : Secret(name, SecretKind.Proxy)
    {
        public Uri Url { get; } = url;
        public Basic? User { get; } = user;
        public CredentialRule? Given { get; } = given;

        /// <summary>The same proxy with the user that a client gave. Named by the text it was given as: two users of one proxy must not share what it is remembered to accept.</summary>
        public Proxy Of(Basic user, CredentialRule rule) => new(rule.Secret!, Url, new Basic(rule.Secret!, user.UserName, user.Password), rule);

        public override bool Equals(object? obj) => ReferenceEquals(this, obj) || (Given is not null && obj is Proxy other && Given == other.Given && Url == other.Url);

        public override int GetHashCode() => Given is null ? RuntimeHelpers.GetHashCode(this) : HashCode.Combine(Url, Given);
    }

    /// <summary>What webhooks are signed with, by each of the keys.</summary>
    internal sealed class Webhook(string name, IReadOnlyList<byte[]> keys) : Secret(name, SecretKind.Webhook)
    {
        public IReadOnlyList<byte[]> Keys { get; } = keys;
    }
}

/// <summary>What a secret is, and so what it can be used for.</summary>
internal enum SecretKind
{
    Basic = 1,
    Bearer = 2,
    ClientCertificate = 3,
    Proxy = 4,
    S3 = 5,
    Webhook = 6,
}

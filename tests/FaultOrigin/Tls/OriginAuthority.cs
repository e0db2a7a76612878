using System.Net;
using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Backhaul.FaultOrigin.Tls;

/// <summary>
/// Certificates, made when the process starts and never kept: an authority of its own, and what it signed. Clients that should accept the good
/// ones are given <see cref="Pem"/>, for instance by <c>SSL_CERT_FILE</c> or curl's <c>--cacert</c>.
/// </summary>
public sealed class OriginAuthority
{
    private static readonly Lazy<OriginAuthority> Made = new(() => new OriginAuthority());
    private readonly X509Certificate2 _authority;
    private readonly Lazy<Contexts> _contexts;

    private OriginAuthority()
    {
        var now = DateTimeOffset.UtcNow;
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=Fault origin authority", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: true, hasPathLengthConstraint: false, 0, critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign, critical: true));
        _authority = request.CreateSelfSigned(now.AddYears(-2), now.AddYears(1));
        // Not before they are needed: a context reads which authorities this process believes, and it reads them once.
        _contexts = new Lazy<Contexts>(MakeContexts);
    }

    /// <summary>The one of this process.</summary>
    public static OriginAuthority Shared => Made.Value;

    /// <summary>The authority's certificate.</summary>
    public string Pem => _authority.ExportCertificatePem();

    /// <summary>A certificate for a client, with its key; every origin with a demanding face takes it.</summary>
    public X509Certificate2 SignClient(string name) => Sign(name, DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(30));

    internal SslStreamCertificateContext Of(TlsFace face) => face switch
    {
        TlsFace.Expired => _contexts.Value.Expired,
        TlsFace.Foreign => _contexts.Value.Foreign,
        TlsFace.SelfSigned => _contexts.Value.SelfSigned,
        _ => _contexts.Value.Good,
    };

    private Contexts MakeContexts()
    {
        var now = DateTimeOffset.UtcNow;
        using var own = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var selfSigned = Describe("localhost", own).CreateSelfSigned(now.AddDays(-1), now.AddDays(30));
        return new Contexts(
            Context(Sign("localhost", now.AddDays(-1), now.AddDays(30))), Context(Sign("localhost", now.AddDays(-30), now.AddDays(-1))),
            Context(Sign("somebody-else.example", now.AddDays(-1), now.AddDays(30))), Context(Portable(selfSigned)));
    }

    private X509Certificate2 Sign(string name, DateTimeOffset from, DateTimeOffset to)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var bare = Describe(name, key).Create(_authority, from, to, RandomNumberGenerator.GetBytes(16));
        using var whole = bare.CopyWithPrivateKey(key);
        return Portable(whole);
    }

    /// <summary>Addresses are named by certificates of <c>localhost</c> only.</summary>
    private static CertificateRequest Describe(string name, ECDsa key)
    {
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName(name);
        for (var last = 1; last <= TlsFaces.AddressesMax && name == "localhost"; last++)
            names.AddIpAddress(new IPAddress(new byte[] { 127, 0, 0, (byte)last }));
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: false, hasPathLengthConstraint: false, 0, critical: true));
        return request;
    }

    private static X509Certificate2 Portable(X509Certificate2 certificate) =>
        X509CertificateLoader.LoadPkcs12(certificate.Export(X509ContentType.Pkcs12), password: null);

    private static SslStreamCertificateContext Context(X509Certificate2 certificate) =>
        SslStreamCertificateContext.Create(certificate, additionalCertificates: null, offline: true);

    private sealed record Contexts(
        SslStreamCertificateContext Good, SslStreamCertificateContext Expired, SslStreamCertificateContext Foreign, SslStreamCertificateContext SelfSigned);
}

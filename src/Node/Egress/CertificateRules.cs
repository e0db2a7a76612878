using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Backhaul.Node.Egress;

/// <summary>
/// Whose certificates are believed: those that the system's authorities signed, or the operator's own (<c>TrustedCertificates</c>), for the host
/// that was asked for and at this time. There is no switch that believes everything. A refusal says which of these it was.
/// Certificates that a server did not send are not fetched: that would be a connection to wherever its certificate says.
/// </summary>
internal sealed class CertificateRules(X509Certificate2Collection trusted)
{
    /// <summary>For servers, without fetching anything.</summary>
    public static X509ChainPolicy Policy() => new()
    {
        DisableCertificateDownloads = true,
        RevocationMode = X509RevocationMode.NoCheck,
        ApplicationPolicy = { new Oid("1.3.6.1.5.5.7.3.1") },
    };

    /// <summary>Certificates in PEM; throws <see cref="CryptographicException"/> when there is none, <see cref="IOException"/> when there is no file.</summary>
    public static X509Certificate2Collection Load(string? path)
    {
        var found = new X509Certificate2Collection();
        if (string.IsNullOrEmpty(path))
            return found;
        found.ImportFromPem(File.ReadAllText(path));
        return found.Count > 0 ? found : throw new CryptographicException("There is no certificate in the file.");
    }

    /// <summary>Null when the certificate is believed; else why not.</summary>
    public string? Refuse(string host, X509Certificate? certificate, X509Chain? chain, SslPolicyErrors errors)
    {
        if (errors == SslPolicyErrors.None)
            return null;
        if (certificate is not X509Certificate2 own || chain is null || errors.HasFlag(SslPolicyErrors.RemoteCertificateNotAvailable))
            return $"{host} sent no certificate.";
        if (errors.HasFlag(SslPolicyErrors.RemoteCertificateChainErrors))
        {
            if (trusted.Count == 0)
                return Explain(host, own, chain);
            using var second = new X509Chain { ChainPolicy = Policy() };
            second.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
            second.ChainPolicy.CustomTrustStore.AddRange(trusted);
            foreach (var element in chain.ChainElements)
                second.ChainPolicy.ExtraStore.Add(element.Certificate);
            second.ChainPolicy.ExtraStore.AddRange(chain.ChainPolicy.ExtraStore);
            if (!second.Build(own))
                return Explain(host, own, second);
        }
        return errors.HasFlag(SslPolicyErrors.RemoteCertificateNameMismatch) ? $"The certificate of {host} is for another host." : null;
    }

    private static string Explain(string host, X509Certificate2 own, X509Chain chain)
    {
        var faults = chain.ChainStatus.Aggregate(X509ChainStatusFlags.NoError, static (all, status) => all | status.Status);
        if (faults.HasFlag(X509ChainStatusFlags.NotTimeValid))
        {
            // One of the chain; which one is in its dates.
            var wrong = chain.ChainElements.FirstOrDefault(static element => element.ChainElementStatus.Any(static status => status.Status.HasFlag(X509ChainStatusFlags.NotTimeValid)));
            var dated = wrong?.Certificate ?? own;
            return $"The certificate of {host} has expired or is not valid yet: it is good from {dated.NotBefore.ToUniversalTime():yyyy-MM-dd} to {dated.NotAfter.ToUniversalTime():yyyy-MM-dd}.";
        }
        if (faults.HasFlag(X509ChainStatusFlags.Revoked))
            return $"The certificate of {host} was revoked.";
        if (!faults.HasFlag(X509ChainStatusFlags.UntrustedRoot) && !faults.HasFlag(X509ChainStatusFlags.PartialChain))
            return $"The certificate of {host} cannot be used for a server ({faults}).";
        return own.SubjectName.RawData.AsSpan().SequenceEqual(own.IssuerName.RawData)
            ? $"The certificate of {host} is self-signed. An operator can trust it under {EgressOptions.Section}:TrustedCertificates."
            : $"The certificate of {host} was issued by an authority that this node does not trust, or its chain is incomplete. An operator can trust another under {EgressOptions.Section}:TrustedCertificates.";
    }
}

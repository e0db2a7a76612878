using System.Security.Cryptography;
using Backhaul.Protocol;

namespace Backhaul.Node.Security;

/// <summary>
/// What is secret in the requests of transfers: the query of a URL, the values of headers, the texts of parts. They are sealed by the edge, before a
/// session or its journal sees them, and opened when a connection is. A URL keeps all before its query in clear (<c>https://host/path?sealed1:…</c>), so that
/// whatever asks for its host works with it as it is. Bound to the tenant and not to the session: resume data carries a URL from one session to another.
/// What was stored before anything was sealed is clear, and opens to itself.
/// </summary>
/// <param name="box">With the keys of the configuration, or of the node alone.</param>
/// <param name="clusterSecret">
/// For a cluster that was given no keys: what is sealed is still no clear text, but whoever has the whole database has its key too. Empty until the node
/// has seen its store.
/// </param>
internal sealed class RequestBox(SecretBox box, Func<ReadOnlyMemory<byte>>? clusterSecret = null)
{
    private SecretBox? _ofCluster;

    /// <summary>False only for a node of a cluster that was given no keys, until it has seen its store.</summary>
    public bool CanSeal => box.CanSeal || OfCluster() is not null;

    public string Seal(TenantId tenant, string text) =>
        (box.CanSeal ? box : OfCluster() ?? throw new InvalidOperationException("There is no key to seal with.")).Seal(text, OwnerOf(tenant));

    /// <summary>The same URL with its query and its fragment sealed.</summary>
    public string SealUrl(TenantId tenant, string url)
    {
        var secret = url.AsSpan().IndexOfAny('?', '#');
        return secret < 0 ? url : string.Concat(url.AsSpan(0, secret), "?", Seal(tenant, url[secret..]));
    }

    /// <summary>Null when this node has not the key that it was sealed with.</summary>
    public string? Open(TenantId tenant, string text) =>
        !SecretBox.IsSealed(text) ? text : box.Open(text, OwnerOf(tenant)) ?? OfCluster()?.Open(text, OwnerOf(tenant));

    /// <summary>Null when this node has not the key that it was sealed with.</summary>
    public string? OpenUrl(TenantId tenant, string url)
    {
        var query = url.IndexOf('?', StringComparison.Ordinal) + 1;
        if (query == 0 || !SecretBox.IsSealed(url[query..]))
            return url;
        return Open(tenant, url[query..]) is { } opened ? string.Concat(url.AsSpan(0, query - 1), opened) : null;
    }

    private SecretBox? OfCluster()
    {
        if (_ofCluster is null && clusterSecret is not null && clusterSecret() is { IsEmpty: false } secret)
            _ofCluster = new SecretBox([HKDF.DeriveKey(HashAlgorithmName.SHA256, secret.ToArray(), SecretBox.KeyBytes, info: "backhaul requests 1"u8.ToArray())]);
        return _ofCluster;
    }

    private static string OwnerOf(TenantId tenant) => $"request/{tenant}";
}

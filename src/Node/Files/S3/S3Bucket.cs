using System.Globalization;
using System.Text;

namespace Backhaul.Node.Files.S3;

/// <summary>A bucket at an endpoint, and how its objects are addressed. Pure.</summary>
/// <param name="Endpoint">Scheme, host and port.</param>
/// <param name="Name">Of the bucket; empty when the keys begin with it, or the endpoint's host does.</param>
/// <param name="Region">Part of every signature.</param>
/// <param name="PathStyle">True: <c>endpoint/bucket/key</c>. False: <c>bucket.endpoint/key</c>.</param>
internal sealed record S3Bucket(Uri Endpoint, string Name, string Region, bool PathStyle)
{
    /// <summary>
    /// An object's URL, or the bucket's for an empty key, encoded the one way that signatures are made of: every byte but those of
    /// <c>A–Z a–z 0–9 - . _ ~ /</c>, the query sorted. The framework's own normalisation is off, since it would change what was signed.
    /// </summary>
    public Uri Url(string key, IReadOnlyList<(string Name, string Value)> query)
    {
        var text = new StringBuilder();
        text.Append(Endpoint.Scheme).Append("://");
        if (!PathStyle && Name.Length > 0)
            text.Append(Name).Append('.');
        text.Append(Endpoint.IdnHost);
        if (!Endpoint.IsDefaultPort)
            text.Append(':').Append(Endpoint.Port.ToString(CultureInfo.InvariantCulture));
        if (PathStyle && Name.Length > 0)
            text.Append('/').Append(Name);
        text.Append('/').Append(EncodeKey(key));
        var parameters = query.Select(one => $"{Uri.EscapeDataString(one.Name)}={Uri.EscapeDataString(one.Value)}").Order(StringComparer.Ordinal);
        var joined = string.Join('&', parameters);
        if (joined.Length > 0)
            text.Append('?').Append(joined);
        return new Uri(text.ToString(), new UriCreationOptions { DangerousDisablePathAndQueryCanonicalization = true });
    }

    public static string EncodeKey(string key) => string.Join('/', key.Split('/').Select(Uri.EscapeDataString));
}

using System.Net;
using Backhaul.Node.Files.S3;

namespace Backhaul.Node.Transfers.Uploads.S3;

/// <summary>
/// Where an object will lie, read from its URL. Whether the bucket stands in the path or in the host makes no difference to any request: each is sent to this
/// URL, and a signature covers host and path as they are. Pure.
/// </summary>
internal sealed record S3Target(S3Bucket Bucket, string Key)
{
    private const string UsualRegion = "us-east-1";

    /// <summary>The target, or why the URL names no object.</summary>
    public static (S3Target? Target, string? Why) Parse(Uri url, string? region)
    {
        if (url.Query.Length > 0)
            return (null, "has a query. A URL that was signed beforehand is a plain upload by PUT; for s3 give the object's own URL.");
        var key = Uri.UnescapeDataString(url.AbsolutePath)[1..]; // further slashes at its beginning are part of it
        if (key.Length == 0 || key.EndsWith('/'))
            return (null, "names no object: it ends where the key should be.");
        if (key.Split('/').Any(part => part is "." or ".."))
            return (null, "has . or .. as a part of the key (written as %2F..%2F): no request can carry it, and it would be another key on the way.");
        if (!key.Contains('/', StringComparison.Ordinal) && (IPAddress.TryParse(url.DnsSafeHost, out _) || !url.Host.Contains('.', StringComparison.Ordinal)))
            return (null, "names a bucket and no object in it.");
        var endpoint = new Uri(url.GetLeftPart(UriPartial.Authority));
        return (new S3Target(new S3Bucket(endpoint, "", region ?? RegionOf(url.IdnHost), PathStyle: true), key), null);
    }

    /// <summary>Stores with regions name theirs behind <c>s3</c> in their hosts: <c>bucket.s3.eu-west-1.example.com</c>.</summary>
    private static string RegionOf(string host)
    {
        var labels = host.Split('.');
        var service = Array.LastIndexOf(labels, "s3");
        return service >= 0 && labels.Length - service >= 4 ? labels[service + 1] : UsualRegion;
    }
}

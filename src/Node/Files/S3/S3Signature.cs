using System.Globalization;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;

namespace Backhaul.Node.Files.S3;

/// <summary>
/// Signature Version 4 in the request's headers. Signed are the host, every <c>x-amz-</c> header, conditions and the range, and the SHA-256 of the body: the
/// store refuses a body that changed on the way. Pure but for the request that it completes.
/// </summary>
internal static class S3Signature
{
    /// <summary>The SHA-256 of no bytes.</summary>
    public const string EmptyHash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    private const string Algorithm = "AWS4-HMAC-SHA256";

    public static void Sign(HttpRequestMessage request, string bodySha256, S3Credentials credentials, string region, DateTimeOffset now)
    {
        var moment = now.UtcDateTime.ToString("yyyyMMdd'T'HHmmss'Z'", CultureInfo.InvariantCulture);
        var scope = $"{moment[..8]}/{region}/s3/aws4_request";
        request.Headers.Add("x-amz-content-sha256", bodySha256);
        request.Headers.Add("x-amz-date", moment);
        if (credentials.SessionToken is { } token)
            request.Headers.Add("x-amz-security-token", token);
        var url = request.RequestUri!;
        var signed = new SortedDictionary<string, string>(StringComparer.Ordinal) { ["host"] = url.IsDefaultPort ? url.IdnHost : $"{url.IdnHost}:{url.Port.ToString(CultureInfo.InvariantCulture)}" };
        foreach (var (name, values) in request.Headers)
        {
            var lower = name.ToLowerInvariant();
            if (lower.StartsWith("x-amz-", StringComparison.Ordinal) || lower is "range" or "if-match" or "if-none-match")
                signed[lower] = string.Join(',', values).Trim();
        }
        var names = string.Join(';', signed.Keys);
        var canonical = new StringBuilder()
            .Append(request.Method.Method).Append('\n')
            .Append(url.AbsolutePath).Append('\n')
            .Append(url.Query.TrimStart('?')).Append('\n');
        foreach (var (name, value) in signed)
            canonical.Append(name).Append(':').Append(value).Append('\n');
        canonical.Append('\n').Append(names).Append('\n').Append(bodySha256);
        var toSign = $"{Algorithm}\n{moment}\n{scope}\n{Hex(SHA256.HashData(Encoding.UTF8.GetBytes(canonical.ToString())))}";
        var signature = Hex(Hmac(Key(credentials.SecretKey, moment[..8], region), toSign));
        request.Headers.Authorization = new AuthenticationHeaderValue(
            Algorithm, $"Credential={credentials.AccessKey}/{scope},SignedHeaders={names},Signature={signature}");
    }

    public static string HashOf(ReadOnlySpan<byte> body) => body.IsEmpty ? EmptyHash : Hex(SHA256.HashData(body));

    private static byte[] Key(string secret, string day, string region) =>
        Hmac(Hmac(Hmac(Hmac(Encoding.UTF8.GetBytes("AWS4" + secret), day), region), "s3"), "aws4_request");

    private static byte[] Hmac(byte[] key, string text) => HMACSHA256.HashData(key, Encoding.UTF8.GetBytes(text));

    private static string Hex(byte[] bytes) => Convert.ToHexStringLower(bytes);
}

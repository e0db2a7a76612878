using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Backhaul.Node.Egress;
using Backhaul.Node.Files.S3;

namespace Backhaul.Node.Transfers.Uploads.S3;

/// <summary>
/// The requests of one attempt to an object store: signed, and sent as every request of a transfer is, by the <see cref="RequestSender"/>. None is repeated
/// here, since repeating is the session's. What the store's client sees as no answer is kept with its reason.
/// </summary>
internal sealed class S3Exchange
{
    private const int ErrorBytesMax = 64 * 1024;

    /// <summary>The end of a long upload may take a store minutes, in which it sends blanks.</summary>
    private static readonly TimeSpan AnswerMax = TimeSpan.FromMinutes(10);

    private readonly UploadRun _run;
    private readonly S3Target _target;
    private readonly S3Credentials _credentials;

    public S3Exchange(UploadRun run, S3Target target, SigningKeys keys)
    {
        (_run, _target, _credentials) = (run, target, new S3Credentials(keys.AccessKey, keys.SecretKey));
        Client = new S3Client(target.Bucket, _credentials, SendAsync, new S3Patience { Answer = AnswerMax, Repetitions = 0 }, run.Services.Time, random: null);
    }

    public S3Client Client { get; }

    public string Key => _target.Key;

    /// <summary>Of the latest request: the head of its answer, or why none came.</summary>
    public OutboundAnswer.Head? Head { get; private set; }
    public AttemptFailure? Failure { get; private set; }

    /// <summary>The latest request ended because the attempt is not wanted any more.</summary>
    public bool IsEnded { get; private set; }

    /// <summary>The task's headers that a store keeps with an object or acts on, to be signed.</summary>
    public IReadOnlyList<(string Name, string Value)> Meta =>
        [.. _run.Order.Headers.Where(header => IsMeta(header.Key)).Select(header => (header.Key.ToLowerInvariant(), header.Value))];

    /// <summary>Bytes of the source become a part, or the whole object without one.</summary>
    public async ValueTask<S3Reply> PutAsync(long from, long count, (int Number, string UploadId)? part)
    {
        var digest = Convert.ToHexStringLower(await SourceDigest.ComputeAsync(_run, HashAlgorithmName.SHA256, from, count));
        IReadOnlyList<(string, string)> query = part is { } one
            ? [("partNumber", one.Number.ToString(CultureInfo.InvariantCulture)), ("uploadId", one.UploadId)]
            : [];
        using var request = new HttpRequestMessage(HttpMethod.Put, _target.Bucket.Url(_target.Key, query));
        if (part is null)
        {
            foreach (var (name, value) in Meta)
                request.Headers.Add(name, value);
        }
        S3Signature.Sign(request, digest, _credentials, _target.Bucket.Region, _run.Services.Time.GetUtcNow());
        var answer = await _run.SendBytesAsync(
            new OutboundAsk
            {
                Url = request.RequestUri!,
                Method = HttpMethod.Put,
                Extra = [.. Fields(request), .. part is null ? Describing() : []],
                Signed = true,
                OwnContent = part is not null,
            },
            from, count);
        if (Take(answer) is not { } message)
            return S3Reply.None(Failure?.Message ?? "");
        var text = Encoding.UTF8.GetString((await RequestSender.ReadSmallBodyAsync(message, _run.Watch, ErrorBytesMax)).Span);
        return S3Reply.Of(message, text, S3Xml.Error(text));
    }

    /// <summary>How the store's client sends.</summary>
    private async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken stop)
    {
        var body = request.Content is { } content ? await content.ReadAsByteArrayAsync(stop) : null;
        var begins = request.Method == HttpMethod.Post && request.RequestUri!.Query.StartsWith("?uploads", StringComparison.Ordinal);
        var answer = await _run.SendAsync(new OutboundAsk
        {
            Url = request.RequestUri!,
            Method = request.Method,
            Extra = [.. Fields(request), .. begins ? Describing() : []],
            Body = body is null ? null : () => new ByteArrayContent(body),
            Signed = true,
            OwnContent = !begins,
        });
        return Take(answer) ?? throw new HttpRequestException(Failure?.Message ?? "The attempt is not wanted any more.");
    }

    private HttpResponseMessage? Take(OutboundAnswer answer)
    {
        Head = answer as OutboundAnswer.Head;
        Failure = (answer as OutboundAnswer.Failed)?.Failure;
        IsEnded = answer is OutboundAnswer.Ended;
        return Head?.Message;
    }

    private static IEnumerable<(string, string)> Fields(HttpRequestMessage request) =>
        request.Headers.NonValidated.Select(header => (header.Key, header.Value.ToString()));

    /// <summary>The task's headers that say what the object is, where it begins.</summary>
    private List<(string, string)> Describing() =>
    [
        .. _run.Order.Headers.Where(header => !IsAmazon(header.Key) && !IsReserved(header.Key)).Select(header => (header.Key, header.Value)),
    ];

    private static bool IsAmazon(string name) => name.StartsWith("x-amz-", StringComparison.OrdinalIgnoreCase);

    /// <summary>Not what makes the signature, nor what would turn an upload into a copy.</summary>
    private static bool IsMeta(string name) => IsAmazon(name)
        && !name.StartsWith("x-amz-copy-source", StringComparison.OrdinalIgnoreCase)
        && name.ToLowerInvariant() is not ("x-amz-date" or "x-amz-content-sha256" or "x-amz-security-token");

    private static bool IsReserved(string name) => name.ToLowerInvariant() is "authorization" or "content-md5" or "range" or "if-match" or "if-none-match" or "user-agent";
}

using System.Globalization;
using System.Net.Sockets;
using System.Text;
using Backhaul.Node.Actors;
using Backhaul.Node.Egress;

namespace Backhaul.Node.Files.S3;

/// <summary>
/// The operations of the S3 protocol that the node needs, on one bucket. Every request is signed, goes out by the way it was given, and is repeated a few times
/// with growing pauses when no answer came or the store asks for patience: each of them may be carried out twice, and callers who care what became of the
/// first (the end of a multipart upload) look afterwards. A call with an owner asks it right before each time, the repetitions too: pauses and time limits are long
/// enough to lose a lease in (<see cref="OwnershipLostException"/>). What a store answers is a value, <see cref="S3Reply"/>, never an exception.
/// <para>
/// Nothing is taken from the environment: no profiles, no metadata services, no credentials but those it is given.
/// </para>
/// </summary>
internal sealed class S3Client(
    S3Bucket bucket, S3Credentials credentials, Func<HttpRequestMessage, CancellationToken, Task<HttpResponseMessage>> send, S3Patience patience,
    TimeProvider time, IRandom? random)
{
    /// <summary>Which multipart upload or PUT an object came from: how a finished object is known again after a crash.</summary>
    public const string BirthHeader = "x-amz-meta-backhaul-birth";

    public S3Bucket Bucket => bucket;

    public ValueTask<S3Reply> HeadAsync(string key, CancellationToken stop) => SendAsync(new S3Call(HttpMethod.Head, key), stop);

    /// <summary>From a byte to the object's end, of the version with this tag only. The caller disposes the reply and reads its body.</summary>
    public ValueTask<S3Reply> GetAsync(string key, long from, string? etag, CancellationToken stop) => SendAsync(
        new S3Call(HttpMethod.Get, key)
        {
            RangeFrom = from > 0 ? from : null,
            Headers = etag is null ? [] : [("If-Match", etag)],
            StreamsBody = true,
        },
        stop);

    /// <summary>The whole body of a small object as text; empty unless the reply is good.</summary>
    public ValueTask<S3Reply> GetTextAsync(string key, CancellationToken stop) => SendAsync(new S3Call(HttpMethod.Get, key), stop);

    /// <param name="key">Of the object.</param>
    /// <param name="body">All of it.</param>
    /// <param name="birth">By which it is known again; null for none.</param>
    /// <param name="stop">Ends the call.</param>
    /// <param name="conditions">Such as <c>If-None-Match</c>. A store that does not know them ignores them.</param>
    /// <param name="owner">Asked before each time.</param>
    public ValueTask<S3Reply> PutAsync(
        string key, ReadOnlyMemory<byte> body, string? birth, CancellationToken stop, IReadOnlyList<(string, string)>? conditions = null, PartOwner? owner = null) =>
        SendAsync(new S3Call(HttpMethod.Put, key) { Body = body, Headers = [.. Birth(birth), .. conditions ?? []], Owner = owner }, stop);

    /// <summary>An object of the same endpoint becomes another one, without its bytes leaving the store. At most 5 GiB.</summary>
    public ValueTask<S3Reply> CopyAsync(string key, string source, string etag, CancellationToken stop) => SendAsync(
        new S3Call(HttpMethod.Put, key) { Headers = [("x-amz-copy-source", source), ("x-amz-copy-source-if-match", etag)] }, stop);

    /// <summary>A range of another object becomes a part.</summary>
    public ValueTask<S3Reply> CopyPartAsync(string key, string uploadId, int number, string source, string etag, ByteRange range, CancellationToken stop) => SendAsync(
        new S3Call(HttpMethod.Put, key)
        {
            Query = [("partNumber", number.ToString(CultureInfo.InvariantCulture)), ("uploadId", uploadId)],
            Headers =
            [
                ("x-amz-copy-source", source), ("x-amz-copy-source-if-match", etag),
                ("x-amz-copy-source-range", string.Create(CultureInfo.InvariantCulture, $"bytes={range.From}-{range.To - 1}")),
            ],
        },
        stop);

    /// <summary>How an object is named as the source of a copy.</summary>
    public string CopySource(string key) => $"/{bucket.Name}/{S3Bucket.EncodeKey(key)}";

    /// <param name="key">Of the object.</param>
    /// <param name="etag">Only the version with this tag; null for whichever is there. A store that does not know the condition ignores it, or has no such operation.</param>
    /// <param name="stop">Ends the call.</param>
    public ValueTask<S3Reply> DeleteAsync(string key, string? etag, CancellationToken stop) =>
        SendAsync(new S3Call(HttpMethod.Delete, key) { Headers = etag is null ? [] : [("If-Match", etag)] }, stop);

    /// <summary>A page of the objects whose keys begin so.</summary>
    public async ValueTask<(S3Reply Reply, List<S3Object> Objects, string? Next)> ListAsync(string prefix, string? from, int max, CancellationToken stop)
    {
        var query = new List<(string, string)> { ("list-type", "2"), ("prefix", prefix), ("max-keys", max.ToString(CultureInfo.InvariantCulture)) };
        if (from is not null)
            query.Add(("continuation-token", from));
        var reply = await SendAsync(new S3Call(HttpMethod.Get, "") { Query = query }, stop);
        var (objects, next) = reply.IsGood ? S3Xml.Objects(reply.Text) : ([], null);
        return (reply, objects, next);
    }

    /// <summary>Begins a multipart upload. Its id is null when the reply is not good, or has none.</summary>
    public async ValueTask<(S3Reply Reply, string? UploadId)> CreateUploadAsync(
        string key, string? birth, IReadOnlyList<(string Name, string Value)> headers, CancellationToken stop, PartOwner? owner = null)
    {
        var reply = await SendAsync(new S3Call(HttpMethod.Post, key) { Query = [("uploads", "")], Headers = [.. Birth(birth), .. headers], Owner = owner }, stop);
        return (reply, reply.IsGood ? S3Xml.Value(reply.Text, "InitiateMultipartUploadResult/UploadId") : null);
    }

    public ValueTask<S3Reply> UploadPartAsync(
        string key, string uploadId, int number, ReadOnlyMemory<byte> body, CancellationToken stop, PartOwner? owner = null) => SendAsync(
        new S3Call(HttpMethod.Put, key)
        {
            Query = [("partNumber", number.ToString(CultureInfo.InvariantCulture)), ("uploadId", uploadId)],
            Body = body,
            Owner = owner,
        },
        stop);

    /// <summary>Ends a multipart upload. After an answer that did not come, or <c>NoSuchUpload</c>, the object may be there: look.</summary>
    public ValueTask<S3Reply> CompleteUploadAsync(
        string key, string uploadId, IEnumerable<S3Part> parts, CancellationToken stop, IReadOnlyList<(string, string)>? conditions = null, PartOwner? owner = null) => SendAsync(
        new S3Call(HttpMethod.Post, key) { Query = [("uploadId", uploadId)], Body = S3Xml.Completion(parts), Headers = conditions ?? [], Owner = owner }, stop);

    public ValueTask<S3Reply> AbortUploadAsync(string key, string uploadId, CancellationToken stop) =>
        SendAsync(new S3Call(HttpMethod.Delete, key) { Query = [("uploadId", uploadId)] }, stop);

    /// <summary>All parts that the store has of an upload; empty unless the reply is good.</summary>
    public async ValueTask<(S3Reply Reply, List<S3Part> Parts)> ListPartsAsync(string key, string uploadId, CancellationToken stop)
    {
        var all = new List<S3Part>();
        string? after = null;
        while (true)
        {
            var query = new List<(string, string)> { ("uploadId", uploadId), ("max-parts", "1000") };
            if (after is not null)
                query.Add(("part-number-marker", after));
            var reply = await SendAsync(new S3Call(HttpMethod.Get, key) { Query = query }, stop);
            if (!reply.IsGood)
                return (reply, []);
            var (parts, next) = S3Xml.Parts(reply.Text);
            all.AddRange(parts);
            if (next is null || next == after || parts.Count == 0 || all.Count >= PartPlan.PartsMax) // a page of nothing is the last, whatever it says
                return (reply, all);
            after = next;
        }
    }

    private static IReadOnlyList<(string, string)> Birth(string? birth) => birth is null ? [] : [(BirthHeader, birth)];

    private async ValueTask<S3Reply> SendAsync(S3Call call, CancellationToken stop)
    {
        var hash = S3Signature.HashOf(call.Body.Span);
        for (var again = 0; ; again++)
        {
            call.Owner?.Check();
            var reply = await SendOnceAsync(call, hash, stop);
            if (!reply.IsAway || again >= patience.Repetitions)
                return reply;
            reply.Dispose();
            var pause = Math.Min(patience.PauseMax.TotalMilliseconds, patience.Pause.TotalMilliseconds * Math.Pow(2, again));
            await Task.Delay(TimeSpan.FromMilliseconds(pause * (0.5 + ((random?.NextUnit() ?? 1) / 2))), time, stop);
        }
    }

    private async ValueTask<S3Reply> SendOnceAsync(S3Call call, string hash, CancellationToken stop)
    {
        using var limit = new CancellationTokenSource(patience.For(call.Body.Length), time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, stop);
        using var request = Request(call, hash);
        HttpResponseMessage? message = null;
        try
        {
            message = await send(request, either.Token);
            var good = (int)message.StatusCode is >= 200 and < 300;
            if (good && call.StreamsBody)
                return S3Reply.Of(message, "", null);
            var text = call.Method == HttpMethod.Head ? "" : await ReadTextAsync(message, either.Token);
            var error = S3Xml.Error(text);
            return S3Reply.Of(message, text, good && call.Method == HttpMethod.Get ? null : error);
        }
        catch (Exception failed) when (IsNetwork(failed) || (failed is OperationCanceledException && !stop.IsCancellationRequested))
        {
            message?.Dispose();
            if (OutboundException.Find(failed) is { } refused)
                return S3Reply.None(refused.Message);
            return S3Reply.None(limit.IsCancellationRequested
                ? $"{bucket.Endpoint.Authority} did not answer within {patience.For(call.Body.Length).TotalSeconds:0} s."
                : $"The connection to {bucket.Endpoint.Authority} failed ({failed.GetType().Name}).");
        }
    }

    private HttpRequestMessage Request(S3Call call, string hash)
    {
        var request = new HttpRequestMessage(call.Method, bucket.Url(call.Key, call.Query));
        foreach (var (name, value) in call.Headers)
            request.Headers.Add(name, value);
        if (call.RangeFrom is { } from)
            request.Headers.Range = new System.Net.Http.Headers.RangeHeaderValue(from, null);
        if (call.Method == HttpMethod.Put || call.Method == HttpMethod.Post)
            request.Content = new ReadOnlyMemoryContent(call.Body);
        S3Signature.Sign(request, hash, credentials, bucket.Region, time.GetUtcNow());
        return request;
    }

    private static async ValueTask<string> ReadTextAsync(HttpResponseMessage message, CancellationToken stop)
    {
        await using var body = await message.Content.ReadAsStreamAsync(stop);
        using var text = new MemoryStream();
        var buffer = new byte[16 * 1024];
        while (text.Length < S3Xml.BytesMax)
        {
            var count = await body.ReadAsync(buffer, stop);
            if (count == 0)
                break;
            text.Write(buffer, 0, count);
        }
        return Encoding.UTF8.GetString(text.GetBuffer(), 0, (int)text.Length);
    }

    public static bool IsNetwork(Exception failed) => failed is HttpRequestException or IOException or SocketException;
}

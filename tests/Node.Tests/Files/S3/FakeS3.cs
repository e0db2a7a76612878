using System.Collections.Concurrent;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Xml.Linq;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;

namespace Backhaul.Node.Tests.Files.S3;

/// <summary>
/// An object store in this process, over real HTTP: one bucket, strict where real stores are (signatures, sizes of parts, tags at the end of an upload, uploads
/// that are gone), with a journal of requests, and with a fault for each request that a test asks for.
/// </summary>
internal sealed class FakeS3 : IAsyncDisposable
{
    public const string Bucket = "transfers";
    public const string AccessKey = "AKEXAMPLE";
    public const string SecretKey = "not/a+secret";
    public const string Region = "us-east-1";

    private readonly WebApplication _app;
    private readonly Lock _gate = new();
    private readonly Dictionary<string, StoredObject> _objects = new(StringComparer.Ordinal);
    private readonly Dictionary<string, OpenUpload> _uploads = new(StringComparer.Ordinal);
    private int _ids;

    private FakeS3(WebApplication app) => _app = app;

    public Uri Url { get; private set; } = null!;

    /// <summary>Smaller than real stores demand, so that tests need no large files; 0 takes any.</summary>
    public long PartBytesMin { get; set; }

    /// <summary>What is done to a request instead of, or after, carrying it out.</summary>
    public Func<FakeCall, FakeFault?>? OnCall { get; set; }

    /// <summary>How the ids of uploads begin, and the tags of parts end.</summary>
    public string IdStart { get; set; } = "upload-";
    public string TagEnd { get; set; } = "";

    /// <summary>Every page of a list of parts is empty and names a next one.</summary>
    public bool ListsForEver { get; set; }

    public ConcurrentQueue<FakeCall> Calls { get; } = new();

    /// <summary>The bodies of parts, whole or not, as they come in.</summary>
    public ConcurrentQueue<FakePart> Parts { get; } = new();

    /// <summary>What the latest upload or object was begun with.</summary>
    public IReadOnlyDictionary<string, string> Begun { get; private set; } = new Dictionary<string, string>();

    public IReadOnlyList<string> Keys
    {
        get
        {
            lock (_gate)
                return [.. _objects.Keys.Order(StringComparer.Ordinal)];
        }
    }

    public IReadOnlyList<string> OpenUploads
    {
        get
        {
            lock (_gate)
                return [.. _uploads.Keys];
        }
    }

    public static async Task<FakeS3> StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.Listen(System.Net.IPAddress.Loopback, 0);
            kestrel.Limits.MaxRequestBodySize = null;
        });
        var app = builder.Build();
        var store = new FakeS3(app);
        app.Run(store.ServeAsync);
        await app.StartAsync();
        store.Url = new Uri(app.Urls.Single());
        return store;
    }

    public byte[]? Content(string key)
    {
        lock (_gate)
            return _objects.GetValueOrDefault(key)?.Content;
    }

    /// <summary>As somebody else would.</summary>
    public void Put(string key, byte[] content)
    {
        lock (_gate)
            _objects[key] = new StoredObject(content, Tag(content), null, DateTimeOffset.UtcNow);
    }

    /// <summary>As a lifecycle rule would.</summary>
    public void ForgetUploads()
    {
        lock (_gate)
            _uploads.Clear();
    }

    /// <summary>As an older owner would who sends its part once more, under a tag of its own.</summary>
    public void Resend(string uploadId, int number, byte[] content, string tag)
    {
        lock (_gate)
            _uploads[uploadId].Parts[number] = (content, tag);
    }

    public async ValueTask DisposeAsync() => await _app.DisposeAsync();

    private async Task ServeAsync(HttpContext context)
    {
        var target = context.Features.Get<IHttpRequestFeature>()!.RawTarget.Split('?');
        var path = Uri.UnescapeDataString(target[0]).TrimStart('/');
        var key = path == Bucket ? "" : path.StartsWith(Bucket + "/", StringComparison.Ordinal) ? path[(Bucket.Length + 1)..] : null;
        var query = context.Request.Query.ToDictionary(pair => pair.Key, pair => pair.Value.ToString(), StringComparer.Ordinal);
        if (await ReceiveAsync(context, key ?? path, query) is not { } body)
            return;
        var call = new FakeCall(context.Request.Method, key ?? path, query, body, context.Request.Headers.Range.ToString());
        Calls.Enqueue(call);
        var fault = OnCall?.Invoke(call);
        if (fault is { HasEffect: false })
        {
            await AnswerFaultAsync(context, fault);
            return;
        }
        var answer = SignatureFault(context, target[0], target.Length > 1 ? target[1] : "", body)
            ?? (key is null ? Answer.Error(404, "NoSuchBucket") : CarryOut(call, key, context.Request.Headers));
        if (fault is not null)
            await AnswerFaultAsync(context, fault);
        else
            await SendAsync(context, answer);
    }

    /// <summary>Null when the client went away before its end.</summary>
    private async Task<byte[]?> ReceiveAsync(HttpContext context, string key, Dictionary<string, string> query)
    {
        var part = new FakePart(key, query.GetValueOrDefault("partNumber", ""));
        if (part.Number.Length > 0)
            Parts.Enqueue(part);
        using var body = new MemoryStream();
        var buffer = new byte[64 * 1024];
        try
        {
            for (int count; (count = await context.Request.Body.ReadAsync(buffer)) > 0; part.Add(count))
                body.Write(buffer, 0, count);
            return body.ToArray();
        }
        catch (IOException)
        {
            return null;
        }
    }

    private static async Task AnswerFaultAsync(HttpContext context, FakeFault fault)
    {
        if (fault.Status == 0)
            context.Abort();
        else
            await SendAsync(context, Answer.Error(fault.Status, fault.Code));
    }

    private static async Task SendAsync(HttpContext context, Answer answer)
    {
        context.Response.StatusCode = answer.Status;
        foreach (var (name, value) in answer.Headers)
            context.Response.Headers[name] = value;
        context.Response.ContentLength = answer.Body.Length;
        if (context.Request.Method != "HEAD" && answer.Status != 204)
            await context.Response.Body.WriteAsync(answer.Body);
        if (answer.Status == 204)
            context.Response.ContentLength = null;
    }

    private Answer CarryOut(FakeCall call, string key, IHeaderDictionary headers)
    {
        lock (_gate)
        {
            var uploadId = call.Query.GetValueOrDefault("uploadId");
            return (call.Method, uploadId) switch
            {
                ("GET", null) when key.Length == 0 => List(call.Query),
                ("POST", null) when call.Query.ContainsKey("uploads") => Begin(key, headers),
                ("PUT", not null) => PutPart(uploadId, key, call),
                ("GET", not null) => ListParts(uploadId, key, call.Query),
                ("POST", not null) => Complete(uploadId, key, call.Body),
                ("DELETE", not null) => Abort(uploadId, key),
                ("PUT", null) => PutObject(key, call.Body, headers),
                ("GET" or "HEAD", null) => Get(key, headers),
                ("DELETE", null) => Delete(key, headers),
                _ => Answer.Error(405, "MethodNotAllowed"),
            };
        }
    }

    private Answer List(Dictionary<string, string> query)
    {
        var prefix = query.GetValueOrDefault("prefix", "");
        var max = int.Parse(query.GetValueOrDefault("max-keys", "1000"), CultureInfo.InvariantCulture);
        var after = query.GetValueOrDefault("continuation-token", "");
        var keys = _objects.Keys.Where(key => key.StartsWith(prefix, StringComparison.Ordinal) && string.CompareOrdinal(key, after) > 0)
            .Order(StringComparer.Ordinal).ToList();
        var page = keys.Take(max).ToList();
        var root = new XElement(
            "ListBucketResult", new XElement("IsTruncated", keys.Count > page.Count ? "true" : "false"),
            keys.Count > page.Count ? new XElement("NextContinuationToken", page[^1]) : null,
            page.Select(key => new XElement(
                "Contents", new XElement("Key", key), new XElement("Size", _objects[key].Content.Length),
                new XElement("LastModified", _objects[key].Modified.ToString("O", CultureInfo.InvariantCulture)))));
        return Answer.Xml(root);
    }

    private Answer Begin(string key, IHeaderDictionary headers)
    {
        var id = $"{IdStart}{++_ids}";
        _uploads[id] = new OpenUpload(key, Birth(headers));
        Begun = headers.ToDictionary(header => header.Key, header => header.Value.ToString(), StringComparer.OrdinalIgnoreCase);
        return Answer.Xml(new XElement("InitiateMultipartUploadResult", new XElement("Key", key), new XElement("UploadId", id)));
    }

    private Answer PutPart(string uploadId, string key, FakeCall call)
    {
        if (!_uploads.TryGetValue(uploadId, out var upload) || upload.Key != key)
            return Answer.Error(404, "NoSuchUpload");
        var tag = Tag(call.Body);
        upload.Parts[int.Parse(call.Query["partNumber"], CultureInfo.InvariantCulture)] = (call.Body, tag);
        return new Answer(200, [], [("ETag", tag + TagEnd)]);
    }

    private Answer ListParts(string uploadId, string key, Dictionary<string, string> query)
    {
        if (!_uploads.TryGetValue(uploadId, out var upload) || upload.Key != key)
            return Answer.Error(404, "NoSuchUpload");
        var after = int.Parse(query.GetValueOrDefault("part-number-marker", "0"), CultureInfo.InvariantCulture);
        if (ListsForEver)
            return Answer.Xml(new XElement("ListPartsResult", new XElement("IsTruncated", "true"), new XElement("NextPartNumberMarker", after + 1)));
        var all = upload.Parts.Where(part => part.Key > after).ToList();
        var page = all.Take(7).ToList(); // short pages, so that every test turns some
        return Answer.Xml(new XElement(
            "ListPartsResult", new XElement("IsTruncated", all.Count > page.Count ? "true" : "false"),
            page.Count > 0 ? new XElement("NextPartNumberMarker", page[^1].Key) : null,
            page.Select(part => new XElement(
                "Part", new XElement("PartNumber", part.Key), new XElement("ETag", part.Value.Tag), new XElement("Size", part.Value.Content.Length)))));
    }

    private Answer Complete(string uploadId, string key, byte[] body)
    {
        if (!_uploads.TryGetValue(uploadId, out var upload) || upload.Key != key)
            return Answer.Error(404, "NoSuchUpload");
        var asked = XDocument.Parse(Encoding.UTF8.GetString(body)).Root!.Elements()
            .Select(part => (Number: (int)part.Elements().First(e => e.Name.LocalName == "PartNumber"), Tag: (string)part.Elements().First(e => e.Name.LocalName == "ETag"))).ToList();
        if (asked.Count == 0 || !asked.Select(part => part.Number).SequenceEqual(asked.Select(part => part.Number).Order()))
            return Answer.Error(400, "InvalidPartOrder");
        var content = new MemoryStream();
        for (var i = 0; i < asked.Count; i++)
        {
            if (!upload.Parts.TryGetValue(asked[i].Number, out var part) || part.Tag.Trim('"') != asked[i].Tag.Trim('"'))
                return Answer.Error(400, "InvalidPart");
            if (i < asked.Count - 1 && part.Content.Length < PartBytesMin)
                return Answer.Error(400, "EntityTooSmall");
            content.Write(part.Content);
        }
        var tag = WholeTag([.. asked.Select(part => part.Tag.Trim('"'))]);
        _objects[key] = new StoredObject(content.ToArray(), tag, upload.Birth, DateTimeOffset.UtcNow);
        _uploads.Remove(uploadId);
        return Answer.Xml(new XElement("CompleteMultipartUploadResult", new XElement("Key", key), new XElement("ETag", tag)));
    }

    private Answer Abort(string uploadId, string key) =>
        _uploads.TryGetValue(uploadId, out var upload) && upload.Key == key && _uploads.Remove(uploadId) ? new Answer(204, [], []) : Answer.Error(404, "NoSuchUpload");

    private Answer PutObject(string key, byte[] body, IHeaderDictionary headers)
    {
        if (headers.IfNoneMatch == "*" && _objects.ContainsKey(key))
            return Answer.Error(412, "PreconditionFailed");
        if (headers.IfMatch.Count > 0 && _objects.GetValueOrDefault(key)?.Tag != headers.IfMatch.ToString())
            return Answer.Error(412, "PreconditionFailed");
        if (headers.TryGetValue("x-amz-copy-source", out var source))
        {
            if (!_objects.TryGetValue(Uri.UnescapeDataString(source.ToString())[(Bucket.Length + 2)..], out var copied) || copied.Tag != headers["x-amz-copy-source-if-match"])
                return Answer.Error(412, "PreconditionFailed");
            _objects[key] = copied;
            return Answer.Xml(new XElement("CopyObjectResult", new XElement("ETag", copied.Tag)));
        }
        _objects[key] = new StoredObject(body, Tag(body), Birth(headers), DateTimeOffset.UtcNow);
        Begun = headers.ToDictionary(header => header.Key, header => header.Value.ToString(), StringComparer.OrdinalIgnoreCase);
        return new Answer(200, [], [("ETag", _objects[key].Tag)]);
    }

    private Answer Get(string key, IHeaderDictionary headers)
    {
        if (!_objects.TryGetValue(key, out var found))
            return Answer.Error(404, "NoSuchKey");
        if (headers.IfMatch.Count > 0 && headers.IfMatch.ToString() != found.Tag)
            return Answer.Error(412, "PreconditionFailed");
        List<(string, string)> shown = [("ETag", found.Tag), ("Last-Modified", found.Modified.ToString("R", CultureInfo.InvariantCulture))];
        if (found.Birth is not null)
            shown.Add(("x-amz-meta-backhaul-birth", found.Birth));
        if (headers.Range.Count == 0)
            return new Answer(200, found.Content, shown);
        var from = int.Parse(headers.Range.ToString()["bytes=".Length..].TrimEnd('-'), CultureInfo.InvariantCulture);
        if (from >= found.Content.Length)
            return Answer.Error(416, "InvalidRange");
        shown.Add(("Content-Range", $"bytes {from}-{found.Content.Length - 1}/{found.Content.Length}"));
        return new Answer(206, found.Content[from..], shown);
    }

    private Answer Delete(string key, IHeaderDictionary headers)
    {
        if (headers.IfMatch.Count > 0 && _objects.TryGetValue(key, out var found) && headers.IfMatch.ToString() != found.Tag)
            return Answer.Error(412, "PreconditionFailed");
        _objects.Remove(key);
        return new Answer(204, [], []);
    }

    private static string? Birth(IHeaderDictionary headers) =>
        headers.TryGetValue("x-amz-meta-backhaul-birth", out var birth) ? birth.ToString() : null;

#pragma warning disable CA5351 // what stores make their tags of
    private static string Tag(byte[] content) => $"\"{Convert.ToHexStringLower(MD5.HashData(content))}\"";

    /// <summary>Digest of the parts' digests; parts whose tags are none give the object one that says nothing.</summary>
    private static string WholeTag(List<string> tags)
    {
        var digests = tags.Select(tag => tag.Length == 32 && tag.All(char.IsAsciiHexDigit) ? Convert.FromHexString(tag) : Encoding.UTF8.GetBytes(tag));
        return $"\"{Convert.ToHexStringLower(MD5.HashData([.. digests.SelectMany(digest => digest)]))}-{tags.Count}\"";
    }
#pragma warning restore CA5351

    /// <summary>Written by the specification, apart from the code under test.</summary>
    private static Answer? SignatureFault(HttpContext context, string path, string query, byte[] body)
    {
        var headers = context.Request.Headers;
        var fields = headers.Authorization.ToString().Replace("AWS4-HMAC-SHA256 ", "", StringComparison.Ordinal).Split(',')
            .Select(field => field.Trim().Split('=', 2)).Where(field => field.Length == 2).ToDictionary(field => field[0], field => field[1], StringComparer.Ordinal);
        if (!fields.TryGetValue("Credential", out var credential) || credential.Split('/') is not [AccessKey, var day, Region, "s3", "aws4_request"])
            return Answer.Error(403, "InvalidAccessKeyId");
        var hash = headers["x-amz-content-sha256"].ToString();
        if (hash != Convert.ToHexStringLower(SHA256.HashData(body)))
            return Answer.Error(400, "XAmzContentSHA256Mismatch");
        var names = fields["SignedHeaders"].Split(';');
        if (headers.Keys.Any(name => name.StartsWith("x-amz-", StringComparison.OrdinalIgnoreCase) && !names.Contains(name.ToLowerInvariant())))
            return Answer.Error(403, "AccessDenied");
        var parts = query.Split('&', StringSplitOptions.RemoveEmptyEntries).Order(StringComparer.Ordinal);
        var canonical = $"{context.Request.Method}\n{path}\n{string.Join('&', parts)}\n"
            + string.Concat(names.Select(name => $"{name}:{headers[name].ToString().Trim()}\n")) + $"\n{fields["SignedHeaders"]}\n{hash}";
        var toSign = $"AWS4-HMAC-SHA256\n{headers["x-amz-date"]}\n{day}/{Region}/s3/aws4_request\n{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(canonical)))}";
        var key = Encoding.UTF8.GetBytes("AWS4" + SecretKey);
        foreach (var step in new[] { day, Region, "s3", "aws4_request" })
            key = HMACSHA256.HashData(key, Encoding.UTF8.GetBytes(step));
        var expected = Convert.ToHexStringLower(HMACSHA256.HashData(key, Encoding.UTF8.GetBytes(toSign)));
        return expected == fields["Signature"] ? null : Answer.Error(403, "SignatureDoesNotMatch");
    }

    private sealed record StoredObject(byte[] Content, string Tag, string? Birth, DateTimeOffset Modified);

    private sealed record OpenUpload(string Key, string? Birth)
    {
        public SortedDictionary<int, (byte[] Content, string Tag)> Parts { get; } = [];
    }

    private sealed record Answer(int Status, byte[] Body, List<(string Name, string Value)> Headers)
    {
        public static Answer Xml(XElement root) => new(200, Encoding.UTF8.GetBytes(root.ToString()), [("Content-Type", "application/xml")]);

        public static Answer Error(int status, string code) =>
            new(status, Encoding.UTF8.GetBytes(new XElement("Error", new XElement("Code", code), new XElement("Message", "No.")).ToString()), [("Content-Type", "application/xml")]);
    }
}

/// <summary>A request as it came in.</summary>
internal sealed record FakeCall(string Method, string Key, Dictionary<string, string> Query, byte[] Body, string Range)
{
    public bool IsPart => Method == "PUT" && Query.ContainsKey("partNumber");

    public int PartNumber => int.Parse(Query["partNumber"], CultureInfo.InvariantCulture);

    public bool IsBegin => Method == "POST" && Query.ContainsKey("uploads");

    public bool IsComplete => Method == "POST" && Query.ContainsKey("uploadId");
}

/// <summary>The body of a part on its way in.</summary>
internal sealed class FakePart(string key, string number)
{
    private long _bytes;

    public string Key => key;

    public string Number => number;

    public long Bytes => Volatile.Read(ref _bytes);

    public void Add(int count) => Interlocked.Add(ref _bytes, count);
}

/// <summary>Answered in place of the right answer.</summary>
/// <param name="Status">0 breaks the connection.</param>
/// <param name="Code">Of the error.</param>
/// <param name="HasEffect">The request was carried out all the same.</param>
internal sealed record FakeFault(int Status, string Code = "InternalError", bool HasEffect = false);

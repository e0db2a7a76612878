using System.Globalization;

namespace Backhaul.FaultOrigin;

/// <summary>The head of an answer of <c>/bytes/…</c>, and the bytes that follow it: right, or wrong in one of the ways of the script.</summary>
internal sealed class BytesHead(OriginRequest request, OriginScript script)
{
    /// <summary>More than anybody takes, and still a number that adds up.</summary>
    private const long Endless = long.MaxValue / 4;

    public (AnswerHead Head, BytesBody Body) Compose()
    {
        var (seed, length) = Content();
        var validators = Validators(seed, length);
        if (script.Fault("redirect") is { } target)
            return Error((int)(script.FaultNumber("status") ?? 302), ("Location", target == "self" ? $"{request.Path}?{request.Query}" : target));
        if (script.Fault("auth") is { } scheme)
            return Challenge(scheme);
        if (script.FaultNumber("status") is { } status and not (200 or 206))
        {
            return script.Fault("location") is { } location
                ? Error((int)status, ("Location", location))
                : script.Fault("retry-after") is { } retryAfter ? Error((int)status, ("Retry-After", RetryAfter(retryAfter))) : Error((int)status);
        }
        if (IsUnchanged(validators))
            return Error(304, [.. validators]);
        var ranges = script.Always("ranges") ?? "yes";
        var range = ranges == "yes" ? AskedRange(length, validators) : null;
        if (range is null && script.Fault("unasked") is not null)
            range = (0, length - 1);
        if (range is { } asked && (asked.First >= length || script.Fault("partial") == "416"))
        {
            var total = script.Fault("total416") ?? length.ToString(CultureInfo.InvariantCulture);
            return Error(416, [("Content-Range", $"bytes */{total}"), .. validators]);
        }
        var head = new AnswerHead(range is null ? 200 : 206);
        foreach (var (name, value) in validators)
            head.Add(name, value);
        if (ranges != "no")
            head.Add("Accept-Ranges", ranges == "none" ? "none" : "bytes");
        if (script.FaultNumber("headers") is { } padding)
            head.Add("X-Padding", new string('x', (int)padding));
        if (script.Fault("encoding") is { } coding)
            head.Add("Content-Encoding", coding);
        var body = range is { } part ? Partial(head, seed, length, part.First, part.Last) : new BytesBody(seed, 0, length);
        if (script.Fault("endless") is not null)
            body = body with { Count = Endless };
        Frame(head, body);
        return (head, body);
    }

    private (string Seed, long Length) Content()
    {
        var parts = request.Path.Split('/');
        var seed = parts[2];
        // Other content under the same URL after so many requests.
        if (script.Always("change") is { } after && request.Nth > int.Parse(after, CultureInfo.InvariantCulture))
            seed += "-changed";
        return (seed, long.Parse(parts[3], CultureInfo.InvariantCulture));
    }

    private List<(string Name, string Value)> Validators(string seed, long length)
    {
        List<(string, string)> validators = [("Date", DateTimeOffset.UtcNow.ToString("r", CultureInfo.InvariantCulture))];
        var tag = script.Always("etag") ?? "strong";
        if (tag == "strong")
            validators.Add(("ETag", $"\"{seed}-{length}\""));
        else if (tag == "weak")
            validators.Add(("ETag", $"W/\"{seed}-{length}\""));
        else if (tag != "none")
            validators.Add(("ETag", tag));
        var modified = script.Always("lm") ?? "none";
        if (modified == "old")
            validators.Add(("Last-Modified", new DateTimeOffset(2020, 1, seed.EndsWith("-changed", StringComparison.Ordinal) ? 3 : 2, 3, 4, 5, TimeSpan.Zero).ToString("r", CultureInfo.InvariantCulture)));
        else if (modified == "recent")
            validators.Add(("Last-Modified", DateTimeOffset.UtcNow.ToString("r", CultureInfo.InvariantCulture)));
        return validators;
    }

    /// <summary>By the tag, weakly; by the date only when no tag is asked about, and it need not be the same one.</summary>
    private bool IsUnchanged(List<(string Name, string Value)> validators)
    {
        if (request.IfNoneMatch is { } tags)
            return validators.Exists(validator => validator.Name == "ETag" && tags.Split(',').Any(tag => Opaque(tag.Trim()) == Opaque(validator.Value)));
        return request.IfModifiedSince is { } since && DateTimeOffset.TryParse(since, CultureInfo.InvariantCulture, out var known)
            && validators.Exists(validator => validator.Name == "Last-Modified" && DateTimeOffset.Parse(validator.Value, CultureInfo.InvariantCulture) <= known);

        static string Opaque(string tag) => tag.StartsWith("W/", StringComparison.Ordinal) ? tag[2..] : tag;
    }

    /// <summary>The one range that is asked for and whose condition holds; null answers with everything.</summary>
    private (long First, long Last)? AskedRange(long length, List<(string Name, string Value)> validators)
    {
        if (request.Range is not { } text || !text.StartsWith("bytes=", StringComparison.Ordinal) || text.Contains(','))
            return null;
        if (request.IfRange is { } condition && script.Always("ignore-if-range") is null && !validators.Exists(validator => validator.Value == condition))
            return null;
        var dash = text.IndexOf('-');
        if (dash < 0)
            return null;
        var from = Number(text.AsSpan(6, dash - 6));
        var to = Number(text.AsSpan(dash + 1));
        return (from, to) switch
        {
            (null, null) => null,
            (null, { } last) => (Math.Max(0, length - last), length - 1),
            ({ } first, null) => (first, length - 1),
            ({ } first, { } last) => (first, Math.Min(last, length - 1)),
        };

        static long? Number(ReadOnlySpan<char> digits) => long.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;
    }

    /// <summary>A 206, right or in one of the wrong ways.</summary>
    private BytesBody Partial(AnswerHead head, string seed, long length, long first, long last)
    {
        var unit = "bytes";
        var total = length.ToString(CultureInfo.InvariantCulture);
        switch (script.Fault("partial"))
        {
            case "start":
                first = Math.Max(0, first - 10);
                break;
            case "total":
                total = (length + 1).ToString(CultureInfo.InvariantCulture);
                break;
            case "star":
                total = "*";
                break;
            case "unit":
                unit = "items";
                break;
            case "multipart":
                head.Add("Content-Type", "multipart/byteranges; boundary=x");
                break;
            case "noetag":
                head.Remove("ETag");
                break;
            case "etag":
                head.Remove("ETag");
                head.Add("ETag", "\"another\"");
                break;
            case "short":
                last = first + ((last - first) / 2);
                break;
            case "bare":
                return new BytesBody(seed, first, last + 1 - first);
            case "junk":
                head.Add("Content-Range", "bytes abc");
                return new BytesBody(seed, first, last + 1 - first);
            case "ok200":
                head.Status = 200;
                (first, last) = (0, length - 1);
                break;
        }
        head.Add("Content-Range", string.Create(CultureInfo.InvariantCulture, $"{unit} {first}-{last}/{total}"));
        return new BytesBody(seed, first, last + 1 - first);
    }

    private void Frame(AnswerHead head, BytesBody body)
    {
        var length = body.Count.ToString(CultureInfo.InvariantCulture);
        switch (script.Fault("framing"))
        {
            case "chunked" or "badchunk":
                head.Add("Transfer-Encoding", "chunked");
                break;
            case "close":
                head.Add("Connection", "close");
                head.EndsWithConnection = true;
                break;
            case "double":
                head.Add("Content-Length", length);
                head.Add("Content-Length", (body.Count + 5).ToString(CultureInfo.InvariantCulture));
                break;
            case "both":
                head.Add("Content-Length", length);
                head.Add("Transfer-Encoding", "chunked");
                break;
            case "junk":
                head.Add("Content-Length", "12x");
                break;
            case "long":
                head.Add("Content-Length", (body.Count + 1000).ToString(CultureInfo.InvariantCulture));
                head.EndsWithConnection = true;
                break;
            case "short":
                head.Add("Content-Length", (body.Count / 2).ToString(CultureInfo.InvariantCulture));
                head.EndsWithConnection = true;
                break;
            default:
                head.Add("Content-Length", length);
                break;
        }
    }

    private static (AnswerHead Head, BytesBody Body) Challenge(string scheme) => scheme switch
    {
        "proxy" => Error(407, ("Proxy-Authenticate", "Basic realm=\"way out\"")),
        "digest" => Error(401, ("WWW-Authenticate", "Digest realm=\"inside\", qop=\"auth\", algorithm=SHA-256, nonce=\"c2NyaXB0ZWQ\"")),
        "bearer" => Error(401, ("WWW-Authenticate", "Bearer realm=\"inside\", error=\"invalid_token\"")),
        _ => Error(401, ("WWW-Authenticate", "Basic realm=\"inside\"")),
    };

    /// <summary><c>date:N</c> is the HTTP date in N seconds; everything else goes out as it is.</summary>
    private static string RetryAfter(string text) => text.StartsWith("date:", StringComparison.Ordinal)
        ? DateTimeOffset.UtcNow.AddSeconds(double.Parse(text.AsSpan(5), CultureInfo.InvariantCulture)).ToString("r", CultureInfo.InvariantCulture)
        : text;

    /// <summary>An error page: 40 bytes that must never end up in a file.</summary>
    private static (AnswerHead Head, BytesBody Body) Error(int status, params (string Name, string Value)[] headers)
    {
        var head = new AnswerHead(status);
        foreach (var (name, value) in headers)
            head.Add(name, value);
        var body = new BytesBody("error-page", 0, status is 204 or 304 ? 0 : 40);
        if (body.Count > 0)
            head.Add("Content-Length", "40");
        return (head, body);
    }
}

using System.Globalization;
using System.Text;

namespace Backhaul.FaultOrigin;

/// <summary>Answers <c>/bytes/{seed}/{length}</c>.</summary>
internal sealed class BytesAnswer(OriginConnection connection, OriginRequest request, OriginScript script)
{
    private const int PieceBytes = 256 * 1024;

    /// <summary>False closes the connection.</summary>
    public async Task<bool> RunAsync(CancellationToken stop)
    {
        if (script.FaultNumber("delay") is { } delayMs)
            await Task.Delay(TimeSpan.FromMilliseconds(delayMs), stop);
        if (script.Fault("hang") is not null)
        {
            await connection.HangAsync(stop);
            return false;
        }
        var (head, body) = Compose();
        request.Status = head.Status;
        await connection.SendAsync(head.Text(), stop);
        if (request.Method == "HEAD")
            return true;
        return await SendBodyAsync(body, stop) && body.Reusable;
    }

    private (Head Head, Body Body) Compose()
    {
        var (seed, length) = Content();
        var validators = Validators(seed, length);
        if (script.Fault("redirect") is { } target)
            return Error((int)(script.FaultNumber("status") ?? 302), ("Location", target == "self" ? $"{request.Path}?{request.Query}" : target));
        if (script.FaultNumber("status") is { } status and not (200 or 206))
        {
            return script.Fault("location") is { } location
                ? Error((int)status, ("Location", location))
                : script.Fault("retry-after") is { } retryAfter ? Error((int)status, ("Retry-After", retryAfter)) : Error((int)status);
        }
        var ranges = script.Always("ranges") ?? "yes";
        var range = ranges == "yes" ? AskedRange(length, validators) : null;
        if (range is null && script.Fault("unasked") is not null)
            range = (0, length - 1);
        if (range is { } asked && asked.First >= length)
        {
            var total = script.Fault("total416") ?? length.ToString(CultureInfo.InvariantCulture);
            return Error(416, [("Content-Range", $"bytes */{total}"), .. validators]);
        }
        var head = new Head(range is null ? 200 : 206);
        foreach (var (name, value) in validators)
            head.Add(name, value);
        if (ranges != "no")
            head.Add("Accept-Ranges", ranges == "none" ? "none" : "bytes");
        if (script.FaultNumber("headers") is { } padding)
            head.Add("X-Padding", new string('x', (int)padding));
        if (script.Fault("encoding") is { } coding)
            head.Add("Content-Encoding", coding);
        var body = range is { } part ? Partial(head, seed, length, part.First, part.Last) : new Body(seed, 0, length);
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

    private (long First, long Last)? AskedRange(long length, List<(string Name, string Value)> validators)
    {
        if (request.Range is not { } text || !text.StartsWith("bytes=", StringComparison.Ordinal) || text.Contains(','))
            return null;
        if (request.IfRange is { } condition && script.Always("ignore-if-range") is null && !validators.Exists(validator => validator.Value == condition))
            return null;
        var dash = text.IndexOf('-');
        var first = long.Parse(text.AsSpan(6, dash - 6), CultureInfo.InvariantCulture);
        var last = dash == text.Length - 1 ? length - 1 : long.Parse(text.AsSpan(dash + 1), CultureInfo.InvariantCulture);
        return (first, Math.Min(last, length - 1));
    }

    /// <summary>A 206, right or in one of the wrong ways.</summary>
    private Body Partial(Head head, string seed, long length, long first, long last)
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
                return new Body(seed, first, last + 1 - first);
            case "junk":
                head.Add("Content-Range", "bytes abc");
                return new Body(seed, first, last + 1 - first);
            case "ok200":
                head.Status = 200;
                (first, last) = (0, length - 1);
                break;
        }
        head.Add("Content-Range", string.Create(CultureInfo.InvariantCulture, $"{unit} {first}-{last}/{total}"));
        return new Body(seed, first, last + 1 - first);
    }

    private void Frame(Head head, Body body)
    {
        var length = body.Count.ToString(CultureInfo.InvariantCulture);
        switch (script.Fault("framing"))
        {
            case "chunked":
                head.Add("Transfer-Encoding", "chunked");
                body.Chunked = true;
                break;
            case "close":
                head.Add("Connection", "close");
                body.Reusable = false;
                break;
            case "double":
                head.Add("Content-Length", length);
                head.Add("Content-Length", (body.Count + 5).ToString(CultureInfo.InvariantCulture));
                break;
            case "both":
                head.Add("Content-Length", length);
                head.Add("Transfer-Encoding", "chunked");
                body.Chunked = true;
                break;
            case "junk":
                head.Add("Content-Length", "12x");
                break;
            default:
                head.Add("Content-Length", length);
                break;
        }
    }

    private async ValueTask<bool> SendBodyAsync(Body body, CancellationToken stop)
    {
        var breakAt = script.FaultNumber("cut") ?? script.FaultNumber("reset") ?? script.FaultNumber("stall");
        var end = Math.Min(body.Count, breakAt ?? long.MaxValue);
        var rate = script.FaultNumber("rate");
        var drip = script.FaultNumber("drip");
        var piece = new byte[drip is not null ? 1 : rate is { } perSecond ? (int)Math.Clamp(perSecond / 50, 1, PieceBytes) : PieceBytes];
        for (long sent = 0; sent < end;)
        {
            var count = (int)Math.Min(piece.Length, end - sent);
            OriginContent.Fill(piece.AsSpan(0, count), body.Seed, body.From + sent);
            if (body.Chunked)
                await connection.SendAsync(string.Create(CultureInfo.InvariantCulture, $"{count:x}\r\n"), stop);
            await connection.SendAsync(piece.AsMemory(0, count), stop);
            if (body.Chunked)
                await connection.SendAsync("\r\n", stop);
            request.Sent(count);
            sent += count;
            if (drip is { } dripMs)
                await Task.Delay(TimeSpan.FromMilliseconds(dripMs), stop);
            else if (rate is not null)
                await Task.Delay(TimeSpan.FromMilliseconds(20), stop);
        }
        if (breakAt is not null && end < body.Count)
            return await BreakAsync(stop);
        if (body.Chunked)
            await connection.SendAsync("0\r\n\r\n", stop);
        if (script.FaultNumber("extra") is { } extra)
            await connection.SendAsync(new byte[extra], stop);
        return script.Fault("extra") is null;
    }

    private async ValueTask<bool> BreakAsync(CancellationToken stop)
    {
        if (script.Fault("stall") is not null)
            await connection.HangAsync(stop);
        else if (script.Fault("reset") is not null)
            connection.Reset();
        return false;
    }

    /// <summary>An error page: 40 bytes that must never end up in a file.</summary>
    private static (Head Head, Body Body) Error(int status, params (string Name, string Value)[] headers)
    {
        var head = new Head(status);
        foreach (var (name, value) in headers)
            head.Add(name, value);
        var body = new Body("error-page", 0, status is 204 or 304 ? 0 : 40);
        if (body.Count > 0)
            head.Add("Content-Length", "40");
        return (head, body);
    }

    private sealed class Head(int status)
    {
        private readonly List<(string Name, string Value)> _headers = [];

        public int Status { get; set; } = status;

        public void Add(string name, string value) => _headers.Add((name, value));

        public void Remove(string name) => _headers.RemoveAll(header => header.Name == name);

        public string Text()
        {
            var text = new StringBuilder();
            text.Append(CultureInfo.InvariantCulture, $"HTTP/1.1 {Status} Status\r\n");
            foreach (var (name, value) in _headers)
                text.Append(CultureInfo.InvariantCulture, $"{name}: {value}\r\n");
            return text.Append("\r\n").ToString();
        }
    }

    private sealed class Body(string seed, long from, long count)
    {
        public string Seed { get; } = seed;
        public long From { get; } = from;
        public long Count { get; } = count;
        public bool Chunked { get; set; }
        public bool Reusable { get; set; } = true;
    }
}

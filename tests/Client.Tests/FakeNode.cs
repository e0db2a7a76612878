using System.Net;
using System.Text;

namespace Backhaul.Client.Tests;

/// <summary>A request as the client sent it.</summary>
internal sealed record SeenRequest(string Method, Uri Uri, IReadOnlyDictionary<string, string> Headers, byte[] Body)
{
    public string Path => Uri.PathAndQuery;

    public string Text => Encoding.UTF8.GetString(Body);

    public string? Header(string name) => Headers.TryGetValue(name, out var value) ? value : null;
}

/// <summary>
/// A node without sockets: each request is seen whole, and answered by what the test says. Waits of the client pass at once on a clock of
/// its own, so that tests of retries take no time; time-outs that guard reads are real.
/// </summary>
internal sealed class FakeNode(Func<SeenRequest, int, HttpResponseMessage> answer) : HttpMessageHandler
{
    private readonly List<SeenRequest> _seen = [];
    private readonly List<TimeSpan> _waits = [];

    public IReadOnlyList<SeenRequest> Seen
    {
        get
        {
            lock (_seen)
                return [.. _seen];
        }
    }

    public IReadOnlyList<TimeSpan> Waits
    {
        get
        {
            lock (_seen)
                return [.. _waits];
        }
    }

    public SkippingTime Time { get; } = new();

    public double Jitter { get; init; } = 0.5;

    /// <summary>One endpoint: what it asks to wait is all there is to do.</summary>
    public bool IsAlone { get; init; }

    public BackhaulClientOptions Options => new()
    {
        Endpoints = IsAlone ? [new Uri("http://node-a:5080")] : [new Uri("http://node-a:5080"), new Uri("http://node-b:5080")],
        Handler = this,
        Time = Time,
        Jitter = () => Jitter,
        Wait = (wait, stop) =>
        {
            stop.ThrowIfCancellationRequested();
            lock (_seen)
                _waits.Add(wait);
            Time.Skip(wait);
            return Task.CompletedTask;
        },
    };

    public BackhaulClient Client() => new(Options);

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var body = request.Content is { } content ? await content.ReadAsByteArrayAsync(cancellationToken) : [];
        var headers = request.Headers.Concat(request.Content?.Headers.AsEnumerable() ?? [])
            .ToDictionary(header => header.Key, header => string.Join(',', header.Value), StringComparer.OrdinalIgnoreCase);
        var seen = new SeenRequest(request.Method.Method, request.RequestUri!, headers, body);
        int index;
        lock (_seen)
        {
            index = _seen.Count;
            _seen.Add(seen);
        }
        var response = answer(seen, index);
        response.RequestMessage = request;
        return response;
    }
}

/// <summary>The system's clock, plus what was skipped.</summary>
internal sealed class SkippingTime : TimeProvider
{
    private long _skippedTicks;

    public void Skip(TimeSpan time) => Interlocked.Add(ref _skippedTicks, time.Ticks);

    /// <summary>True lets timers of up to a second fire at once.</summary>
    public bool IsInAHurry { get; set; }

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
        base.CreateTimer(callback, state, IsInAHurry && dueTime > TimeSpan.Zero && dueTime <= TimeSpan.FromSeconds(1) ? TimeSpan.Zero : dueTime, period);

    public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + TimeSpan.FromTicks(Interlocked.Read(ref _skippedTicks));

    public override long GetTimestamp() =>
        base.GetTimestamp() + (long)(Interlocked.Read(ref _skippedTicks) * (TimestampFrequency / (double)TimeSpan.TicksPerSecond));
}

/// <summary>Answers in the forms of the wire.</summary>
internal static class Answer
{
    public const string Session = """
        {"identifier":"photos","generation":1,"state":"active","createdAt":"2026-11-21T10:30:00Z","configuration":{},"configurationVersion":1,
        "counts":{"suspended":0,"waiting":0,"running":0,"canceling":0,"succeeded":0,"failed":0,"cancelled":0,"expired":0},
        "lastEvent":0,"acknowledged":0,"attached":false}
        """;

    public const string Task = """
        {"id":"t1","kind":"download","url":"https://example.org/a","method":"GET","state":"waiting","priority":0.5,"attempts":0,
        "progress":{"bytesReceived":0,"bytesSent":0,"generation":0},"createdAt":"2026-11-21T10:30:00Z"}
        """;

    public const string Group = """
        {"name":"g:1","mode":"serialized","counts":{"suspended":0,"waiting":0,"running":0,"canceling":0,"succeeded":0,"failed":0,"cancelled":0,"expired":0}}
        """;

    public const string Webhook = """{"target":"push","url":"https://hooks.example/in","enabled":true,"pending":0}""";

    public const string WebhookTest = """{"id":"msg_1","url":"https://hooks.example/in","taken":true,"status":204,"took":"PT0.087S","why":"It answered 204."}""";

    public const string CompletionGroup = """{"name":"c:1","state":"open","counts":{"left":0,"succeeded":0,"failed":0,"cancelled":0,"expired":0}}""";

    public static HttpResponseMessage Json(string json, int status = 200, string type = "application/json") =>
        new((HttpStatusCode)status) { Content = new StringContent(json, Encoding.UTF8, type) };

    public static HttpResponseMessage Problem(int status, string code, string detail = "No.") =>
        Json($$"""{"type":"about:blank","title":"x","status":{{status}},"code":"{{code}}","detail":"{{detail}}"}""", status, "application/problem+json");

    public static HttpResponseMessage With(this HttpResponseMessage response, string header, string value)
    {
        response.Headers.TryAddWithoutValidation(header, value);
        return response;
    }

    public static HttpResponseMessage Stream(Stream body, string type = "text/event-stream", int status = 200)
    {
        var response = new HttpResponseMessage((HttpStatusCode)status) { Content = new StreamContent(body) };
        response.Content.Headers.Add("Content-Type", type);
        return response;
    }
}

/// <summary>Gives its bytes in the pieces the test chose, and then ends as the test chose.</summary>
internal sealed class ScriptedStream(IEnumerable<byte[]> pieces, StreamEnd end) : Stream
{
    private readonly Queue<byte[]> _pieces = new(pieces.Where(piece => piece.Length > 0));

    public ScriptedStream(byte[] bytes, StreamEnd end)
        : this([bytes], end)
    {
    }

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (_pieces.TryDequeue(out var piece))
        {
            var count = Math.Min(piece.Length, buffer.Length);
            piece.AsMemory(0, count).CopyTo(buffer);
            if (count < piece.Length)
            {
                var rest = _pieces.ToArray();
                _pieces.Clear();
                foreach (var next in rest.Prepend(piece[count..]))
                    _pieces.Enqueue(next);
            }
            return count;
        }
        if (end == StreamEnd.Silent)
            await Task.Delay(Timeout.Infinite, cancellationToken);
        return end == StreamEnd.Broken ? throw new IOException("The connection was reset.") : 0;
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
}

internal enum StreamEnd
{
    /// <summary>The other side closed in good order.</summary>
    Closed,

    /// <summary>The connection was reset.</summary>
    Broken,

    /// <summary>Nothing comes any more, and nobody says so.</summary>
    Silent,
}

using System.Globalization;
using System.Net.Http.Headers;
using Backhaul.FaultOrigin;

namespace Backhaul.EndToEnd.Tests;

/// <summary>A file that the origin serves.</summary>
internal sealed record OriginFile(string Name, int Length, string Url)
{
    public string Sha256 { get; } = OriginContent.Sha256(Name, Length);
}

/// <summary>A request as the origin saw it.</summary>
internal sealed record SeenRequest(long? RangeStart, string? IfRange, int Status, string Raw)
{
    public bool HasIfRange => IfRange is not null;

    /// <summary>The byte after the last one asked for; null to the end.</summary>
    public long? RangeEnd { get; init; }

    /// <summary>Of its body, so far.</summary>
    public long BytesSent { get; init; }

    public override string ToString() => Raw;
}

/// <summary>The scripted origin with well-behaved, slow files. Its record of requests is the oracle.</summary>
internal sealed class Origin : IAsyncDisposable
{
    private static readonly TimeSpan QuietWithin = TimeSpan.FromSeconds(30);
    private readonly ScriptedOrigin _origin;
    private readonly Dictionary<string, OriginFile> _files = new(StringComparer.Ordinal);

    private Origin(ScriptedOrigin origin) => _origin = origin;

    public string Url => _origin.Url;

    public static async Task<Origin> StartAsync() => new(await ScriptedOrigin.StartAsync());

    /// <summary>A new file; 0 bytes per second is as fast as it goes.</summary>
    public OriginFile Add(string name, int length, long bytesPerSecond)
    {
        var query = bytesPerSecond == 0 ? "" : string.Create(CultureInfo.InvariantCulture, $"rate={bytesPerSecond}");
        var file = new OriginFile(name, length, _origin.Bytes(name, length, query));
        _files.Add(name, file);
        return file;
    }

    public byte[] ContentOf(string name) => OriginContent.Bytes(name, 0, _files[name].Length);

    /// <summary>Requests of a file, in order.</summary>
    public IReadOnlyList<SeenRequest> Requests(string name)
    {
        var prefix = $"/bytes/{name}/";
        return [.. _origin.Requests.Where(request => request.Path.StartsWith(prefix, StringComparison.Ordinal)).Select(See)];
    }

    /// <summary>How many requests each file had.</summary>
    public IReadOnlyDictionary<string, int> RequestCounts => _origin.Requests
        .Where(request => request.Path.StartsWith("/bytes/", StringComparison.Ordinal))
        .CountBy(request => request.Path.Split('/')[2]).ToDictionary(StringComparer.Ordinal);

    /// <summary>Bodies that came in.</summary>
    public IEnumerable<(string Method, string? BodySha256)> Uploads =>
        _origin.Requests.Where(request => request.Path.StartsWith("/upload", StringComparison.Ordinal)).Select(request => (request.Method, request.BodySha256));

    /// <summary>Waits until everything that a dead node sent was read: connections are accepted in order, so a new one comes after all of its.</summary>
    public async Task QuietAsync()
    {
        using (var http = new HttpClient(new SocketsHttpHandler { UseProxy = false, PooledConnectionLifetime = TimeSpan.Zero }))
            await http.GetStringAsync(new Uri(Url + "/-/journal"));
        await Eventually.TrueAsync(() => Task.FromResult(_origin.OpenConnections == 0), QuietWithin, () => $"{_origin.OpenConnections} connections to close");
    }

    public ValueTask DisposeAsync() => _origin.DisposeAsync();

    private static SeenRequest See(OriginRequest request)
    {
        var range = request.Range is { } text ? RangeHeaderValue.Parse(text).Ranges.Single() : null;
        return new SeenRequest(range?.From, request.IfRange, request.Status, $"{request.Method} {request.Path} Range: {request.Range ?? "none"} If-Range: {request.IfRange ?? "none"}")
        {
            RangeEnd = range?.To + 1,
            BytesSent = request.BytesSent,
        };
    }
}

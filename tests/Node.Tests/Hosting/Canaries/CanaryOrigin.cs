using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Backhaul.Node.Tests.Hosting.Canaries;

/// <summary>
/// Every server that a node may talk to, by path, on a socket of its own: nothing of it writes logs or traces that could be taken for the node's. As a forward
/// proxy it asks for a user. It keeps what it received, so that a test can tell that a secret arrived where it was meant to.
/// </summary>
internal sealed class CanaryOrigin(Func<string, string> secretOf) : IAsyncDisposable
{
    public const int Length = 100_000;

    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly ConcurrentQueue<string> _received = new();
    private readonly ConcurrentDictionary<string, int> _seen = new(StringComparer.Ordinal);
    private Task _accepting = Task.CompletedTask;

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    public string Url => string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{Port}");

    /// <summary>The same server under another name: another origin.</summary>
    public string OtherUrl => string.Create(CultureInfo.InvariantCulture, $"http://localhost:{Port}");

    /// <summary>Head and body of each request.</summary>
    public IReadOnlyList<string> Received => [.. _received];

    public CanaryOrigin Start()
    {
        _listener.Start();
        _accepting = AcceptAsync();
        return this;
    }

    public bool Has(string path, string text) => _received.Any(request => request.Split('\n')[0].Contains(path, StringComparison.Ordinal) && request.Contains(text, StringComparison.Ordinal));

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Stop();
        await _accepting;
        _stop.Dispose();
    }

    private async Task AcceptAsync()
    {
        var serving = new List<Task>();
        try
        {
            while (true)
                serving.Add(ServeAsync(await _listener.AcceptTcpClientAsync(_stop.Token)));
        }
        catch (OperationCanceledException)
        {
            await Task.WhenAll(serving);
        }
    }

    private async Task ServeAsync(TcpClient client)
    {
        using (client)
        {
            try
            {
                var stream = client.GetStream();
                if (await ReadAsync(stream) is { } request)
                    await AnswerAsync(stream, request);
            }
            catch (Exception gone) when (gone is IOException or SocketException or OperationCanceledException)
            {
                return; // the node left, or the test is over
            }
        }
    }

    private async Task<string?> ReadAsync(NetworkStream stream)
    {
        var text = new StringBuilder();
        var buffer = new byte[64 * 1024];
        var left = long.MaxValue;
        while (left > 0)
        {
            var count = await stream.ReadAsync(buffer, _stop.Token);
            if (count == 0)
                return null;
            text.Append(Encoding.Latin1.GetString(buffer, 0, count));
            var all = text.ToString();
            var end = all.IndexOf("\r\n\r\n", StringComparison.Ordinal);
            if (end >= 0)
                left = end + 4 + LengthOf(all[..end]) - all.Length;
        }
        var request = text.ToString();
        _received.Enqueue(request);
        return request;
    }

    private static long LengthOf(string head) =>
        head.Split("\r\n").FirstOrDefault(line => line.StartsWith("Content-Length:", StringComparison.OrdinalIgnoreCase)) is { } line
            ? long.Parse(line.AsSpan(15).Trim(), CultureInfo.InvariantCulture)
            : 0;

    private Task AnswerAsync(NetworkStream stream, string request)
    {
        var words = request.Split("\r\n", 2)[0].Split(' ');
        if (words[1].StartsWith("http", StringComparison.Ordinal) && !request.Contains("Proxy-Authorization:", StringComparison.OrdinalIgnoreCase))
            return WriteAsync(stream, "407 Who", "Proxy-Authenticate: Basic realm=\"gate\"\r\n");
        var path = new Uri(new Uri(Url), words[1]).AbsolutePath;
        var nth = _seen.AddOrUpdate(path, 1, (_, before) => before + 1);
        return path switch
        {
            "/list" => WriteAsync(stream, "200 OK", "", $"http://{secretOf("user of a URL in a list")}:{secretOf("password of a URL in a list")}@127.0.0.1/f\n{secretOf("line of a list")}\n"
                + $"{Url}/ok/listed?token={secretOf("query of a URL in a list")}\n"),
            "/missing" => WriteAsync(stream, "404 No", "", "nothing here"),
            "/again" when nth == 1 => WriteAsync(stream, "503 Later", ""),
            "/hang" => Task.Delay(Timeout.Infinite, _stop.Token),
            "/stall" => StallAsync(stream),
            "/moved" => WriteAsync(stream, "302 There", $"Location: /ok?token={secretOf("redirect")}\r\n"),
            "/away" => WriteAsync(stream, "302 There", $"Location: {OtherUrl}/ok/away?token={secretOf("redirect away")}\r\n"),
            "/made" => WriteAsync(stream, "201 Made", $"Location: /ok?token={secretOf("location")}\r\nSet-Cookie: id={secretOf("cookie of the origin")}\r\n"),
            "/basic" when !request.Contains("Authorization: Basic", StringComparison.OrdinalIgnoreCase) => WriteAsync(stream, "401 Who", "WWW-Authenticate: Basic realm=\"vault\"\r\n"),
            "/bearer" when !request.Contains("Authorization: Bearer", StringComparison.OrdinalIgnoreCase) => WriteAsync(stream, "401 Who", "WWW-Authenticate: Bearer\r\n"),
            "/bucket/object" => WriteAsync(stream, "403 No", "", "<Error><Code>AccessDenied</Code></Error>"),
            "/tus" => WriteAsync(stream, "201 Made", $"Tus-Resumable: 1.0.0\r\nLocation: /tus/one?sig={secretOf("upload location")}\r\n"),
            "/tus/one" => TusAsync(stream, words[0], request, nth),
            _ => WriteAsync(stream, "200 OK", "ETag: \"1\"\r\nAccept-Ranges: bytes\r\n", "the content"),
        };
    }

    /// <summary>The first bytes are lost, and so the upload is asked for again.</summary>
    private static Task TusAsync(NetworkStream stream, string method, string request, int nth) => method switch
    {
        "PATCH" when nth == 1 => WriteAsync(stream, "500 Oh", "Tus-Resumable: 1.0.0\r\n"),
        "PATCH" => WriteAsync(stream, "204 Got", $"Tus-Resumable: 1.0.0\r\nUpload-Offset: {LengthOf(request)}\r\n"),
        _ => WriteAsync(stream, "200 OK", "Tus-Resumable: 1.0.0\r\nUpload-Offset: 0\r\nUpload-Length: 9\r\n"),
    };

    /// <summary>Half of the file, and then nothing.</summary>
    private async Task StallAsync(NetworkStream stream)
    {
        await stream.WriteAsync(Encoding.Latin1.GetBytes($"HTTP/1.1 200 OK\r\nETag: \"1\"\r\nAccept-Ranges: bytes\r\nContent-Length: {Length}\r\n\r\n"), _stop.Token);
        await stream.WriteAsync(new byte[Length / 2], _stop.Token);
        await Task.Delay(Timeout.Infinite, _stop.Token);
    }

    private static async Task WriteAsync(NetworkStream stream, string status, string headers, string body = "")
    {
        var length = status.StartsWith("204", StringComparison.Ordinal) ? "" : $"Content-Length: {body.Length}\r\n";
        await stream.WriteAsync(Encoding.Latin1.GetBytes($"HTTP/1.1 {status}\r\n{headers}{length}Connection: close\r\n\r\n{body}"));
        stream.Socket.Shutdown(SocketShutdown.Send);
    }
}

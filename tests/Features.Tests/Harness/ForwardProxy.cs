using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Backhaul.Features.Tests;

/// <summary>A proxy for plain requests without a body that asks for a password; it keeps what was asked for through it.</summary>
internal sealed class ForwardProxy : IDisposable
{
    private const int HeadBytesMax = 64 * 1024;

    private static readonly string Wanted = "Basic " + Convert.ToBase64String(Encoding.UTF8.GetBytes($"{WorldSettings.UserName}:{WorldSettings.ProxyPassword}"));

    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly HttpClient _http = new(new SocketsHttpHandler { UseProxy = false, AllowAutoRedirect = false });
    private readonly CancellationTokenSource _stop = new();

    private ForwardProxy() => _listener.Start();

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>URLs that went through.</summary>
    public ConcurrentQueue<string> Passed { get; } = new();

    public static ForwardProxy Start()
    {
        var proxy = new ForwardProxy();
        _ = proxy.AcceptAsync();
        return proxy;
    }

    public void Dispose()
    {
        _stop.Cancel();
        _listener.Dispose();
        _stop.Dispose();
        _http.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
                _ = ServeAsync(await _listener.AcceptTcpClientAsync(_stop.Token));
        }
        catch (Exception ended) when (ended is OperationCanceledException or ObjectDisposedException or SocketException)
        {
            // The tests are over.
        }
    }

    /// <summary>One request for each connection: the answer says that it is closed.</summary>
    private async Task ServeAsync(TcpClient client)
    {
        using (client)
        {
            try
            {
                var stream = client.GetStream();
                var lines = await ReadHeadAsync(stream);
                var url = new Uri(lines[0].Split(' ')[1]);
                var isWelcome = lines.Exists(line => line.Equals($"Proxy-Authorization: {Wanted}", StringComparison.OrdinalIgnoreCase));
                if (!isWelcome)
                {
                    await stream.WriteAsync("HTTP/1.1 407 Who is it\r\nProxy-Authenticate: Basic realm=\"out\"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"u8.ToArray(), _stop.Token);
                    return;
                }
                Passed.Enqueue(url.AbsoluteUri);
                using var request = new HttpRequestMessage(new HttpMethod(lines[0].Split(' ')[0]), url);
                foreach (var line in lines.Skip(1).Where(line => !line.StartsWith("Proxy-", StringComparison.OrdinalIgnoreCase)))
                    request.Headers.TryAddWithoutValidation(line[..line.IndexOf(':')], line[(line.IndexOf(':') + 1)..].Trim());
                using var response = await _http.SendAsync(request, _stop.Token);
                var body = await response.Content.ReadAsByteArrayAsync(_stop.Token);
                var headers = string.Concat(response.Headers.Concat(response.Content.Headers).Select(header => $"{header.Key}: {string.Join(", ", header.Value)}\r\n"));
                await stream.WriteAsync(Encoding.Latin1.GetBytes($"HTTP/1.1 {(int)response.StatusCode} As it came\r\n{headers}Connection: close\r\n\r\n"), _stop.Token);
                await stream.WriteAsync(body, _stop.Token);
            }
            catch (Exception ended) when (ended is IOException or HttpRequestException or SocketException or OperationCanceledException)
            {
                // One of the two left.
            }
        }
    }

    private async Task<List<string>> ReadHeadAsync(NetworkStream stream)
    {
        var head = new byte[HeadBytesMax];
        for (var length = 0; ;)
        {
            var count = await stream.ReadAsync(head.AsMemory(length), _stop.Token);
            if (count == 0)
                throw new IOException("The client left before its request was whole.");
            length += count;
            if (head.AsSpan(0, length).IndexOf("\r\n\r\n"u8) is >= 0 and var end)
                return [.. Encoding.Latin1.GetString(head, 0, end).Split("\r\n")];
        }
    }
}

using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Backhaul.Node.Tests.Transfers.Access;

/// <summary>A proxy over raw sockets: CONNECT tunnels and plain requests, with or without a user, and answers of a test's choice.</summary>
internal sealed class TestProxy : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly ConcurrentBag<Task> _work = [];
    private readonly Task _accepting;

    public TestProxy()
    {
        _listener.Start();
        _accepting = Task.Run(AcceptAsync);
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>First line and <c>Proxy-Authorization</c> of every request.</summary>
    public ConcurrentQueue<(string Line, string Authorization)> Requests { get; } = new();

    /// <summary><c>user:password</c>; null lets everybody through.</summary>
    public string? User { get; set; }

    /// <summary>Sent instead of everything else.</summary>
    public string? Answer { get; set; }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Stop();
        await _accepting;
        await Task.WhenAll(_work);
        _stop.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                var client = await _listener.AcceptTcpClientAsync(_stop.Token);
                _work.Add(Task.Run(() => ServeAsync(client)));
            }
        }
        catch (Exception ended) when (ended is OperationCanceledException or SocketException or InvalidOperationException)
        {
        }
    }

    private async Task ServeAsync(TcpClient client)
    {
        using var closing = client;
        try
        {
            var stream = client.GetStream();
            var head = await ReadUntilAsync(stream, "\r\n\r\n");
            if (head.Length == 0)
                return;
            var lines = head.Split("\r\n");
            var authorization = lines.FirstOrDefault(line => line.StartsWith("Proxy-Authorization: ", StringComparison.OrdinalIgnoreCase))?["Proxy-Authorization: ".Length..] ?? "";
            Requests.Enqueue((lines[0], authorization));
            var isAllowed = User is null || authorization == $"Basic {Convert.ToBase64String(Encoding.UTF8.GetBytes(User))}";
            var refusal = Answer ?? (isAllowed ? null : "HTTP/1.1 407 Who\r\nProxy-Authenticate: Basic realm=\"the gate\"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
            if (refusal is not null)
            {
                await stream.WriteAsync(Encoding.Latin1.GetBytes(refusal), _stop.Token);
                return;
            }
            await RelayAsync(stream, lines);
        }
        catch (Exception broken) when (broken is IOException or SocketException or OperationCanceledException)
        {
        }
    }

    private async Task RelayAsync(NetworkStream stream, string[] lines)
    {
        var words = lines[0].Split(' ');
        var isTunnel = words[0] == "CONNECT";
        var target = isTunnel ? new Uri($"https://{words[1]}") : new Uri(words[1]);
        using var server = new TcpClient();
        await server.ConnectAsync(IPAddress.Loopback, target.Port, _stop.Token); // every name is this machine here
        var upstream = server.GetStream();
        if (isTunnel)
        {
            await stream.WriteAsync("HTTP/1.1 200 Go ahead\r\n\r\n"u8.ToArray(), _stop.Token);
        }
        else
        {
            var kept = lines.Skip(1).Where(line => !line.StartsWith("Proxy-", StringComparison.OrdinalIgnoreCase) && !line.StartsWith("Connection", StringComparison.OrdinalIgnoreCase));
            var forwarded = $"{words[0]} {target.PathAndQuery} HTTP/1.1\r\n{string.Join("\r\n", kept)}\r\nConnection: close\r\n\r\n";
            await upstream.WriteAsync(Encoding.Latin1.GetBytes(forwarded), _stop.Token);
        }
        if (!isTunnel)
            await stream.WriteAsync(Encoding.Latin1.GetBytes($"{await ReadUntilAsync(upstream, "\r\n")}\r\nConnection: close\r\n"), _stop.Token);
        var up = stream.CopyToAsync(upstream, _stop.Token);
        var down = upstream.CopyToAsync(stream, _stop.Token);
        await Task.WhenAny(up, down);
    }

    private async Task<string> ReadUntilAsync(NetworkStream stream, string end)
    {
        var text = new StringBuilder();
        var one = new byte[1];
        while (await stream.ReadAsync(one, _stop.Token) == 1)
        {
            text.Append((char)one[0]);
            if (text.Length >= end.Length && text.ToString(text.Length - end.Length, end.Length) == end)
                return text.ToString(0, text.Length - end.Length);
        }
        return "";
    }
}

using System.Collections.Concurrent;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Backhaul.FaultOrigin;

/// <summary>
/// A server for tests of transfers: raw sockets, HTTP/1.1, every misbehaviour chosen by the URL, a journal of requests as the oracle.
/// <list type="bullet">
/// <item><c>GET /bytes/{seed}/{length}?…</c> deterministic content with ranges and conditions (<see cref="OriginContent"/>)</item>
/// <item><c>PUT</c> or <c>POST /upload/…?…</c> takes a body</item>
/// <item><c>GET /-/journal</c> the requests so far, one JSON object a line</item>
/// </list>
/// The query is described at <see cref="OriginScript"/>.
/// </summary>
public sealed class ScriptedOrigin : IAsyncDisposable
{
    private readonly Socket _listener;
    private readonly CancellationTokenSource _stop = new();
    private readonly ConcurrentQueue<OriginRequest> _requests = new();
    private readonly ConcurrentDictionary<string, int> _counts = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<int, Task> _connections = new();
    private Task _accepting = Task.CompletedTask;
    private int _connectionCount;
    private int _requestCount;
    private int _openCount;

    private ScriptedOrigin(Socket listener) => _listener = listener;

    public int Port => ((IPEndPoint)_listener.LocalEndPoint!).Port;

    /// <summary>Such as <c>http://127.0.0.1:41234</c>, without a slash.</summary>
    public string Url => string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{Port}");

    /// <summary>Every request so far, in the order in which their heads were read.</summary>
    public IReadOnlyList<OriginRequest> Requests => [.. _requests];

    /// <summary>Connections accepted so far.</summary>
    public int Connections => Volatile.Read(ref _connectionCount);

    /// <summary>Connections that are open now.</summary>
    public int OpenConnections => Volatile.Read(ref _openCount);

    /// <summary>Starts one on a free port of 127.0.0.1, or on <paramref name="port"/>.</summary>
    public static Task<ScriptedOrigin> StartAsync(int port = 0)
    {
        var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, port));
        listener.Listen(512);
        var origin = new ScriptedOrigin(listener);
        origin._accepting = Task.Run(origin.AcceptAsync);
        return Task.FromResult(origin);
    }

    /// <summary>The URL of deterministic content.</summary>
    public string Bytes(string seed, long length, string query = "") =>
        string.Create(CultureInfo.InvariantCulture, $"{Url}/bytes/{seed}/{length}{(query.Length > 0 ? "?" + query : "")}");

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Dispose();
        await _accepting;
        await Task.WhenAll(_connections.Values);
        _stop.Dispose();
    }

    internal OriginRequest Enter(int connection, string method, string path, string query, IReadOnlyDictionary<string, string> headers)
    {
        var request = new OriginRequest
        {
            Number = Interlocked.Increment(ref _requestCount),
            Nth = _counts.AddOrUpdate($"{path}?{query}", 1, static (_, count) => count + 1),
            Connection = connection,
            Method = method,
            Path = path,
            Query = query,
            Headers = headers,
        };
        if (!path.StartsWith("/-/", StringComparison.Ordinal))
            _requests.Enqueue(request);
        return request;
    }

    private async Task AcceptAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            Socket socket;
            try
            {
                socket = await _listener.AcceptAsync(_stop.Token);
            }
            catch (Exception ended) when (ended is OperationCanceledException or ObjectDisposedException or SocketException)
            {
                return;
            }
            var number = Interlocked.Increment(ref _connectionCount);
            Interlocked.Increment(ref _openCount);
            var connection = new OriginConnection(this, socket, number);
            _connections[number] = Task.Run(async () =>
            {
                await connection.ServeAsync(_stop.Token);
                Interlocked.Decrement(ref _openCount);
                _connections.TryRemove(number, out _);
            });
        }
    }
}

using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using Backhaul.FaultOrigin.Http2;
using Backhaul.FaultOrigin.Tls;
using Backhaul.FaultOrigin.Uploads;

namespace Backhaul.FaultOrigin;

/// <summary>
/// A server for tests of transfers: raw sockets, HTTP/1.1 in clear, HTTP/1.1 and HTTP/2 over TLS; every misbehaviour chosen by the URL, a
/// journal of requests as the oracle.
/// <list type="bullet">
/// <item><c>GET /bytes/{seed}/{length}?…</c> deterministic content with ranges and conditions (<see cref="OriginContent"/>)</item>
/// <item><c>PUT</c> or <c>POST /upload/…?…</c> takes a body</item>
/// <item><c>POST /tus/…?…</c> and <c>POST</c> or <c>PUT /resumable/…?…</c> create uploads that are kept (<see cref="UploadShelf"/>)</item>
/// <item><c>GET /-/journal</c> the requests so far, one JSON object a line</item>
/// </list>
/// The query is described at <see cref="OriginScript"/>, what TLS can do wrong at <see cref="TlsFace"/>.
/// </summary>
public sealed class ScriptedOrigin : IAsyncDisposable
{
    private readonly Socket _listener;
    private readonly Socket? _tlsListener;
    private readonly CancellationTokenSource _stop = new();
    private readonly ConcurrentQueue<OriginRequest> _requests = new();
    private readonly ConcurrentDictionary<string, int> _counts = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<int, Task> _connections = new();
    private readonly long _startedAt = Stopwatch.GetTimestamp();
    private readonly TlsFaces _faces = new();
    private Task _accepting = Task.CompletedTask;
    private int _connectionCount;
    private int _requestCount;
    private int _openCount;

    private ScriptedOrigin(Socket listener, Socket? tlsListener) => (_listener, _tlsListener) = (listener, tlsListener);

    public int Port => PortOf(_listener);

    public int TlsPort => PortOf(_tlsListener ?? throw new InvalidOperationException("This origin was started without TLS."));

    /// <summary>Such as <c>http://127.0.0.1:41234</c>, without a slash.</summary>
    public string Url => string.Create(CultureInfo.InvariantCulture, $"http://127.0.0.1:{Port}");

    /// <summary>What was uploaded by a resumable protocol.</summary>
    public UploadShelf Uploads { get; } = new();

    /// <summary>Every request so far, in the order in which their heads were read.</summary>
    public IReadOnlyList<OriginRequest> Requests => [.. _requests];

    /// <summary>Connections accepted so far.</summary>
    public int Connections => Volatile.Read(ref _connectionCount);

    /// <summary>Connections that are open now.</summary>
    public int OpenConnections => Volatile.Read(ref _openCount);

    /// <summary>Starts one on a free port of 127.0.0.1, or on <paramref name="port"/>.</summary>
    /// <param name="port">Of HTTP in clear, on all loopback addresses when it has TLS too; 0 picks a free one.</param>
    /// <param name="tlsPort">Of TLS, on all loopback addresses; 0 picks a free one, null has no TLS.</param>
    public static Task<ScriptedOrigin> StartAsync(int port = 0, int? tlsPort = null)
    {
        var origin = new ScriptedOrigin(Listen(tlsPort is null ? IPAddress.Loopback : IPAddress.Any, port), tlsPort is { } secure ? Listen(IPAddress.Any, secure) : null);
        origin._accepting = Task.WhenAll(
            Task.Run(() => origin.AcceptAsync(origin._listener, isTls: false)),
            origin._tlsListener is { } tls ? Task.Run(() => origin.AcceptAsync(tls, isTls: true)) : Task.CompletedTask);
        return Task.FromResult(origin);
    }

    /// <summary>The URL of deterministic content.</summary>
    public string Bytes(string seed, long length, string query = "") => Url + Path(seed, length, query);

    /// <summary>The same at another loopback address, which is an origin of its own to everybody; for an origin with TLS.</summary>
    public string BytesAt(string host, string seed, long length, string query = "") =>
        string.Create(CultureInfo.InvariantCulture, $"http://{host}:{Port}{Path(seed, length, query)}");

    /// <summary>The same over TLS.</summary>
    public string SecureBytes(string seed, long length, string query = "", string host = "127.0.0.1") =>
        string.Create(CultureInfo.InvariantCulture, $"https://{host}:{TlsPort}{Path(seed, length, query)}");

    /// <summary>The same, at the address that has this face from the start.</summary>
    public string SecureBytes(string seed, long length, TlsFace face) =>
        SecureBytes(seed, length, host: string.Create(CultureInfo.InvariantCulture, $"127.0.0.{(int)face}"));

    /// <summary>An address of its own for a test, with a good face until <see cref="Wear"/> changes it.</summary>
    public string ReserveFace() => _faces.Reserve();

    /// <summary>The next handshakes at an address are bad in this way; after <paramref name="times"/> of them it is good again.</summary>
    public void Wear(string address, TlsFace face, int times = int.MaxValue) => _faces.Wear(address, face, times);

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Dispose();
        _tlsListener?.Dispose();
        await _accepting;
        await Task.WhenAll(_connections.Values);
        _stop.Dispose();
    }

    internal OriginRequest Enter(int connection, int nthOnConnection, string http, string method, string target, IReadOnlyDictionary<string, string> headers)
    {
        var question = target.IndexOf('?');
        var request = new OriginRequest
        {
            Number = Interlocked.Increment(ref _requestCount),
            Nth = _counts.AddOrUpdate(target, 1, static (_, count) => count + 1),
            Connection = connection,
            NthOnConnection = nthOnConnection,
            Http = http,
            At = Stopwatch.GetElapsedTime(_startedAt),
            Method = method,
            Path = question < 0 ? target : target[..question],
            Query = question < 0 ? "" : target[(question + 1)..],
            Headers = headers,
        };
        if (!request.Path.StartsWith("/-/", StringComparison.Ordinal))
            _requests.Enqueue(request);
        return request;
    }

    private static Socket Listen(IPAddress address, int port)
    {
        var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(address, port));
        listener.Listen(512);
        return listener;
    }

    private static int PortOf(Socket listener) => ((IPEndPoint)listener.LocalEndPoint!).Port;

    private static string Path(string seed, long length, string query) =>
        string.Create(CultureInfo.InvariantCulture, $"/bytes/{seed}/{length}{(query.Length > 0 ? "?" + query : "")}");

    private async Task AcceptAsync(Socket listener, bool isTls)
    {
        while (!_stop.IsCancellationRequested)
        {
            Socket socket;
            try
            {
                socket = await listener.AcceptAsync(_stop.Token);
            }
            catch (Exception ended) when (ended is OperationCanceledException or ObjectDisposedException or SocketException)
            {
                return;
            }
            var number = Interlocked.Increment(ref _connectionCount);
            Interlocked.Increment(ref _openCount);
            _connections[number] = Task.Run(async () =>
            {
                using (socket)
                    await ServeAsync(socket, number, isTls);
                Interlocked.Decrement(ref _openCount);
                _connections.TryRemove(number, out _);
            });
        }
    }

    private async Task ServeAsync(Socket socket, int number, bool isTls)
    {
        socket.NoDelay = true;
        if (!isTls)
        {
            await using var clear = new NetworkStream(socket, ownsSocket: false);
            await new OriginConnection(this, socket, clear, number).ServeAsync(_stop.Token);
            return;
        }
        try
        {
            if (await TlsDoor.OpenAsync(socket, _faces.Of(((IPEndPoint)socket.LocalEndPoint!).Address), _stop.Token) is not { } tls)
                return;
            await using (tls)
            {
                if (tls.NegotiatedApplicationProtocol == SslApplicationProtocol.Http2)
                {
                    using var connection = new Http2Connection(this, tls, number);
                    await connection.ServeAsync(_stop.Token);
                }
                else
                {
                    await new OriginConnection(this, socket, tls, number).ServeAsync(_stop.Token);
                }
            }
        }
        catch (Exception ended) when (OriginConnection.IsEnd(ended))
        {
            // The peer left during the handshake, or the origin stops.
        }
    }
}

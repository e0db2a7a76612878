using System.Net;
using System.Net.Sockets;
using Npgsql;

namespace Backhaul.Store.Tests;

/// <summary>A way to the server that can be cut silently: bytes stop flowing, and no side is told.</summary>
internal sealed class CutProxy : IDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _ending = new();
    private readonly NpgsqlConnectionStringBuilder _target;
    private readonly List<Socket> _sockets = [];
    private volatile TaskCompletionSource? _cut;

    public CutProxy(string connectionString)
    {
        _target = new NpgsqlConnectionStringBuilder(connectionString);
        _listener.Start();
        _ = AcceptAsync();
    }

    public string ConnectionString => new NpgsqlConnectionStringBuilder(_target.ConnectionString)
    {
        Host = "127.0.0.1",
        Port = ((IPEndPoint)_listener.LocalEndpoint).Port,
    }.ConnectionString;

    public void Cut() => _cut ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);

    public void Mend()
    {
        var cut = _cut;
        _cut = null;
        cut?.TrySetResult();
    }

    public void Dispose()
    {
        _ending.Cancel();
        _listener.Stop();
        Mend();
        lock (_sockets)
            _sockets.ForEach(socket => socket.Dispose());
        _ending.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                var near = await _listener.AcceptSocketAsync(_ending.Token);
                var far = new Socket(SocketType.Stream, ProtocolType.Tcp);
                lock (_sockets)
                    _sockets.AddRange([near, far]);
                await far.ConnectAsync(_target.Host!, _target.Port, _ending.Token);
                _ = PumpAsync(near, far);
                _ = PumpAsync(far, near);
            }
        }
        catch (Exception ended) when (ended is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // The test is over.
        }
    }

    private async Task PumpAsync(Socket from, Socket to)
    {
        var buffer = new byte[64 * 1024];
        try
        {
            while (await from.ReceiveAsync(buffer, _ending.Token) is > 0 and var count)
            {
                if (_cut is { } cut)
                    await cut.Task;
                await to.SendAsync(buffer.AsMemory(0, count), _ending.Token);
            }

            to.Shutdown(SocketShutdown.Send);
        }
        catch (Exception ended) when (ended is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            from.Dispose();
            to.Dispose();
        }
    }
}

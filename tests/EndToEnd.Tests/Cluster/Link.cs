using System.Net;
using System.Net.Sockets;

namespace Backhaul.EndToEnd.Tests.Cluster;

/// <summary>
/// The network between one node and its database: passes bytes on, until a test cuts it. A silent cut closes nothing: bytes are read and kept
/// from the other side, as a firewall does that forgets a connection.
/// </summary>
internal sealed class Link : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly HashSet<Pair> _pairs = [];
    private readonly Lock _gate = new();
    private readonly int _target;
    private readonly Task _accepting;
    private volatile bool _toDatabase = true;
    private volatile bool _toNode = true;
    private int _answersToLose;

    public Link(int target)
    {
        _target = target;
        _listener.Start();
        Port = ((IPEndPoint)_listener.LocalEndpoint).Port;
        _accepting = AcceptAsync();
    }

    public int Port { get; }

    /// <summary>Answers that were taken away so far.</summary>
    public int AnswersLost { get; private set; }

    /// <summary>Bytes in the named directions vanish from now on, on connections that stand and on new ones.</summary>
    public void Cut(bool toDatabase, bool toNode)
    {
        _toDatabase = !toDatabase;
        _toNode = !toNode;
    }

    /// <summary>The network works again; what was cut meanwhile is gone, so those connections are of no use and end.</summary>
    public void Heal()
    {
        _toDatabase = _toNode = true;
        CloseAll();
    }

    /// <summary>The next answers to journal appends never arrive: their connection breaks instead.</summary>
    public void LoseAnswers(int count) => Volatile.Write(ref _answersToLose, count);

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Stop();
        CloseAll();
        await _accepting;
        _stop.Dispose();
    }

    private async Task AcceptAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            try
            {
                var near = await _listener.AcceptTcpClientAsync(_stop.Token);
                _ = ServeAsync(near);
            }
            catch (Exception over) when (over is OperationCanceledException or SocketException or ObjectDisposedException)
            {
                return;
            }
        }
    }

    private async Task ServeAsync(TcpClient near)
    {
        using var pair = new Pair(near, new TcpClient());
        lock (_gate)
            _pairs.Add(pair);
        try
        {
            await pair.Far.ConnectAsync(IPAddress.Loopback, _target, _stop.Token);
            near.NoDelay = pair.Far.NoDelay = true;
            await Task.WhenAny(
                PumpAsync(near.GetStream(), pair.Far.GetStream(), pair, toDatabase: true), PumpAsync(pair.Far.GetStream(), near.GetStream(), pair, toDatabase: false));
        }
        catch (Exception over) when (over is OperationCanceledException or SocketException or IOException or ObjectDisposedException)
        {
            // either side has gone: so does the other
        }
        finally
        {
            lock (_gate)
                _pairs.Remove(pair);
        }
    }

    private async Task PumpAsync(NetworkStream from, NetworkStream to, Pair pair, bool toDatabase)
    {
        var buffer = new byte[64 * 1024];
        try
        {
            while (await from.ReadAsync(buffer, _stop.Token) is var read and > 0)
            {
                if (toDatabase ? !_toDatabase : !_toNode)
                    continue;
                if (toDatabase)
                    pair.Appends |= buffer.AsSpan(0, read).IndexOf("session_journal"u8) >= 0 || pair.Appends;
                else if (pair.Appends && TakeLoss())
                    return;
                await to.WriteAsync(buffer.AsMemory(0, read), _stop.Token);
            }
        }
        catch (Exception over) when (over is OperationCanceledException or SocketException or IOException or ObjectDisposedException)
        {
            // closed by the test, or by either side
        }
    }

    private bool TakeLoss()
    {
        if (Volatile.Read(ref _answersToLose) <= 0 || Interlocked.Decrement(ref _answersToLose) < 0)
            return false;
        AnswersLost++;
        return true;
    }

    private void CloseAll()
    {
        Pair[] all;
        lock (_gate)
            all = [.. _pairs];
        foreach (var pair in all)
            pair.Dispose();
    }

    private sealed class Pair(TcpClient near, TcpClient far) : IDisposable
    {
        public TcpClient Far => far;

        /// <summary>An append's statement went this way: it is a writer's connection.</summary>
        public bool Appends { get; set; }

        public void Dispose()
        {
            near.Dispose();
            far.Dispose();
        }
    }
}

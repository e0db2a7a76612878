namespace Backhaul.FaultOrigin.Http2;

/// <summary>How much the peer is ready to take: of the connection, and of each stream.</summary>
internal sealed class SendWindows
{
    private const int Default = 65_535;
    private readonly Lock _lock = new();
    private readonly Dictionary<int, long> _streams = [];
    private TaskCompletionSource _grown = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private long _connection = Default;
    private long _initial = Default;

    public void Open(int stream)
    {
        lock (_lock)
            _streams[stream] = _initial;
    }

    public void Close(int stream)
    {
        lock (_lock)
            _streams.Remove(stream);
    }

    /// <summary>The peer's setting; it applies to streams that are open already.</summary>
    public void SetInitial(long bytes)
    {
        lock (_lock)
        {
            foreach (var stream in _streams.Keys)
                _streams[stream] += bytes - _initial;
            _initial = bytes;
            Wake();
        }
    }

    public void Grow(int stream, int bytes)
    {
        lock (_lock)
        {
            if (stream == 0)
                _connection += bytes;
            else if (_streams.TryGetValue(stream, out var before))
                _streams[stream] = before + bytes;
            Wake();
        }
    }

    /// <summary>Waits until something may be sent, and takes up to <paramref name="bytes"/> of it.</summary>
    public async ValueTask<int> TakeAsync(int stream, int bytes, CancellationToken stop)
    {
        while (true)
        {
            Task grown;
            lock (_lock)
            {
                var room = Math.Min(_connection, _streams.GetValueOrDefault(stream));
                var taken = (int)Math.Min(Math.Min(room, bytes), Frame.PayloadBytesMax);
                if (taken > 0)
                {
                    _connection -= taken;
                    _streams[stream] -= taken;
                    return taken;
                }
                grown = _grown.Task;
            }
            await grown.WaitAsync(stop);
        }
    }

    private void Wake()
    {
        _grown.TrySetResult();
        _grown = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}

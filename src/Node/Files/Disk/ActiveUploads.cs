using System.Collections.Concurrent;

namespace Backhaul.Node.Files.Disk;

/// <summary>
/// Who has an upload in hand on this node: one request at a time. A newcomer ends the one before it, because a client that comes again has
/// given that one up, and its connection may be dead without anybody having noticed.
/// </summary>
internal sealed class ActiveUploads(TimeProvider time)
{
    /// <summary>Longer than a flush of what came since the last one takes.</summary>
    private static readonly TimeSpan TakeOverMax = TimeSpan.FromSeconds(10);

    private readonly ConcurrentDictionary<UploadKey, Turn> _turns = new();

    /// <summary>Null when the request before does not end in time.</summary>
    public async ValueTask<Turn?> EnterAsync(UploadKey key, CancellationToken stop)
    {
        var mine = new Turn(this, key, stop);
        while (!_turns.TryAdd(key, mine))
        {
            if (!_turns.TryGetValue(key, out var other))
                continue;
            other.Interrupt();
            try
            {
                await other.Ended.WaitAsync(TakeOverMax, time, stop);
            }
            catch (TimeoutException)
            {
                mine.Abandon();
                return null;
            }
            catch
            {
                mine.Abandon();
                throw;
            }
        }
        return mine;
    }

    /// <summary>One request's turn with an upload.</summary>
    internal sealed class Turn(ActiveUploads uploads, UploadKey key, CancellationToken stop) : IDisposable
    {
        private readonly CancellationTokenSource _interrupted = CancellationTokenSource.CreateLinkedTokenSource(stop);
        private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
        private readonly Lock _gate = new();
        private bool _isOver;

        /// <summary>Cancelled when the client goes, or when another request takes over.</summary>
        public CancellationToken Stop => _interrupted.Token;

        public Task Ended => _ended.Task;

        public void Interrupt()
        {
            lock (_gate)
            {
                if (!_isOver)
                    _interrupted.Cancel();
            }
        }

        public void Abandon() => _interrupted.Dispose();

        public void Dispose()
        {
            uploads._turns.TryRemove(new KeyValuePair<UploadKey, Turn>(key, this));
            lock (_gate)
            {
                _isOver = true;
                _interrupted.Dispose();
            }
            _ended.TrySetResult();
        }
    }
}

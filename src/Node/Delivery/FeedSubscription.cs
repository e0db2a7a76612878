using Backhaul.Protocol;

namespace Backhaul.Node.Delivery;

/// <summary>One listener: what it has not looked at yet, and a signal that there is some. Any thread tells it, one reads it.</summary>
internal sealed class FeedSubscription(SessionFeed feed, SessionKey session, int progressTasksMax, bool forPeer) : IDisposable
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, ProgressView> _progress = new(StringComparer.Ordinal);
    private TaskCompletionSource? _waiting;
    private bool _signalled;
    private bool _wantsProgress;
    private bool _hasNews;
    private bool _wasClosed;
    private bool _disposed;

    public SessionKey Session => session;

    /// <summary>Another node listens, on behalf of its clients.</summary>
    public bool IsForPeer => forPeer;

    /// <summary>A client holds a stream open, or waits for a page; another node's subscription is when one of its clients is.</summary>
    public bool IsAttached { get; private set; }

    public void Attach()
    {
        IsAttached = true;
        feed.Attached(this);
    }

    public void Published()
    {
        lock (_gate)
        {
            _hasNews = true;
            Signal();
        }
    }

    public void Progress(ProgressView progress)
    {
        lock (_gate)
        {
            if (_progress.Count >= progressTasksMax && !_progress.ContainsKey(progress.Task))
                return;
            _progress[progress.Task] = progress;
            if (_wantsProgress)
                Signal();
        }
    }

    /// <summary>The session's actor stopped. It may have moved: the reader asks once, but in its own time, lest an idle session be kept awake.</summary>
    public void Closed()
    {
        lock (_gate)
        {
            _wasClosed = true;
            if (forPeer)
                Signal(); // it may have moved, and the peer must look for it
        }
    }

    /// <summary>Wakes the reader: a timer or the end of a connection.</summary>
    public void Pulse()
    {
        lock (_gate)
            Signal();
    }

    /// <summary>Completes when there are news or a pulse, and when there is progress if that is wanted.</summary>
    public Task WaitAsync(bool wantsProgress)
    {
        lock (_gate)
        {
            if (_signalled || (wantsProgress && _progress.Count > 0))
            {
                _signalled = false;
                return Task.CompletedTask;
            }
            _wantsProgress = wantsProgress;
            _waiting = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            return _waiting.Task;
        }
    }

    /// <summary>True once for each time that events were published.</summary>
    public bool TakeNews() => Take(ref _hasNews);

    public bool TakeClosed() => Take(ref _wasClosed);

    public bool HasProgress
    {
        get
        {
            lock (_gate)
                return _progress.Count > 0;
        }
    }

    public void TakeProgress(List<ProgressView> into)
    {
        lock (_gate)
        {
            into.AddRange(_progress.Values);
            _progress.Clear();
        }
    }

    /// <summary>A task that ended moves no more.</summary>
    public void ForgetProgress(string task)
    {
        lock (_gate)
            _progress.Remove(task);
    }

    public void Dispose()
    {
        lock (_gate)
        {
            if (_disposed)
                return;
            _disposed = true;
        }
        feed.Remove(this);
    }

    private bool Take(ref bool flag)
    {
        lock (_gate)
        {
            var was = flag;
            flag = false;
            return was;
        }
    }

    /// <summary>Under the gate.</summary>
    private void Signal()
    {
        if (_waiting is { } waiting)
        {
            _waiting = null;
            _wantsProgress = false;
            waiting.SetResult();
        }
        else
        {
            _signalled = true;
        }
    }
}

using Backhaul.Node.Transfers;
using Xunit;

namespace Backhaul.Node.Tests.Transfers;

/// <summary>What an attempt reported, in order.</summary>
internal sealed class RecordedReports : IAttemptReports
{
    private readonly Lock _lock = new();
    private readonly List<PartCheckpoint> _checkpoints = [];
    private readonly List<string> _order = [];
    private TaskCompletionSource _changed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public AttemptResponse? Response { get; private set; }
    public List<string> Restarts { get; } = [];
    public List<string> Redirects { get; } = [];
    public long Received { get; private set; }
    public long Sent { get; private set; }

    /// <summary>Answered with false when this says so: <c>responded checkpoint redirected restarted</c>.</summary>
    public Func<string, bool> Wanted { get; set; } = _ => true;

    public IReadOnlyList<PartCheckpoint> Checkpoints
    {
        get
        {
            lock (_lock)
                return [.. _checkpoints];
        }
    }

    public IReadOnlyList<string> Order
    {
        get
        {
            lock (_lock)
                return [.. _order];
        }
    }

    public PartCheckpoint? Last => Checkpoints is [.., var last] ? last : null;

    public ValueTask<bool> RespondedAsync(AttemptResponse response)
    {
        Response = response;
        return Note("responded");
    }

    public ValueTask<bool> CheckpointAsync(PartCheckpoint checkpoint)
    {
        lock (_lock)
            _checkpoints.Add(checkpoint);
        return Note("checkpoint");
    }

    public ValueTask<bool> RedirectedAsync(string toUrl, int status)
    {
        Redirects.Add($"{status} {toUrl}");
        return Note("redirected");
    }

    public ValueTask<bool> RestartedAsync(string why)
    {
        Restarts.Add(why);
        return Note("restarted");
    }

    public void Progress(long bytesReceived, long bytesSent, long? totalToReceive, long? totalToSend)
    {
        lock (_lock)
        {
            (Received, Sent) = (bytesReceived, bytesSent);
            Signal();
        }
    }

    /// <summary>Waits until the condition holds; fails after ten seconds.</summary>
    public async Task UntilAsync(Func<RecordedReports, bool> condition, string what)
    {
        var deadline = DateTime.UtcNow.AddSeconds(10);
        while (true)
        {
            Task changed;
            lock (_lock)
            {
                if (condition(this))
                    return;
                changed = _changed.Task;
            }
            var left = deadline - DateTime.UtcNow;
            Assert.True(left > TimeSpan.Zero, $"Waited 10 s until {what}.");
            await Task.WhenAny(changed, Task.Delay(left, TestContext.Current.CancellationToken));
        }
    }

    private ValueTask<bool> Note(string what)
    {
        lock (_lock)
        {
            _order.Add(what);
            Signal();
        }
        return new(Wanted(what));
    }

    private void Signal()
    {
        _changed.TrySetResult();
        _changed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}

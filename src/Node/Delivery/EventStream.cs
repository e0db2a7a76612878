using System.IO.Pipelines;
using Backhaul.Node.Telemetry;
using Backhaul.Protocol;

namespace Backhaul.Node.Delivery;

/// <summary>How a stream ended.</summary>
internal enum StreamEnd
{
    /// <summary>The reader went away.</summary>
    Gone = 1,

    /// <summary>The node closes its streams, or the session cannot be read any more; the reader was told when to come back.</summary>
    Closed = 2,

    /// <summary>A write took too long; the connection is of no use any more.</summary>
    TooSlow = 3,
}

/// <summary>
/// One open stream of server-sent events: catch up, then follow.
/// <code>
///   read page after `sent` ──► write, flush ──► more? ──yes──► read again
///                                                └─no──► wait for news, progress that is due, a timer, the end
/// </code>
/// Events are read from the session and written in order; <c>sent</c> only grows, so none comes twice on one stream. At most one page
/// waits to be flushed. A session that does not answer is asked again while keep-alives go on. Ends when the reader is gone, when a
/// write takes too long, or with a retry hint when the node closes its streams.
/// </summary>
internal sealed class EventStream : IDisposable
{
    private readonly IEventSource _source;
    private readonly FeedSubscription _feed;
    private readonly PipeWriter _output;
    private readonly EventMessages _messages;
    private readonly TimeProvider _time;
    private readonly Func<double> _chance;
    private readonly DeliveryOptions _options;
    private readonly ITimer _beat;
    private readonly DueTimer _ask;
    private readonly DueTimer _progress;
    private readonly List<ProgressView> _moved = [];
    private long _sent;
    private long _lastWrite;
    private int _failures;
    private bool _mustAsk;

    /// <param name="chance">Uniform in [0, 1): spreads the return of readers.</param>
    public EventStream(
        IEventSource source, FeedSubscription feed, PipeWriter output, TimeProvider time, Func<double> chance, DeliveryOptions options)
    {
        (_source, _feed, _output, _time, _chance, _options) = (source, feed, output, time, chance, options);
        _messages = new EventMessages(output);
        _lastWrite = time.GetTimestamp();
        _beat = time.CreateTimer(static feed => ((FeedSubscription)feed!).Pulse(), feed, options.KeepAlive, options.KeepAlive);
        _ask = new DueTimer(feed, time);
        _progress = new DueTimer(feed, time);
    }

    /// <param name="first">A page that was read after the subscription was made.</param>
    /// <param name="after">What the reader has.</param>
    /// <param name="closing">The node closes its streams.</param>
    /// <param name="gone">The reader's connection ended.</param>
    public async Task<StreamEnd> RunAsync(EventPage first, long after, CancellationToken closing, CancellationToken gone)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(closing, gone);
        using var onEither = either.Token.UnsafeRegister(static feed => ((FeedSubscription)feed!).Pulse(), _feed);
        DeliveryInstruments.Stream(1);
        try
        {
            _sent = after;
            Write(first);
            if (first.Events.Count == 0)
                _messages.KeepAlive();
            var end = await FlushAsync(_options.WriteMax, either.Token);
            while (end is null && !either.IsCancellationRequested)
                end = await FollowAsync(either.Token);
            if (gone.IsCancellationRequested)
                return StreamEnd.Gone;
            return end ?? await CloseAsync(gone);
        }
        finally
        {
            DeliveryInstruments.Stream(-1);
        }
    }

    public void Dispose()
    {
        _beat.Dispose();
        _ask.Dispose();
        _progress.Dispose();
        _messages.Dispose();
    }

    /// <summary>One round: write what there is, then wait for more. Null while the stream goes on.</summary>
    private async Task<StreamEnd?> FollowAsync(CancellationToken stop)
    {
        _mustAsk |= _feed.TakeNews();
        if (_mustAsk && _ask.IsDue)
        {
            // the answer may take AskMax: what would fall due meanwhile is written before
            if (_time.GetElapsedTime(_lastWrite) + _options.AskMax > _options.KeepAlive)
            {
                _messages.KeepAlive();
                if (await FlushAsync(_options.WriteMax, stop) is { } stuck)
                    return stuck;
            }
            if (!await AskAsync(stop))
                return stop.IsCancellationRequested ? null : await CloseAsync(stop);
        }
        WriteProgressIfDue();
        if (_time.GetElapsedTime(_lastWrite) >= _options.KeepAlive)
        {
            _messages.KeepAlive();
            _mustAsk |= _feed.TakeClosed();
        }
        var end = await FlushAsync(_options.WriteMax, stop);
        // With more to read, or a session to ask again, at once.
        if (end is null && (!_mustAsk || !_ask.IsDue))
            await _feed.WaitAsync(wantsProgress: _progress.IsDue);
        return end;
    }

    /// <summary>False when the session cannot be read any more, or the stream ends meanwhile.</summary>
    private async ValueTask<bool> AskAsync(CancellationToken stop)
    {
        EventReading reading;
        using var late = new CancellationTokenSource(_options.AskMax, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(late.Token, stop);
        try
        {
            reading = await _source.ReadAsync(_feed.Session, _sent, _options.PageEvents, either.Token);
        }
        catch (OperationCanceledException) when (either.IsCancellationRequested)
        {
            if (stop.IsCancellationRequested)
                return false;
            AskAgainAfter(TimeSpan.Zero);
            return true;
        }
        switch (reading)
        {
            case EventReading.Page page:
                Write(page.Events);
                return true;
            case EventReading.NotNow notNow:
                AskAgainAfter(notNow.RetryAfter);
                return true;
            default:
                return false;
        }
    }

    private void AskAgainAfter(TimeSpan atLeast)
    {
        var wait = TimeSpan.FromSeconds(Math.Clamp(atLeast.TotalSeconds, 0.05 * (1 << Math.Min(_failures, 7)), 30));
        _failures++;
        _ask.Set(wait);
    }

    private void Write(EventPage page)
    {
        var now = _time.GetUtcNow();
        foreach (var view in page.Events)
        {
            if (view.Number <= _sent)
                continue;
            _messages.Event(view);
            _sent = view.Number;
            if (view is { Type: EventTypes.TaskCompleted, Task: { } task })
                _feed.ForgetProgress(task);
            DeliveryInstruments.Delivered(now - view.At);
        }
        _failures = 0;
        _ask.Release();
        _mustAsk = page.Events.Count > 0 && page.Last > _sent;
    }

    private void WriteProgressIfDue()
    {
        if (!_progress.IsDue || !_feed.HasProgress)
            return;
        _moved.Clear();
        _feed.TakeProgress(_moved);
        foreach (var progress in _moved)
            _messages.Progress(progress);
        _progress.Set(_options.ProgressEvery);
    }

    private async Task<StreamEnd> CloseAsync(CancellationToken stop)
    {
        _messages.Retry(_options.RetryMin + ((_options.RetryMax - _options.RetryMin) * _chance()));
        return await FlushAsync(_options.CloseMax, stop) ?? StreamEnd.Closed;
    }

    /// <summary>Null when it was taken. A reader that is stuck when the node closes its streams is not waited for.</summary>
    private async ValueTask<StreamEnd?> FlushAsync(TimeSpan within, CancellationToken stop)
    {
        if (_output is { CanGetUnflushedBytes: true, UnflushedBytes: 0 })
            return null;
        try
        {
            var flushing = _output.FlushAsync(CancellationToken.None);
            var result = flushing.IsCompleted ? await flushing : await flushing.AsTask().WaitAsync(within, _time, stop);
            _lastWrite = _time.GetTimestamp();
            _beat.Change(_options.KeepAlive, _options.KeepAlive); // counted from here, not from when the stream began
            return result.IsCompleted ? StreamEnd.Gone : null;
        }
        catch (Exception stuck) when (stuck is TimeoutException or OperationCanceledException)
        {
            return StreamEnd.TooSlow;
        }
    }
}

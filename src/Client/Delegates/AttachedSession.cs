using Backhaul.Client.Calls;
using Backhaul.Client.Delegates;
using Backhaul.Client.Events;
using Backhaul.Protocol;

namespace Backhaul.Client;

/// <summary>
/// A session with a delegate: its events are read, handed over one after the other, and acknowledged after their method has returned, until
/// the session is invalidated (or drained, when asked to), or somebody stops. The session itself goes on in any case.
/// <code>
/// attached ──stop──► the method that runs finishes ──► what was handled is acknowledged ──► ended
///     └──sessionInvalidated, refused──────────────────────────────────────────────────────────┘
/// </code>
/// </summary>
public sealed class AttachedSession : IAsyncDisposable
{
    /// <summary>How long a cancelled method, and the last acknowledgement, may take.</summary>
    private static readonly TimeSpan AbortTime = TimeSpan.FromSeconds(10);

    private readonly Caller _caller;
    private readonly AttachOptions _options;
    private readonly DelegateHandler _handler;
    private readonly CancellationTokenSource _stopping = new();
    private readonly CancellationTokenSource _abort = new();
    private volatile Exception? _notificationFailure;

    internal AttachedSession(BackgroundSession session, Caller caller, SessionView view, ISessionDelegate to, AttachOptions options)
    {
        _caller = caller;
        _options = options;
        _handler = new DelegateHandler(session, caller, to, options);
        (Session, View) = (session, view);
        Completion = RunAsync(new EventStreamOptions
        {
            Progress = progress => Tell(() => to.Progressed(session, progress)),
            Interrupted = interruption => Tell(() => to.Interrupted(session, interruption)),
            StopWhenDrained = options.StopWhenDrained,
        });
    }

    /// <summary>The session.</summary>
    public BackgroundSession Session { get; }

    /// <summary>The session as it was when this client attached; <see cref="SessionView.Created"/> says whether it is new.</summary>
    public SessionView View { get; }

    /// <summary>
    /// Ends when no more events are handed over. Fails with the <see cref="BackhaulException"/> of a session that does not exist any more
    /// or a key that was refused; outages are waited for.
    /// </summary>
    public Task Completion { get; }

    /// <summary>The number of the newest event that was handled by this attachment; 0 before the first one.</summary>
    public long HandledThrough => _handler.HandledThrough;

    /// <summary>The failure that holds back the events behind it; null while all is well.</summary>
    public HandlerFailure? Failure => _handler.Failure;

    /// <summary>
    /// What <see cref="ISessionDelegate.Progressed"/> or <see cref="ISessionDelegate.Interrupted"/> threw last; null while neither has. Events go on all the same.
    /// </summary>
    public Exception? NotificationFailure => _notificationFailure;

    /// <summary>
    /// Stops in good order: no further event is handed over, the method that runs finishes, and what was handled is acknowledged. When
    /// <paramref name="hurry"/> ends before, the method is cancelled, and its event comes again at the next attachment. Called by a method of the
    /// delegate it only asks, since it cannot wait for that method: the attachment ends when it has returned. Repeating it changes nothing.
    /// </summary>
    /// <exception cref="TimeoutException">The cancelled method did not end.</exception>
    public async Task StopAsync(CancellationToken hurry = default)
    {
        await _stopping.CancelAsync();
        if (Completion.IsCompleted || _handler.IsCaller)
            return;
        var hurried = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var registration = hurry.Register(() =>
        {
            _abort.Cancel();
            hurried.TrySetResult();
        });
        if (await Task.WhenAny(Completion, hurried.Task) != Completion)
            await Completion.WaitAsync(AbortTime, _caller.Time, CancellationToken.None).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (!Completion.IsCompleted)
            throw new TimeoutException($"The delegate's method for the event behind number {HandledThrough} did not end within {AbortTime.TotalSeconds:0} s of its cancellation.");
    }

    /// <summary>As <see cref="StopAsync"/>, within <see cref="AttachOptions.StopGrace"/>.</summary>
    public async ValueTask DisposeAsync()
    {
        // The two sources stay: they hold neither timers nor handles, and a second stop, or a method that still runs, may ask them.
        using var grace = new CancellationTokenSource(_options.StopGrace, _caller.Time);
        await StopAsync(grace.Token);
    }

    /// <summary>What is only told must not end the events behind it.</summary>
    private void Tell(Action notification)
    {
        try
        {
            notification();
        }
        catch (Exception thrown)
        {
            _notificationFailure = thrown;
        }
    }

    private async Task RunAsync(EventStreamOptions stream)
    {
        try
        {
            await new EventLoop(Session, _caller, HandleAsync, stream).RunAsync(_stopping.Token);
        }
        catch (OperationCanceledException) when (_stopping.IsCancellationRequested)
        {
            // stopped, as asked
        }
    }

    /// <summary>Asks the source itself: what is linked to it learns of a stop a moment later, and the next event may be here already.</summary>
    private ValueTask HandleAsync(EventView next, CancellationToken reading)
    {
        _stopping.Token.ThrowIfCancellationRequested();
        return _handler.HandleAsync(next, reading, _abort.Token);
    }
}

using Backhaul.Client.Calls;
using Backhaul.Protocol;

namespace Backhaul.Client.Delegates;

/// <summary>
/// Hands one event after the other to a delegate, and returns when its method has. A method that throws is called again, for as long as
/// nobody stops: the event must not be passed over, and those behind it must not overtake it.
/// </summary>
internal sealed class DelegateHandler(BackgroundSession session, Caller caller, ISessionDelegate to, AttachOptions options)
{
    private readonly AsyncLocal<MethodCall?> _call = new();
    private long _handledThrough;
    private volatile HandlerFailure? _failure;

    /// <summary>The newest event whose method has returned.</summary>
    public long HandledThrough => Interlocked.Read(ref _handledThrough);

    /// <summary>Set while an event is tried again.</summary>
    public HandlerFailure? Failure => _failure;

    /// <summary>True for what a method of the delegate does before it returns.</summary>
    public bool IsCaller => _call.Value is { HasReturned: false };

    /// <param name="next">The event.</param>
    /// <param name="stopping">Ends the waits between calls; a call that runs may finish.</param>
    /// <param name="abort">Given to the delegate's method.</param>
    public async ValueTask HandleAsync(EventView next, CancellationToken stopping, CancellationToken abort)
    {
        for (var attempt = 1; ; attempt++)
        {
            stopping.ThrowIfCancellationRequested();
            try
            {
                await CallAsync(next, abort);
                Interlocked.Exchange(ref _handledThrough, next.Number);
                _failure = null;
                return;
            }
            catch (Exception failed) when (failed is not OperationCanceledException || !abort.IsCancellationRequested)
            {
                var wait = RetryRules.BackOff(attempt, 0.5 + (caller.Options.Jitter() / 2), options.RetryFirst, options.RetryLongest);
                _failure = new HandlerFailure(next, failed, attempt, wait);
                TellOfFailure(_failure);
                await caller.WaitAsync(wait, stopping);
            }
        }
    }

    private async ValueTask CallAsync(EventView next, CancellationToken abort)
    {
        var call = new MethodCall();
        _call.Value = call;
        try
        {
            await EventDispatch.ToAsync(to, session, next, abort);
        }
        finally
        {
            call.HasReturned = true;
        }
    }

    /// <summary>A delegate that cannot even be told keeps its event, and both failures are to be seen.</summary>
    private void TellOfFailure(HandlerFailure failure)
    {
        try
        {
            to.HandlerFailed(session, failure);
        }
        catch (Exception thrown)
        {
            _failure = failure with { Exception = new AggregateException(failure.Exception, thrown) };
        }
    }

    private sealed class MethodCall
    {
        public volatile bool HasReturned;
    }
}

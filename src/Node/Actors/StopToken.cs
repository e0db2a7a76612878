namespace Backhaul.Node.Actors;

/// <summary>A cancellation token that costs nothing until somebody asks for it. What is registered on it runs on the scheduler.</summary>
internal sealed class StopToken(ActorScheduler scheduler)
{
    private readonly Lock _lock = new();
    private CancellationTokenSource? _source;
    private bool _raised;

    public CancellationToken Token
    {
        get
        {
            lock (_lock)
            {
                if (_raised && _source is null)
                    return new CancellationToken(canceled: true);
                _source ??= new CancellationTokenSource();
                return _source.Token;
            }
        }
    }

    public void Raise()
    {
        lock (_lock)
        {
            if (_raised)
                return;
            _raised = true;
            if (_source is { } source)
                scheduler.Queue(static state => ((CancellationTokenSource)state!).Cancel(), source);
        }
    }
}

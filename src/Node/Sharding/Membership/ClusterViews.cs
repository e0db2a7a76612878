using Backhaul.Node.Actors;
using Backhaul.Node.Journal;

namespace Backhaul.Node.Sharding.Membership;

/// <summary>A view, and its place in the order of what this node did and read: what was changed after <see cref="Order"/> may be missing in it.</summary>
internal sealed record ViewReading(ClusterView View, long Order, TimeSpan At)
{
    public static ViewReading None { get; } = new(ClusterView.Empty, 0, TimeSpan.Zero);
}

/// <summary>Reads the view and keeps the newest. Called by the controller in its rhythm, and by routers that were told that theirs is old. Thread-safe.</summary>
internal sealed class ClusterViews(IClusterStore store, TimeProvider time) : IClusterViews
{
    private readonly Lock _lock = new();
    private readonly long _origin = time.GetTimestamp();
    private ViewReading _newest = ViewReading.None;
    private Request<JournalStoreException?>? _refreshing;
    private long _order;

    public event Action? Changed;

    public ClusterView Current => Newest.View;

    public ViewReading Newest => Volatile.Read(ref _newest);

    /// <summary>On this object's own clock.</summary>
    public TimeSpan Now => time.GetElapsedTime(_origin);

    /// <summary>A place in the order of reads and changes.</summary>
    public long Mark() => Interlocked.Increment(ref _order);

    public async ValueTask<ViewReading> ReadAsync(CancellationToken stop)
    {
        var (order, at) = (Mark(), Now);
        var reading = new ViewReading(await store.ReadViewAsync(stop), order, at);
        lock (_lock)
        {
            if (_newest.Order > order)
                return _newest; // a later read was faster
            Volatile.Write(ref _newest, reading);
        }
        Changed?.Invoke();
        return reading;
    }

    /// <summary>Many callers at once share one read: it is asked for whenever a command was sent to the wrong node.</summary>
    public async Task RefreshAsync(CancellationToken stop)
    {
        var own = new Request<JournalStoreException?>();
        if (Interlocked.CompareExchange(ref _refreshing, own, null) is { } running)
        {
            if (await running.Reply.WaitAsync(stop) is { } theirs)
                throw new JournalStoreException(theirs.Failure, theirs.Message, theirs);
            return;
        }
        JournalStoreException? failure = null;
        try
        {
            await ReadAsync(CancellationToken.None);
        }
        catch (JournalStoreException away)
        {
            failure = away;
            throw;
        }
        finally
        {
            Volatile.Write(ref _refreshing, null);
            own.TryAnswer(failure);
        }
    }
}

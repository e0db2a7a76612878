using Backhaul.Node.Journal;
using Backhaul.Node.Sharding.Membership;

namespace Backhaul.Node.Routing;

/// <summary>
/// Which node owns which shard, as far as this node knows: the newest view of the store, and hints of other nodes that are newer still.
/// An immutable table, swapped as a whole, so that reading takes no lock.
///
/// Rules. What is newer is told by the shard's epoch alone, which only ever grows: a hint is taken with an epoch not below the known
/// one, so two nodes with old tables cannot send a command to and fro. A hint outlives one view, which may have been read before it; the
/// next view is right whatever it says (a store restored to an older state has lower epochs). An address that does not answer is
/// forgotten for all its shards, until the next view. Views are read one at a time and not more often than <c>RefreshMin</c>,
/// however many commands ask for one. Thread-safe; called by <see cref="CommandRouter"/> and <see cref="IncomingCommands"/>.
/// </summary>
internal sealed class OwnerDirectory : IDisposable
{
    private const int ShardsMax = 65_536;

    private readonly IClusterViews _views;
    private readonly RoutingOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger<OwnerDirectory> _logger;
    private readonly CancellationTokenSource _stopped = new();
    private readonly Lock _writing = new();
    private volatile Entry[] _table = [];
    private long? _refreshedAt;
    private int _refreshing;
    private bool _disposed;

    public OwnerDirectory(IClusterViews views, RoutingOptions options, TimeProvider time, ILogger<OwnerDirectory> logger)
    {
        (_views, _options, _time, _logger) = (views, options, time, logger);
        Apply(views.Current);
        views.Changed += OnChanged;
    }

    /// <summary>Null: nobody, or nobody that is known.</summary>
    public Owner? Find(int shardId)
    {
        var table = _table;
        return (uint)shardId < (uint)table.Length ? table[shardId].Owner : null;
    }

    /// <summary>What a peer said that does not own the shard. True when commands now go to another owner than before.</summary>
    public bool Accept(Owner hint)
    {
        if (hint.ShardId is < 0 or >= ShardsMax || !Uri.TryCreate(hint.Address, UriKind.Absolute, out _))
            return false;
        lock (_writing)
        {
            var table = _table;
            var known = hint.ShardId < table.Length ? table[hint.ShardId] : default;
            if (hint.Epoch < known.Epoch || known.Owner == hint)
                return false;
            var next = new Entry[Math.Max(table.Length, hint.ShardId + 1)];
            table.CopyTo(next, 0);
            next[hint.ShardId] = new Entry(hint.Epoch, hint, IsFreshHint: true);
            _table = next;
            return true;
        }
    }

    /// <summary>Nobody answers there: its shards have no known owner until the next view.</summary>
    public void Drop(string address)
    {
        lock (_writing)
        {
            if (!Array.Exists(_table, entry => entry.Owner?.Address == address))
                return;
            _table = [.. _table.Select(entry => entry.Owner?.Address == address ? entry with { Owner = null } : entry)];
        }
        _logger.AddressDropped(address);
    }

    /// <summary>Asks for a newer view, and does not wait for it: a command never depends on the store.</summary>
    public void Refresh()
    {
        if (!_disposed && Interlocked.CompareExchange(ref _refreshing, 1, 0) == 0)
            _ = RefreshAsync(_stopped.Token);
    }

    public void Dispose()
    {
        if (_disposed)
            return;
        _disposed = true;
        _views.Changed -= OnChanged;
        _stopped.Cancel();
        _stopped.Dispose();
    }

    private async Task RefreshAsync(CancellationToken stop)
    {
        try
        {
            if (_refreshedAt is { } last && _options.RefreshMin - _time.GetElapsedTime(last) is { Ticks: > 0 } early)
                await Task.Delay(early, _time, stop);
            await _views.RefreshAsync(stop);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            return;
        }
        catch (Exception unreadable)
        {
            _logger.ViewNotRead(unreadable);
        }
        finally
        {
            _refreshedAt = _time.GetTimestamp();
            Volatile.Write(ref _refreshing, 0);
        }
    }

    private void OnChanged() => Apply(_views.Current);

    private void Apply(ClusterView view)
    {
        if (view.Shards.Count == 0)
            return; // none was read yet
        var members = view.Members
            .Where(static member => member.State is MemberState.Active or MemberState.Draining)
            .ToDictionary(static member => member.Id, static member => member.Address);
        lock (_writing)
        {
            var table = _table;
            var next = new Entry[Math.Max(table.Length, view.Shards.Max(static shard => shard.ShardId) + 1)];
            foreach (var shard in view.Shards)
            {
                var known = shard.ShardId < table.Length ? table[shard.ShardId] : default;
                next[shard.ShardId] = known.IsFreshHint && known.Epoch > shard.Epoch
                    ? known with { IsFreshHint = false }
                    : new Entry(shard.Epoch, OwnerOf(shard, members), IsFreshHint: false);
            }
            _table = next;
        }
    }

    private static Owner? OwnerOf(ShardOwner shard, Dictionary<NodeId, string> members) =>
        shard.Owner is { } node && members.TryGetValue(node, out var address) ? new Owner(shard.ShardId, shard.Epoch, node, address) : null;

    /// <param name="Epoch">The newest known; stays when the owner is forgotten.</param>
    /// <param name="Owner">Null: nobody, or nobody known.</param>
    /// <param name="IsFreshHint">Came after the last view.</param>
    private readonly record struct Entry(long Epoch, Owner? Owner, bool IsFreshHint);
}

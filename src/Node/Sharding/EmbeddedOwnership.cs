using Backhaul.Node.Journal;
using Backhaul.Node.Telemetry;

namespace Backhaul.Node.Sharding;

/// <summary>
/// One node owns its file: at its start it takes every shard, with epochs one higher than those of any process before it, and keeps them
/// until it drains. A shard that the fence refuses means that another process took the file: this one ends.
/// </summary>
internal sealed class EmbeddedOwnership : IOwnership
{
    private readonly NodeShards _shards;
    private readonly IEmbeddedStore _store;
    private readonly ShardingOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private int _state;

    public EmbeddedOwnership(NodeShards shards, IEmbeddedStore store, INodeExit exit, ShardingOptions options, TimeProvider time, ILoggerFactory loggers)
    {
        _shards = shards;
        _store = store;
        _options = options;
        _time = time;
        _logger = loggers.CreateLogger("Backhaul.Node.Sharding");
        shards.Lost = shard => exit.Lost($"Shard {shard} was refused by the fence: another process has opened the journal of this node, and owns it now.");
    }

    public bool IsReady => !_shards.IsDraining && _shards.Shards.All(shard => shard.Phase == ShardPhase.Open);

    public async Task StartAsync(CancellationToken stop)
    {
        if (Interlocked.CompareExchange(ref _state, 1, 0) != 0)
            throw new InvalidOperationException("The shards were started before.");
        for (var shard = 0; shard < _shards.Count; shard++)
            _shards.TryBeginClaim(shard);
        var grants = await _store.TakeAllAsync(_shards.Node, _shards.Count, stop);
        if (grants.Count != _shards.Count)
            throw new InvalidOperationException($"The store granted {grants.Count} shards of {_shards.Count}.");
        foreach (var grant in grants)
            _shards.Opened(grant);
        ShardInstruments.Claimed("start", grants.Count);
        _logger.ShardsOpened(_shards.Node.ToString(), grants.Count, grants[0].Epoch);
        _shards.StartClock();
    }

    public async Task DrainAsync(CancellationToken stop)
    {
        if (Interlocked.Exchange(ref _state, 2) != 1)
            return;
        var began = _time.GetTimestamp();
        _shards.BeginDrain();
        List<Task<ShardGrant?>> closing = [.. Enumerable.Range(0, _shards.Count).Select(shard => _shards.CloseAsync(shard, stop))];
        await Task.WhenAll(closing); // each within the hand-off's time
        for (var shard = 0; shard < _shards.Count; shard++)
            _shards.Released(shard);
        await ReleaseAsync();
        _logger.DrainDone(_time.GetElapsedTime(began).TotalSeconds);
    }

    /// <summary>Also when the drain was cut short: with the shards given back, the next owner need not wait.</summary>
    private async Task ReleaseAsync()
    {
        try
        {
            await _store.ReleaseAllAsync(_shards.Node, CancellationToken.None).AsTask().WaitAsync(_options.HandOff, _time);
        }
        catch (Exception failure) when (failure is JournalStoreException or TimeoutException)
        {
            _logger.ReleaseFailed(failure);
        }
    }
}

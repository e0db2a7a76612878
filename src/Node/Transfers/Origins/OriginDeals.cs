using Backhaul.Node.Journal;
using Backhaul.Node.Telemetry;
using Backhaul.Node.Transfers.Conditions;

namespace Backhaul.Node.Transfers.Origins;

/// <summary>
/// Brings this node's needs of origins to the store, and what other nodes and operators say to its gates: every few seconds, and soon when
/// something cannot wait. Each origin is one document, changed by compare and swap; a node that was too late reads again. While the store is
/// away a node goes on with what it holds, until that ends by its own clock: its shares end here before they end for others, because they are
/// counted from before the reading. Then it has nothing, as its shards.
/// </summary>
internal sealed class OriginDeals
{
    private const int TriesMax = 4;

    /// <summary>An operator's word is worth more tries: each fails only when a node of the cluster wrote at the same moment.</summary>
    private const int ChangeTriesMax = 20;

    /// <summary>Kept back for clocks that run differently.</summary>
    private const double Margin = 0.9;

    private static readonly TimeSpan Gap = TimeSpan.FromMilliseconds(200);

    private readonly IOriginStore _store;
    private readonly OriginGates _gates;
    private readonly OriginOptions _options;
    private readonly Guid _node;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private volatile TaskCompletionSource _soon = NewSignal();
    private int _failures;

    public OriginDeals(IOriginStore store, OriginGates gates, OriginOptions options, NodeId node, TimeProvider time, ILogger<OriginDeals> logger)
    {
        (_store, _gates, _options, _node, _time, _logger) = (store, gates, options, node.Value, time, logger);
        gates.DealSoon = () => _soon.TrySetResult();
    }

    /// <summary>Told of the network's declaration, which lies beside the origins; null: nobody wants to know.</summary>
    public NodeConditions? Conditions { get; init; }

    /// <summary>Is given the other documents of the cluster by each reading, with their names.</summary>
    public Action<string, string>? Noted { get; init; }

    /// <summary>Deals until stopped, and gives this node's shares back then.</summary>
    public async Task RunAsync(CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            await DealSafelyAsync(leaves: false, stop);
            try
            {
                await Task.Delay(Gap, _time, stop);
                await NextAsync(stop);
            }
            catch (OperationCanceledException)
            {
                break;
            }
        }
        await DealSafelyAsync(leaves: true, CancellationToken.None);
    }

    /// <summary>The time of the next deal, or a call for it; a stop ends it too. One signal for all of them: nothing is left behind, and nothing waits beside it.</summary>
    private async Task NextAsync(CancellationToken stop)
    {
        var signal = _soon;
        var rest = _options.DealEvery > Gap ? _options.DealEvery - Gap : TimeSpan.Zero;
        using var timer = _time.CreateTimer(static soon => ((TaskCompletionSource)soon!).TrySetResult(), signal, rest, Timeout.InfiniteTimeSpan);
        using var stopped = stop.Register(static soon => ((TaskCompletionSource)soon!).TrySetResult(), signal);
        await signal.Task;
    }

    /// <summary>One deal. Throws what the store throws.</summary>
    public async ValueTask DealAsync(bool leaves, CancellationToken stop)
    {
        _soon = NewSignal();
        for (var tries = 1; ; tries++)
        {
            var began = _gates.Now;
            var book = await _store.ReadOriginsAsync(stop);
            var written = Learn(book);
            var late = 0;
            foreach (var state in _gates.All)
            {
                if (!await WriteAsync(state, written.GetValueOrDefault(state.Name), book.Now, began, leaves, tries == 1, stop))
                    late++;
            }
            _gates.Opened();
            if (late == 0 || tries >= TriesMax)
                return;
        }
    }

    /// <summary>An operator's word about an origin, durable when this returns; the record after it. Throws <see cref="JournalStoreException"/> when others are always first.</summary>
    public async ValueTask<OriginRecord> ChangeAsync(string origin, Func<OriginRecord, OriginRecord> change, CancellationToken stop)
    {
        for (var tries = 1; tries <= ChangeTriesMax; tries++)
        {
            var book = await _store.ReadOriginsAsync(stop);
            var row = book.Rows.FirstOrDefault(row => row.Origin == origin);
            var record = change(Read(row) ?? OriginRecord.Empty);
            if (await _store.WriteOriginAsync(origin, row?.Version ?? 0, record.IsBlank(book.Now) ? "" : record.Write(), stop))
            {
                await DealAsync(leaves: false, stop);
                return record;
            }
        }
        throw new JournalStoreException(StoreFailure.Transient, $"{origin} was written by other nodes {ChangeTriesMax} times at the same moment.");
    }

    /// <summary>What is written about all origins, and the store's clock.</summary>
    public async ValueTask<(DateTimeOffset Now, IReadOnlyDictionary<string, OriginRecord> Records)> ReadAsync(CancellationToken stop)
    {
        var book = await _store.ReadOriginsAsync(stop);
        return (book.Now, book.Rows.Where(row => row.Payload.Length > 0 && !IsOfCluster(row)).ToDictionary(row => row.Origin, row => Read(row) ?? OriginRecord.Empty, StringComparer.Ordinal));
    }

    /// <summary>Documents of the cluster lie beside those of origins; no origin has such a name.</summary>
    private static bool IsOfCluster(OriginRow row) => row.Origin.StartsWith("cluster:", StringComparison.Ordinal);

    private Dictionary<string, (OriginRow Row, OriginRecord Record)> Learn(OriginBook book)
    {
        Dictionary<string, (OriginRow, OriginRecord)> written = new(StringComparer.Ordinal);
        foreach (var row in book.Rows)
        {
            if (row.Origin == NetworkRecord.Name)
            {
                Conditions?.Learn(row.Payload);
                continue;
            }
            if (IsOfCluster(row))
            {
                Noted?.Invoke(row.Origin, row.Payload);
                continue;
            }
            if (Read(row) is not { } record)
                continue;
            written[row.Origin] = (row, record);
            if (record != OriginRecord.Empty || _gates.IsKnown(row.Origin))
                _gates.Learn(row.Origin, record, book.Now);
        }
        return written;
    }

    /// <summary>False when somebody else wrote meanwhile.</summary>
    private async ValueTask<bool> WriteAsync(
        OriginState state, (OriginRow? Row, OriginRecord? Record) written, DateTimeOffset storeNow, TimeSpan began, bool leaves, bool isFirst, CancellationToken stop)
    {
        if (written.Row is not null && written.Record is null)
            return true;
        var record = written.Record ?? OriginRecord.Empty;
        var (next, granted) = _gates.Plan(state, record, _node, storeNow, leaves, isFirst);
        if (next is null)
            return true;
        if (!await _store.WriteOriginAsync(state.Name, written.Row?.Version ?? 0, next.IsBlank(storeNow) ? "" : next.Write(), stop))
            return false;
        _gates.Deal(state, leaves ? null : new OriginShare(granted, began + (_options.ShareAge * Margin)));
        return true;
    }

    private async ValueTask DealSafelyAsync(bool leaves, CancellationToken stop)
    {
        try
        {
            await DealAsync(leaves, stop);
            if (_failures > 0)
                _logger.DealHealed();
            _failures = 0;
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // The node stops; the last deal follows.
        }
        catch (JournalStoreException away)
        {
            _failures++;
            OriginInstruments.DealFailed();
            if (_failures is 1 or 10 or 100)
                _logger.DealFailed(_failures, away);
        }
    }

    private OriginRecord? Read(OriginRow? row)
    {
        if (row is null)
            return null;
        var record = OriginRecord.Read(row.Payload);
        if (record is null)
            _logger.Unreadable(row.Origin);
        return record;
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}

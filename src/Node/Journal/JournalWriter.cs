using System.Threading.Channels;
using Backhaul.Node.Actors;
using Backhaul.Node.Telemetry;

namespace Backhaul.Node.Journal;

/// <summary>
/// Durable memory of sessions, front door for writing. Sessions hand in appends; lanes gather them into group commits (JournalLane), one
/// transaction each, fenced by the grants in force at that moment, which the holder is asked for just before the commit.
/// States: open, draining (queued requests are still written, new ones are Unavailable), ended.
/// Invariants: every request gets exactly one answer; Committed is said only after the store made it durable; a session's requests
/// are written in the order they came, because its shard always uses the same lane; queues are bounded and nothing in them is dropped.
/// Beside it live the ports (IJournalStore, IEmbeddedStore) with the stores behind them (Memory, Sqlite, Postgres), the codec of persisted
/// events, and JournalReplay, which reads a session back. Called by SessionActor; owned and drained by Hosting.
/// </summary>
internal sealed class JournalWriter : IJournal, IAsyncDisposable
{
    private readonly JournalOptions _options;
    private readonly TimeProvider _time;
    private readonly CancellationTokenSource _draining = new();
    private readonly JournalLane[] _lanes;
    private readonly Task _running;
    private readonly IDisposable _watch;

    public JournalWriter(IJournalStore store, JournalOptions options, TimeProvider time, IRandom random, ILogger<JournalWriter> logger)
    {
        _options = options;
        _time = time;
        var log = new JournalLog(logger);
        var lanes = options.Writers > 0 ? options.Writers : store.WritersBest;
        _lanes = [.. Enumerable.Range(0, lanes).Select(_ => new JournalLane(store, options, time, random, log, _draining.Token))];
        _running = Start(_lanes);
        _watch = JournalInstruments.Watch(() => OldestUnanswered);
    }

    /// <summary>Age of the oldest request without an answer: the watchdog's figure.</summary>
    public TimeSpan OldestUnanswered => _lanes.Max(lane => lane.OldestUnanswered);

    public int Queued => _lanes.Sum(lane => lane.Queued);

    public async ValueTask<AppendOutcome> AppendAsync(AppendRequest request, CancellationToken stop)
    {
        var bytes = request.Rows.Sum(row => (long)row.Payload.Length) + request.Archive.Sum(task => (long)task.Payload.Length);
        if (!IsAcceptable(request, bytes))
            return AppendOutcome.Rejected;

        var pending = new PendingAppend(request, bytes, _time.GetTimestamp());
        try
        {
            await _lanes[request.Holder.ShardId % _lanes.Length].EnqueueAsync(pending, stop);
        }
        catch (ChannelClosedException)
        {
            return AppendOutcome.Unavailable;
        }

        // From here on it will be written or not, whoever waits: the answer is the outcome, never a cancellation.
        return await pending.Outcome;
    }

    /// <summary>Takes no more requests, writes those that are queued, and ends. A store that fails gets a short time only.</summary>
    public async ValueTask DrainAsync()
    {
        foreach (var lane in _lanes)
            lane.Close();
        if (!_running.IsCompleted)
            _draining.Cancel(); // lanes go on in their own contexts
        await _running;
        _watch.Dispose();
    }

    public async ValueTask DisposeAsync()
    {
        await DrainAsync();
        _draining.Dispose();
    }

    /// <summary>The loops outlive whoever happens to make the writer, so they carry nothing of its execution context.</summary>
    private static Task Start(JournalLane[] lanes)
    {
        if (ExecutionContext.IsFlowSuppressed())
            return Task.WhenAll(lanes.Select(lane => lane.RunAsync()));
        using (ExecutionContext.SuppressFlow())
            return Task.WhenAll(lanes.Select(lane => lane.RunAsync()));
    }

    /// <summary>What the store could never take is refused before it can spoil a batch.</summary>
    private bool IsAcceptable(AppendRequest request, long bytes) =>
        request.Rows.Count > 0
        && request.FirstSequence > 0
        && bytes <= _options.RequestBytesMax
        && request.Rows.All(row => row.Payload.Length <= _options.RowBytesMax && row.EventType.Length > 0);
}

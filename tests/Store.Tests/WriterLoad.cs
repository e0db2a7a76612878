using Backhaul.Node.Actors;
using Backhaul.Node.Journal;
using Backhaul.Protocol;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;
using static Backhaul.Store.Tests.Writing;

namespace Backhaul.Store.Tests;

/// <summary>Sessions that write through the real writer, each one request after another, as fast as it goes; and what they were answered.</summary>
internal sealed class WriterLoad(IJournalStore store, IReadOnlyList<ShardGrant> grants)
{
    private const int ConnectionsMax = 100;
    private const int Sessions = 24;

    private readonly Holder[] _holders = [.. grants.Select(grant => new Holder(grant))];
    private readonly long[] _acknowledged = new long[Sessions];
    private long _committed;

    public long Committed => Interlocked.Read(ref _committed);

    public int Reacquired => _holders.Sum(holder => holder.Reacquired);

    public async Task RunAsync(Func<bool> until)
    {
        await using var writer = new JournalWriter(
            store, new JournalOptions { Writers = 2, RetryLimit = TimeSpan.FromMinutes(1) }, TimeProvider.System, new SystemRandom(),
            NullLogger<JournalWriter>.Instance);
        await Task.WhenAll(Enumerable.Range(0, Sessions).Select(index => Task.Run(async () =>
        {
            while (!until())
                await WriteAsync(writer, index);
        })));
    }

    /// <summary>Every session holds what was acknowledged, row by row, and nothing else.</summary>
    public async Task AssertExactAsync()
    {
        for (var index = 0; index < Sessions; index++)
        {
            var session = Key($"load{index}");
            var grant = _holders[ShardMap.ShardOf(session, Shards)].Current!.Value;
            var rows = new List<JournalRow>();
            while (await ReadAsync(() => store.ReadRowsAsync(grant, session, rows.Count, 1000, CancellationToken.None)) is { Count: > 0 } page)
                rows.AddRange(page);
            Assert.Equal(Enumerable.Range(1, (int)_acknowledged[index]).Select(row => $"{row}"), rows.Select(row => row.Text()));
            Assert.Equal(_acknowledged[index], await ReadAsync(() => store.ReadLastSequenceAsync(grant, session, CancellationToken.None)));
        }
    }

    /// <summary>Each connection of the pool that a restart ended says so once.</summary>
    private static async Task<T> ReadAsync<T>(Func<ValueTask<T>> read)
    {
        for (var tries = 1; ; tries++)
        {
            try
            {
                return await read();
            }
            catch (JournalStoreException ended) when (tries < ConnectionsMax)
            {
                Console.WriteLine($"A read met a connection that had ended: {ended.Message}");
            }
        }
    }

    private async Task WriteAsync(JournalWriter writer, int index)
    {
        var session = Key($"load{index}");
        var holder = _holders[ShardMap.ShardOf(session, Shards)];
        var append = Append(grants[holder.ShardId], session, _acknowledged[index] + 1, rows: 2);
        var outcome = await writer.AppendAsync(new AppendRequest(holder, session, append.FirstSequence, append.Rows, append.Head, []), CancellationToken.None);
        Assert.Equal(AppendOutcome.Committed, outcome);
        _acknowledged[index] += 2;
        Interlocked.Increment(ref _committed);
    }

    private sealed class Holder(ShardGrant grant) : IGrantHolder
    {
        private readonly Lock _gate = new();
        private ShardGrant _current = grant;

        public int ShardId { get; } = grant.ShardId;

        public int Reacquired { get; private set; }

        public bool IsSuspended => false;

        public ShardGrant? Current
        {
            get
            {
                lock (_gate)
                    return _current;
            }
        }

        public void OnFenced(ShardGrant refused) => Assert.Fail($"{refused} was refused, although nobody else claims.");

        public void OnReacquired(ShardGrant raised)
        {
            lock (_gate)
            {
                _current = raised;
                Reacquired++;
            }
        }
    }
}

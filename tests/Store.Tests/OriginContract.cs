using Backhaul.Node.Journal;
using Backhaul.Node.Journal.Memory;
using Backhaul.Node.Journal.Postgres;
using Xunit;

namespace Backhaul.Store.Tests;

/// <summary>What every store promises about the documents of origins: compare and swap, and its own clock with every reading.</summary>
public abstract class OriginContract : IAsyncLifetime
{
    private static readonly CancellationToken None = CancellationToken.None;

    private protected IOriginStore Store { get; set; } = null!;

    public abstract ValueTask InitializeAsync();

    public abstract ValueTask DisposeAsync();

    [Fact]
    public async Task What_was_written_is_read_with_the_stores_clock()
    {
        var before = await Store.ReadOriginsAsync(None);
        Assert.Empty(before.Rows);
        Assert.True(await Store.WriteOriginAsync("https://b.example", 0, "{\"paused\":true}", None));
        Assert.True(await Store.WriteOriginAsync("https://a.example", 0, "ä", None));
        var book = await Store.ReadOriginsAsync(None);
        Assert.Equal([new OriginRow("https://a.example", 1, "ä"), new OriginRow("https://b.example", 1, "{\"paused\":true}")], book.Rows.OrderBy(row => row.Origin, StringComparer.Ordinal));
        Assert.True(book.Now >= before.Now);
        Assert.True(book.Now - before.Now < TimeSpan.FromMinutes(1));
    }

    [Fact]
    public async Task Who_saw_another_version_writes_nothing()
    {
        Assert.False(await Store.WriteOriginAsync("https://a.example", 3, "x", None));
        Assert.True(await Store.WriteOriginAsync("https://a.example", 0, "one", None));
        Assert.False(await Store.WriteOriginAsync("https://a.example", 0, "two", None));
        Assert.True(await Store.WriteOriginAsync("https://a.example", 1, "two", None));
        Assert.False(await Store.WriteOriginAsync("https://a.example", 1, "three", None));
        Assert.Equal(new OriginRow("https://a.example", 2, "two"), Assert.Single((await Store.ReadOriginsAsync(None)).Rows));
    }

    [Fact]
    public async Task A_document_with_nothing_to_say_keeps_its_version()
    {
        Assert.True(await Store.WriteOriginAsync("https://a.example", 0, "one", None));
        Assert.True(await Store.WriteOriginAsync("https://a.example", 1, "", None));
        Assert.True(await Store.WriteOriginAsync("https://b.example", 0, "x", None));
        Assert.False(await Store.WriteOriginAsync("https://a.example", 0, "again", None));
        Assert.False(await Store.WriteOriginAsync("https://a.example", 1, "again", None));
        Assert.True(await Store.WriteOriginAsync("https://a.example", 2, "again", None));
    }

    [Fact]
    public async Task Of_many_that_write_at_once_one_at_a_time_succeeds()
    {
        const int writers = 8;
        const int each = 10;
        await Task.WhenAll(Enumerable.Range(0, writers).Select(async _ =>
        {
            for (var done = 0; done < each;)
            {
                var row = (await Store.ReadOriginsAsync(None)).Rows.SingleOrDefault();
                var count = int.Parse(row?.Payload ?? "0", System.Globalization.CultureInfo.InvariantCulture);
                if (await Store.WriteOriginAsync("https://a.example", row?.Version ?? 0, $"{count + 1}", None))
                    done++;
            }
        }));
        Assert.Equal(new OriginRow("https://a.example", writers * each, $"{writers * each}"), Assert.Single((await Store.ReadOriginsAsync(None)).Rows));
    }
}

public sealed class MemoryOriginTests : OriginContract
{
    private readonly MemoryJournalStore _journal = new(TimeProvider.System);

    public override ValueTask InitializeAsync()
    {
        Store = new MemoryOriginStore(_journal);
        return default;
    }

    public override ValueTask DisposeAsync()
    {
        _journal.Dispose();
        return default;
    }
}

public sealed class SqliteOriginTests : OriginContract
{
    private readonly SqliteHarness _harness = new();

    public override async ValueTask InitializeAsync()
    {
        await _harness.Cluster.TakeAllAsync(Writing.NewNode(), Writing.Shards, CancellationToken.None);
        Store = (IOriginStore)_harness.Cluster;
    }

    public override ValueTask DisposeAsync() => _harness.DisposeAsync();

    [Fact]
    public async Task It_is_there_after_a_restart()
    {
        Assert.True(await Store.WriteOriginAsync("https://a.example", 0, "paused", CancellationToken.None));
        await _harness.ReopenAsync();
        await InitializeAsync();
        Assert.Equal(new OriginRow("https://a.example", 1, "paused"), Assert.Single((await Store.ReadOriginsAsync(CancellationToken.None)).Rows));
    }

    [Fact]
    public async Task What_says_nothing_is_forgotten_after_a_day()
    {
        Assert.True(await Store.WriteOriginAsync("https://a.example", 0, "", CancellationToken.None));
        await _harness.CloseAsync();
        _harness.Tamper("UPDATE origin_record SET changed_at = changed_at - 90000000000");
        await _harness.ReopenAsync();
        await InitializeAsync();
        Assert.True(await Store.WriteOriginAsync("https://b.example", 0, "x", CancellationToken.None));
        Assert.Equal("https://b.example", Assert.Single((await Store.ReadOriginsAsync(CancellationToken.None)).Rows).Origin);
    }
}

public sealed class PostgresOriginTests : OriginContract
{
    private readonly PostgresClusterHarness _harness = new();

    public override async ValueTask InitializeAsync()
    {
        await _harness.Cluster.OpenAsync(new("blue", Writing.Shards, TimeSpan.FromSeconds(15)), CancellationToken.None);
        Store = new PostgresOriginStore(_harness.Database);
    }

    public override ValueTask DisposeAsync() => _harness.DisposeAsync();

    [Fact]
    public async Task What_says_nothing_is_forgotten_after_a_day()
    {
        Assert.True(await Store.WriteOriginAsync("https://a.example", 0, "", CancellationToken.None));
        _harness.Server.Execute("UPDATE origin_record SET changed_at = changed_at - interval '25 hours'");
        Assert.True(await Store.WriteOriginAsync("https://b.example", 0, "x", CancellationToken.None));
        Assert.Equal("https://b.example", Assert.Single((await Store.ReadOriginsAsync(CancellationToken.None)).Rows).Origin);
    }
}

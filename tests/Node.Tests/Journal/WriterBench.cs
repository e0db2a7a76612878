using System.Text;
using Backhaul.Node.Journal;
using Backhaul.Node.Journal.Memory;
using Backhaul.Protocol;
using Backhaul.World;
using Microsoft.Extensions.Logging;

namespace Backhaul.Node.Tests.Journal;

/// <summary>A writer over a memory store in a virtual world. Everything happens inside <see cref="RunAsync"/>.</summary>
internal sealed class WriterBench(JournalOptions? options = null, int shards = 4)
{
    private static readonly NodeId Node = new(Guid.Parse("11111111-1111-1111-1111-111111111111"));

    public VirtualWorld World { get; } = new();

    public MemoryJournalStore Store { get; private set; } = null!;

    public JournalWriter Writer { get; private set; } = null!;

    public IReadOnlyList<Holder> Holders { get; private set; } = [];

    public void RunAsync(Func<WriterBench, Task> body) => World.Run(async () =>
    {
        using var store = new MemoryJournalStore(World.Time);
        Store = store;
        Holders = [.. (await store.TakeAllAsync(Node, shards, default)).Select(grant => new Holder(grant))];
        await using var writer = new JournalWriter(store, options ?? new JournalOptions(), World.Time, World.Random, new Logger<JournalWriter>(World.Loggers));
        Writer = writer;
        await body(this);
    });

    /// <summary>Hands a request in; the sessions of a shard are named by number.</summary>
    public Task<AppendOutcome> Append(int shard, string session, long first, int rows = 1, string text = "x") =>
        Writer.AppendAsync(Request(Holders[shard], session, first, rows, text), default).AsTask();

    public static AppendRequest Request(IGrantHolder holder, string session, long first, int rows = 1, string text = "x") => new(
        holder, Key(session), first,
        [.. Enumerable.Range(0, rows).Select(index => new NewRow("thing.happened.v1", Encoding.UTF8.GetBytes(text), first + index, null))],
        new HeadUpdate("active", 1, first + rows - 1, null), []);

    public static SessionKey Key(string session) => SessionKey.Parse($"default/{session}");

    public async Task<IReadOnlyList<JournalRow>> RowsAsync(int shard, string session)
    {
        var grant = Holders[shard].Current ?? await Store.TakeOverAsync(shard, Node, default);
        return (await Store.ReadRowsAsync(grant, Key(session), 0, int.MaxValue, default))!;
    }

    /// <summary>Lets everything that is ready run; no time passes but a tick.</summary>
    public Task SettleAsync() => Task.Delay(TimeSpan.FromMilliseconds(1), World.Time);
}

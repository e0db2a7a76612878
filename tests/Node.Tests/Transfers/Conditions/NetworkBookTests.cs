using Backhaul.Node.Journal;
using Backhaul.Node.Journal.Memory;
using Backhaul.Node.Transfers.Conditions;
using Backhaul.Node.Transfers.Origins;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace Backhaul.Node.Tests.Transfers.Conditions;

public sealed class NetworkBookTests
{
    private static readonly NetworkState Metered = new() { Cost = NetworkCost.Metered, Why = "a plan" };
    private readonly MemoryOriginStore _store = new(new MemoryJournalStore(TimeProvider.System));

    [Fact]
    public async Task What_operators_declare_holds_on_all_nodes_and_on_one_that_starts_later()
    {
        var stop = TestContext.Current.CancellationToken;
        var (one, two, late) = (new NodeConditions("one"), new NodeConditions("two"), new NodeConditions("late"));
        var book = new NetworkBook(_store, one, TimeProvider.System);
        await book.DeclareAsync(null, Metered, stop);
        await book.DeclareAsync("two", new NetworkState { Offline = true }, stop);
        Assert.Equal(NetworkCost.Metered, one.Network.Cost);
        Assert.True(NetworkState.Good.IsLike(two.Network));
        var deals = Deals(two);
        await deals.DealAsync(leaves: false, stop);
        Assert.Equal((true, NetworkCost.Unrestricted), (two.Network.Offline, two.Network.Cost));
        await Deals(late).DealAsync(leaves: false, stop);
        Assert.Equal((NetworkCost.Metered, "a plan"), (late.Network.Cost, late.Network.Why));
        Assert.Empty((await deals.ReadAsync(stop)).Records); // it is no origin

        await book.DeclareAsync("two", null, stop);
        await deals.DealAsync(leaves: false, stop);
        Assert.Equal(NetworkCost.Metered, two.Network.Cost);
        await book.DeclareAsync(null, null, stop);
        await deals.DealAsync(leaves: false, stop);
        Assert.True(NetworkState.Good.IsLike(two.Network));
        Assert.True((await book.ReadAsync(stop)).IsBlank);
    }

    [Fact]
    public void Only_a_change_is_told_and_only_to_those_who_still_listen()
    {
        var conditions = new NodeConditions("one");
        var told = 0;
        var listening = conditions.Listen(() => told++);
        conditions.Set(NetworkState.Good with { Why = "looked" });
        Assert.Equal(0, told);
        conditions.Set(Metered);
        conditions.Learn("""{"cluster":{"cost":"metered"}}""");
        conditions.Learn("not a document");
        Assert.Equal((1, NetworkCost.Metered), (told, conditions.Network.Cost));
        listening.Dispose();
        conditions.Learn("");
        Assert.Equal(1, told);
        Assert.True(NetworkState.Good.IsLike(conditions.Network));
    }

    [Fact]
    public void The_document_is_read_as_it_was_written()
    {
        var record = NetworkRecord.Empty.With(null, Metered with { Since = DateTimeOffset.UnixEpoch }).With("b", new NetworkState { Cellular = true });
        var read = NetworkRecord.Read(record.Write())!;
        Assert.Equal(record.Cluster, read.Cluster);
        Assert.Equal(record.Nodes!["b"], read.Nodes!["b"]);
        Assert.Equal("""{"cluster":{"cost":"Metered","constrained":false,"cellular":false,"offline":false,"why":"a plan","since":"1970-01-01T00:00:00+00:00"},"nodes":{"b":{"cost":"Unrestricted","constrained":false,"cellular":true,"offline":false}}}""", record.Write());
    }

    private OriginDeals Deals(NodeConditions conditions) => new(
        _store, new OriginGates(new OriginOptions(), TimeProvider.System), new OriginOptions(), new NodeId(Guid.NewGuid()), TimeProvider.System, NullLogger<OriginDeals>.Instance)
    {
        Conditions = conditions,
    };
}

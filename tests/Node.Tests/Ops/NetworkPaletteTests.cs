using Xunit;
using static Backhaul.Node.Tests.Ops.PaletteCalls;

namespace Backhaul.Node.Tests.Ops;

public sealed class NetworkPaletteTests
{
    [Fact]
    public async Task The_network_is_declared_for_the_cluster_and_for_a_node_shown_and_taken_back()
    {
        await using var host = await OpsHost.StartAsync();
        var set = await RunAsync(host, "network", "set", "--cost", "metered", "--constrained", "--reason", "the line is rented");
        Assert.Equal(0, set.Exit);
        Assert.Equal(0, (await RunAsync(host, "network", "set", "--offline", "--node", "node-1", "--reason", "works")).Exit);
        var shown = await RunAsync(host, "network", "show");
        Assert.Equal((0, "Count: 3 lines"), (shown.Exit, shown.Lines[^1]));
        Assert.Matches(@"^cluster +\| metered +\| yes +\| no +\| no +\| .* \| the line is rented$", shown.Lines[1]);
        Assert.Matches(@"^node node-1 +\| unrestricted +\| no +\| no +\| yes +\| .* \| works$", shown.Lines[2]);
        Assert.Matches(@"^here \(node-1\) +\| unrestricted +\| no +\| no +\| yes ", shown.Lines[3]);
        Assert.Contains("the line is rented", host.AuditText, StringComparison.Ordinal);

        Assert.Equal(0, (await RunAsync(host, "network", "set", "--clear", "--node", "node-1", "--reason", "done")).Exit);
        Assert.Matches(@"^here \(node-1\) +\| metered ", (await RunAsync(host, "network", "show")).Lines[2]);
        foreach (var wrong in (string[][])[["set"], ["set", "--clear", "--offline"], ["set", "--cost", "dear"]])
            Assert.Equal(2, (await RunAsync(host, ["network", .. wrong, "--reason", "x"])).Exit);
    }
}

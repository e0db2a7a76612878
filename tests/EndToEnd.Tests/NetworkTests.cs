using Xunit;

namespace Backhaul.EndToEnd.Tests;

/// <summary>What operators declare of the network, with the real tool, a real node and real bytes.</summary>
public sealed class NetworkTests
{
    private static readonly TimeSpan Within = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task A_download_stops_while_the_network_costs_keeps_its_bytes_and_goes_on()
    {
        using var folder = new NodeFolder();
        await using var origin = await Origin.StartAsync();
        var file = origin.Add("paid", 3_000_000, bytesPerSecond: 500_000);
        await using var node = await NodeProcess.StartAsync(folder.Data);
        await node.Api.OpenAsync("thrifty", """{"allowsExpensiveAccess":false}""");
        await node.Api.DownloadAsync("thrifty", "paid", file.Url);
        await node.Api.TaskWhenAsync("thrifty", "paid", task => task.GetProperty("progress").GetProperty("bytesReceived").GetInt64() > 500_000, Within);

        await PbmAsync(node, "network", "set", "--cost", "metered", "--reason", "a rented line");
        var waiting = await node.Api.TaskWhenAsync("thrifty", "paid", task => task.TryGetProperty("reason", out var reason) && reason.GetString() == "costedNetwork", Within);
        Assert.Equal("waiting", waiting.GetProperty("state").GetString());
        Assert.True(waiting.GetProperty("progress").GetProperty("bytesReceived").GetInt64() > 500_000);
        var why = (await node.Api.GetAsync("/v1/sessions/thrifty/tasks/paid/why")).Json.GetProperty("sentence").GetString();
        Assert.Contains("metered", why, StringComparison.Ordinal);
        Assert.Contains("a rented line", why, StringComparison.Ordinal);

        await PbmAsync(node, "network", "set", "--clear", "--reason", "a line of our own");
        var ended = await node.Api.EndedAsync("thrifty", "paid", Within);
        Assert.Equal("succeeded", ended.GetProperty("outcome").GetString());
        var requests = origin.Requests("paid");
        Assert.Equal(2, requests.Count);
        Assert.True(requests[1].RangeStart > 500_000 && requests[1].HasIfRange, requests[1].Raw);
    }

    private static async Task PbmAsync(NodeProcess node, params string[] words)
    {
        var (code, said) = await Machine.RunAsync(["dotnet", Build.Pbm, node.OpsAddress, .. words], Within);
        Assert.True(code == 0, said);
    }
}

using Xunit;

namespace Backhaul.EndToEnd.Tests;

public sealed class StopTests
{
    private static readonly TimeSpan Within = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task SIGTERM_checkpoints_a_running_transfer_and_ends_with_code_0()
    {
        using var folder = new NodeFolder();
        await using var origin = await Origin.StartAsync();
        var file = origin.Add("slow", 4_000_000, bytesPerSecond: 800_000);
        await using (var node = await NodeProcess.StartAsync(folder.Data))
        {
            await node.Api.OpenAsync("stopped");
            await node.Api.DownloadAsync("stopped", "slow", file.Url, "slow.bin");
            await node.Api.TaskWhenAsync("stopped", "slow", view => view.GetProperty("progress").GetProperty("bytesReceived").GetInt64() > 500_000, Within);
            Assert.Equal(0, await node.StopAsync());
        }
        await origin.QuietAsync();
        var checkpoint = JournalFile.Read(folder.Data).Last(row => row.EventType == "task.checkpointed.v1").Payload.GetProperty("part").GetProperty("bytes").GetInt64();
        Assert.True(checkpoint > 0);

        var before = origin.Requests(file.Name).Count;
        await using var next = await NodeProcess.StartAsync(folder.Data);
        Assert.Equal("succeeded", (await next.Api.EndedAsync("stopped", "slow", Within)).GetProperty("outcome").GetString());
        Assert.Equal(checkpoint, origin.Requests(file.Name)[before].RangeStart);
        Assert.Equal(origin.ContentOf(file.Name), await next.Api.GetFileAsync("default/slow.bin"));
    }

    [Fact]
    public async Task Open_event_streams_do_not_hold_the_stop()
    {
        using var folder = new NodeFolder();
        await using var node = await NodeProcess.StartAsync(folder.Data);
        await node.Api.OpenAsync("watched");
        using var http = new HttpClient();
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(node.Url, "/v1/sessions/watched/events?after=0"));
        request.Headers.Accept.ParseAdd("text/event-stream");
        using var stream = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);
        using var reader = new StreamReader(await stream.Content.ReadAsStreamAsync(TestContext.Current.CancellationToken));
        await reader.ReadLineAsync(TestContext.Current.CancellationToken);
        var longPoll = node.Api.GetAsync("/v1/sessions/watched/events?after=1&wait=30");
        Assert.Equal(0, await node.StopAsync());
        Assert.True(await Task.WhenAny(longPoll, node.ExitAsync(Within)) is not null);
    }

    [Fact]
    public async Task A_stop_right_after_the_start_ends_with_code_0()
    {
        using var folder = new NodeFolder();
        await using var node = await NodeProcess.StartAsync(folder.Data);
        Assert.Equal(0, await node.StopAsync());
    }
}

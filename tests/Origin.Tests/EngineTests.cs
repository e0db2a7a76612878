using Backhaul.FaultOrigin;
using Backhaul.Node.Transfers;
using Xunit;

namespace Backhaul.Origin.Tests;

public sealed class EngineTests
{
    [Fact]
    public async Task The_engine_fetches_a_file_in_this_process()
    {
        await using var origin = await ScriptedOrigin.StartAsync();
        await using var engine = Engine.Start();
        Assert.IsType<AttemptOutcome.Finished>(await engine.RunAsync(Engine.Download("whole", origin.Bytes("whole", 3_000_000))));
        await engine.AssertFileAsync("whole", "whole", 3_000_000);
        Assert.Single(origin.Requests);
    }

    [Fact]
    public async Task A_killed_node_goes_on_where_it_was()
    {
        await using var origin = await ScriptedOrigin.StartAsync();
        using var folder = new NodeFolder();
        var settings = new Dictionary<string, string> { ["Backhaul:Transfers:CheckpointInterval"] = "00:00:00.050" };
        var url = origin.Bytes("life", 1_000_000, "stall=600000&times=1");
        await using (var first = await NodeProcess.StartAsync(folder.Data, settings))
        {
            await first.Api.OpenAsync("lives");
            await first.Api.DownloadAsync("lives", "it", url, "it.bin");
            await Eventually.TrueAsync(
                () => Task.FromResult(JournalFile.Read(folder.Data).Exists(row => row.EventType == "task.checkpointed.v1" && row.Payload.GetProperty("part").GetProperty("bytes").GetInt64() == 600_000)),
                TimeSpan.FromSeconds(30), () => "a checkpoint at the stall");
            await first.KillAsync();
        }
        await using var second = await NodeProcess.StartAsync(folder.Data, settings);
        var view = await second.Api.EndedAsync("lives", "it", TimeSpan.FromSeconds(30));
        Assert.Equal("succeeded", view.GetProperty("outcome").GetString());
        Assert.Equal(OriginContent.Bytes("life", 0, 1_000_000), await File.ReadAllBytesAsync(folder.FileOf("it.bin"), TestContext.Current.CancellationToken));
        Assert.Equal("bytes=600000-", origin.Requests[^1].Range);
    }
}

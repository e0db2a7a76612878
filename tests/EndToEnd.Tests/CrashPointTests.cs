using Xunit;

namespace Backhaul.EndToEnd.Tests;

/// <summary>The process dies at each named step of publishing a file; the next one finishes the work without asking the origin for what it has.</summary>
public sealed class CrashPointTests
{
    private static readonly TimeSpan Within = TimeSpan.FromSeconds(60);

    public static TheoryData<string, int, bool> Points => new()
    {
        { "publish.write", 3_000_000, true },
        { "checkpoint.flush", 3_000_000, true }, // a file with a last checkpoint is flushed there, and not once more
        { "publish.rename", 3_000_000, true },
        { "publish.directoryFlush", 3_000_000, true },
        { "publish.commit", 3_000_000, true },
        { "publish.write", 5_000, false },
        { "publish.flush", 5_000, false },
        { "publish.rename", 5_000, false },
        { "publish.directoryFlush", 5_000, false },
        { "publish.commit", 5_000, false },
    };

    [Theory]
    [MemberData(nameof(Points))]
    public async Task A_crash_while_publishing_is_finished_by_the_next_life(string point, int bytes, bool hasCheckpoints)
    {
        using var folder = new NodeFolder();
        await using var origin = await Origin.StartAsync();
        var file = origin.Add("published", bytes, bytesPerSecond: hasCheckpoints ? 3_000_000 : 0);
        var settings = new Dictionary<string, string>
        {
            ["Backhaul:Transfers:CheckpointInterval"] = "00:00:00.050",
            ["Backhaul:Transfers:CompleteCheckpointBytesMin"] = "1000000",
        };

        await using (var dying = await NodeProcess.StartAsync(folder.Data, new Dictionary<string, string>(settings) { ["Backhaul:Faults:CrashAt"] = point }))
        {
            await dying.Api.OpenAsync("crash");
            await dying.Api.DownloadAsync("crash", "it", file.Url, "crash/it.bin");
            Assert.NotEqual(0, await dying.ExitAsync(Within));
        }
        await origin.QuietAsync();
        var rows = JournalFile.Read(folder.Data);
        var checkpoint = rows.LastOrDefault(row => row.EventType == "task.checkpointed.v1")?.Payload.GetProperty("part");
        var requestsBefore = origin.Requests(file.Name).Count;
        Assert.Equal(hasCheckpoints && point != "checkpoint.flush", checkpoint is not null);
        Assert.Equal(point == "publish.commit", rows.Exists(row => row.EventType == "task.completed.v1"));

        await using var node = await NodeProcess.StartAsync(folder.Data, settings);
        var view = await node.Api.EndedAsync("crash", "it", Within);
        Assert.Equal("succeeded", view.GetProperty("outcome").GetString());
        Assert.Equal(origin.ContentOf(file.Name), await File.ReadAllBytesAsync(folder.FileOf("crash/it.bin"), TestContext.Current.CancellationToken));
        var events = await node.Api.EventsAsync("crash");
        Assert.Single(events, one => one.GetProperty("type").GetString() == "taskCompleted");
        Assert.Equal(Enumerable.Range(1, events.Count), events.Select(one => one.GetProperty("number").GetInt32()));

        var since = origin.Requests(file.Name).Skip(requestsBefore).ToList();
        if (point == "publish.commit" || (checkpoint is { } part && part.TryGetProperty("complete", out var complete) && complete.GetBoolean()))
            Assert.Empty(since);
        else if (checkpoint is { } partial)
            Assert.All(since, request => Assert.Equal(partial.GetProperty("bytes").GetInt64(), request.RangeStart));
        Assert.Empty(Directory.EnumerateFiles(folder.Data, "*.part", SearchOption.AllDirectories)); // nothing is left behind
    }
}

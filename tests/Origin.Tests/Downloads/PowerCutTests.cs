using Backhaul.FaultOrigin;
using Backhaul.Node.Files.Disk;
using Backhaul.Node.Transfers;
using Xunit;
using Xunit.Sdk;

namespace Backhaul.Origin.Tests.Downloads;

/// <summary>
/// Flush first, then say so: what the journal is told of a download survives a power cut, of a checkpoint and of the whole file. Each with the mutant that flushes
/// less, which has to fail.
/// </summary>
public sealed class PowerCutTests
{
    private const long Length = 3_000_003;
    private const string Break = "cut=1200000&times=1";

    [Fact]
    public Task What_a_checkpoint_counts_is_there_after_a_power_cut() => CheckpointAsync(new VolatileDisk(new LinuxDiskCalls()));

    [Fact]
    public Task Without_the_flush_before_a_checkpoint_a_power_cut_leaves_a_wrong_file() =>
        Assert.ThrowsAnyAsync<XunitException>(() => CheckpointAsync(new VolatileDisk(new LinuxDiskCalls()) { FlushesNothing = true }));

    [Theory]
    [InlineData(2_000)] // small enough to be published without a part
    [InlineData(Length)]
    public Task A_file_that_is_finished_is_there_after_a_power_cut(long length) => FinishedAsync(length, Engine.Quick with { SmallFileBytesMax = 4096 });

    [Theory]
    [InlineData(2_000)]
    [InlineData(Length)]
    public Task Without_the_flush_before_the_end_a_power_cut_leaves_a_wrong_file(long length) =>
        Assert.ThrowsAnyAsync<XunitException>(() => FinishedAsync(length, Engine.Quick with
        {
            SmallFileBytesMax = 4096,
            FlushOnComplete = false,
            CheckpointInterval = TimeSpan.FromMinutes(1),
        }));

    private static async Task CheckpointAsync(VolatileDisk disk)
    {
        await using var origin = await ScriptedOrigin.StartAsync();
        await using var engine = Engine.Start(disk: disk);
        var url = origin.Bytes("cut", Length, Break);
        var reports = new RecordedReports();
        Assert.IsType<AttemptOutcome.Failed>(await engine.RunAsync(Engine.Download("cut", url), reports));
        Assert.True(reports.Last!.Bytes > 0);
        disk.CutPower(engine.Root);
        Assert.IsType<AttemptOutcome.Finished>(await engine.RunAsync(Engine.Download("cut", url) with { Attempt = 2, Epoch = 2, Resume = reports.Last }));
        Assert.StartsWith("bytes=", origin.Requests[^1].Range, StringComparison.Ordinal);
        await engine.AssertFileAsync("cut", "cut", Length);
    }

    private static async Task FinishedAsync(long length, TransferOptions options)
    {
        await using var origin = await ScriptedOrigin.StartAsync();
        var disk = new VolatileDisk(new LinuxDiskCalls());
        await using var engine = Engine.Start(options, disk: disk);
        Assert.IsType<AttemptOutcome.Finished>(await engine.RunAsync(Engine.Download("whole", origin.Bytes("whole", length))));
        disk.CutPower(engine.Root);
        await engine.AssertFileAsync("whole", "whole", length);
    }
}

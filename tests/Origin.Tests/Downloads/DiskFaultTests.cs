using Backhaul.FaultOrigin;
using Backhaul.Node.Transfers;
using Xunit;

namespace Backhaul.Origin.Tests.Downloads;

/// <summary>The disk refuses in the middle of a download, at first try and after a resume, and heals: the file is right, and only what was lost is fetched again.</summary>
public sealed class DiskFaultTests
{
    private const int NoSpace = 28;
    private const int ReadOnly = 30;
    private const int InputOutput = 5;
    private const long Length = 400_003;
    private const long Lead = 200_000;

    [Theory]
    [InlineData("write", NoSpace, TransferCodes.StorageFull)]
    [InlineData("write", ReadOnly, TransferCodes.StorageFailed)]
    [InlineData("write", InputOutput, TransferCodes.StorageFailed)]
    [InlineData("flush file", InputOutput, TransferCodes.StorageFailed)]
    [InlineData("flush file", NoSpace, TransferCodes.StorageFailed)] // a failed flush is final for its file, whatever it failed of
    [InlineData("rename", InputOutput, TransferCodes.StorageFailed)]
    public async Task At_first_try_the_next_attempt_makes_the_file(string call, int errno, string code)
    {
        await using var origin = await ScriptedOrigin.StartAsync();
        await using var engine = Engine.Start();
        var url = origin.Bytes("disk", Length);
        engine.Disk.Fail(call, errno);
        await FinishAsync(engine, url, await FailAsync(engine, url, resume: null, code));
        await engine.AssertFileAsync("disk", "disk", Length);
    }

    [Theory]
    [InlineData("write", NoSpace, TransferCodes.StorageFull, Lead)]
    [InlineData("write", InputOutput, TransferCodes.StorageFailed, 0)]
    [InlineData("flush file", InputOutput, TransferCodes.StorageFailed, 0)] // what a failed flush lost is unknown: nothing of the file is believed
    public async Task After_a_resume_the_next_attempt_asks_for_what_is_not_durable(string call, int errno, string code, long goesOnFrom)
    {
        await using var origin = await ScriptedOrigin.StartAsync();
        await using var engine = Engine.Start();
        var url = origin.Bytes("disk", Length, $"after=1&lead=cut:{Lead}");
        var resume = await FailAsync(engine, url, resume: null, TransferCodes.Truncated);
        Assert.Equal(Lead, resume!.Bytes);
        engine.Disk.Fail(call, errno);
        await FinishAsync(engine, url, await FailAsync(engine, url, resume, code));
        await engine.AssertFileAsync("disk", "disk", Length);
        Assert.Equal(goesOnFrom == 0 ? null : $"bytes={goesOnFrom}-", origin.Requests[^1].Range);
    }

    /// <summary>The checkpoint from which a session would go on.</summary>
    private static async Task<PartCheckpoint?> FailAsync(Engine engine, string url, PartCheckpoint? resume, string code)
    {
        var reports = new RecordedReports();
        var failed = Assert.IsType<AttemptOutcome.Failed>(await engine.RunAsync(Engine.Download("disk", url) with { Resume = resume, Attempt = resume is null ? 1 : 2 }, reports));
        Assert.Equal(code, failed.Failure.Code);
        Assert.True(failed.Failure.Retryable);
        Assert.Equal(code == TransferCodes.StorageFull ? "storage" : null, failed.Failure.WaitReason);
        return failed.Failure.DiscardPart ? null : reports.Last ?? resume;
    }

    private static async Task FinishAsync(Engine engine, string url, PartCheckpoint? resume)
    {
        engine.Disk.Heal();
        Assert.IsType<AttemptOutcome.Finished>(await engine.RunAsync(Engine.Download("disk", url) with { Resume = resume, Attempt = 3, Epoch = 2 }));
    }
}

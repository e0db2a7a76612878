using Backhaul.FaultOrigin;
using Backhaul.Node.Transfers;
using Xunit;

namespace Backhaul.Origin.Tests.Downloads;

/// <summary>
/// Offsets around 2^31 and above 2^32: a part that is a hole up to near its end goes on there. Every byte of such files goes over the wire at the first try with
/// <c>BACKHAUL_SWEEP=long</c> only: it takes minutes.
/// </summary>
public sealed class HugeFileTests
{
    private const int Rest = 300_003;

    [Theory]
    [InlineData((1L << 31) - 1)]
    [InlineData(1L << 31)]
    [InlineData((1L << 31) + 1)]
    [InlineData((1L << 32) + 5)]
    public async Task The_last_bytes_of_a_huge_file_land_where_they_belong(long length)
    {
        await using var origin = await ScriptedOrigin.StartAsync();
        await using var engine = Engine.Start(Engine.Quick with { CompleteCheckpointBytesMin = long.MaxValue });
        var url = origin.Bytes("huge", length, "after=1&lead=cut:100000");
        var reports = new RecordedReports();
        Assert.IsType<AttemptOutcome.Failed>(await engine.RunAsync(Engine.Download("huge", url), reports));
        var part = Assert.Single(Directory.EnumerateFiles(engine.Root, reports.Last!.Part, SearchOption.AllDirectories));
        var from = length - Rest;
        using (var file = new FileStream(part, FileMode.Open, FileAccess.Write))
            file.SetLength(Math.Max(from, file.Length));
        var finished = Assert.IsType<AttemptOutcome.Finished>(
            await engine.RunAsync(Engine.Download("huge", url) with { Attempt = 2, Resume = reports.Last with { Bytes = from } }));
        Assert.Equal($"bytes={from}-", origin.Requests[^1].Range);
        Assert.Equal(Rest, origin.Requests[^1].BytesSent);
        Assert.Equal(length, finished.File!.Length);
        using var content = File.OpenRead(engine.FileOf("huge")!);
        Assert.Equal(length, content.Length);
        content.Position = from;
        var end = new byte[Rest];
        content.ReadExactly(end);
        Assert.Equal(OriginContent.Bytes("huge", from, Rest), end);
    }

    public static TheoryData<long> FirstTry =>
        Environment.GetEnvironmentVariable("BACKHAUL_SWEEP") == "long" ? [(1L << 31) - 1, 1L << 31, (1L << 31) + 1, (1L << 32) + 5] : [(1L << 25) + 5];

    [Theory]
    [MemberData(nameof(FirstTry))]
    public async Task A_huge_file_arrives_at_the_first_try(long length)
    {
        await using var origin = await ScriptedOrigin.StartAsync();
        await using var engine = Engine.Start(new TransferOptions());
        var order = Engine.Download("whole", origin.Bytes("whole", length)) with { Sha256 = OriginContent.Sha256("whole", length) };
        var finished = Assert.IsType<AttemptOutcome.Finished>(
            await engine.Runner.RunAsync(order, new RecordedReports(), CancellationToken.None).WaitAsync(TimeSpan.FromMinutes(10), TestContext.Current.CancellationToken));
        Assert.Equal((length, length, true), (finished.BytesReceived, finished.File!.Length, finished.Verified));
        Assert.True(origin.Requests.Sum(request => request.BytesSent) >= length); // a connection whose rest another one took over may have sent some of it too
        await engine.AssertFileAsync("whole", "whole", length);
    }
}

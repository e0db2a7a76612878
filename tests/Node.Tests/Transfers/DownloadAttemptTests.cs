using Backhaul.FaultOrigin;
using Backhaul.Node.Transfers;
using Xunit;

namespace Backhaul.Node.Tests.Transfers;

public sealed class DownloadAttemptTests
{
    private const long Length = 3_000_001;

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(4096)]
    [InlineData(4097)]
    [InlineData(65_536)]
    [InlineData(1_000_003)]
    public async Task A_file_arrives_byte_for_byte(long length)
    {
        await using var bench = await AttemptBench.StartAsync();
        var finished = Assert.IsType<AttemptOutcome.Finished>(await bench.RunAsync(bench.Download(bench.Origin.Bytes("seed", length))));
        Assert.Equal(OriginContent.Sha256("seed", length), bench.Parts.ResultSha256(bench.Files));
        Assert.Equal(length, finished.BytesReceived);
        Assert.Equal(length, finished.File!.Length);
        Assert.True(finished.Verified);
        Assert.True(finished.Response.Resumable);
        Assert.Equal(200, finished.Response.Status);
    }

    [Fact]
    public async Task A_broken_download_goes_on_where_it_broke_and_asks_for_nothing_twice()
    {
        await using var bench = await AttemptBench.StartAsync();
        var url = bench.Origin.Bytes("seed", Length);
        var checkpoint = await bench.BreakAfterAsync(url, 1_000_000);
        Assert.Equal(1_000_000, checkpoint.Bytes);
        var finished = Assert.IsType<AttemptOutcome.Finished>(await bench.RunAsync(bench.Download(url, checkpoint)));
        Assert.Equal(OriginContent.Sha256("seed", Length), bench.Parts.ResultSha256(bench.Files));
        Assert.Equal(1_000_000, finished.Response.From);
        var second = bench.Origin.Requests[1];
        Assert.Equal("bytes=1000000-", second.Range);
        Assert.Equal($"\"seed-{Length}\"", second.IfRange);
        Assert.Equal(Length - 1_000_000, second.BytesSent);
        Assert.Equal(1, bench.Parts.Created);
    }
}

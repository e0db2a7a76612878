using Backhaul.FaultOrigin;
using Backhaul.Node.Transfers;
using Backhaul.Node.Transfers.Downloads;
using Xunit;
using Xunit.Sdk;

namespace Backhaul.Node.Tests.Transfers;

/// <summary>A file that changes at its origin between two attempts.</summary>
public sealed class ChangedSourceTests
{
    private const long Length = 1_000_003;
    private const long Break = 400_000;

    /// <summary>An origin that ignores If-Range serves ranges of whatever it has now: then the validator of its answer is what tells.</summary>
    [Theory]
    [InlineData("change=1")]
    [InlineData("change=1&ignore-if-range=1")]
    [InlineData("change=1&etag=none&lm=old")]
    [InlineData("change=1&etag=none&lm=old&ignore-if-range=1")]
    public Task A_changed_source_is_never_mixed_with_the_old_one(string query) => ChangeAsync(query, judge: null);

    /// <summary>A mutant: the validator of a 206 is taken for the one that was asked for.</summary>
    [Fact]
    public async Task Without_the_check_of_the_validator_a_changed_source_is_mixed_with_the_old_one()
    {
        var blind = 0;
        await Assert.ThrowsAnyAsync<XunitException>(() => ChangeAsync("change=1&ignore-if-range=1", (part, head, askedAgain, policy, hasDigest) =>
        {
            if (part is not null && head.ETag != part.Validator)
                blind++;
            return ResumeRules.Decide(part, part is null ? head : head with { ETag = part.Validator }, askedAgain, policy, hasDigest);
        }));
        Assert.Equal(1, blind);
    }

    private static async Task ChangeAsync(string query, ResumeJudge? judge)
    {
        await using var bench = await AttemptBench.StartAsync(judge: judge);
        var url = bench.Origin.Bytes("seed", Length, query);
        var checkpoint = await bench.BreakAfterAsync(url, Break);
        // The count of requests goes by the URL, and the break was asked for under another one.
        Assert.IsType<AttemptOutcome.Finished>(await bench.RunAsync(bench.Download(url) with { Files = bench.Files with { Generation = 9 } }));
        var reports = new RecordedReports();
        var finished = Assert.IsType<AttemptOutcome.Finished>(await bench.RunAsync(bench.Download(url, checkpoint), reports));
        Assert.Equal(OriginContent.Sha256("seed-changed", Length), bench.Parts.ResultSha256(bench.Files));
        Assert.Contains("changed", Assert.Single(reports.Restarts), StringComparison.Ordinal);
        Assert.Equal(0, finished.Response.From);
    }
}

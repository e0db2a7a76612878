using Backhaul.FaultOrigin;
using Backhaul.Node.Files;
using Backhaul.Node.Sessions;
using Backhaul.Node.Transfers;
using Backhaul.Node.Transfers.Downloads;
using Xunit;
using Xunit.Sdk;

namespace Backhaul.Node.Tests.Transfers;

/// <summary>Downloads over several connections, against an origin that gives each only so much.</summary>
public sealed class SegmentedDownloadTests
{
    private const int Length = 3 * 1024 * 1024;

    /// <summary>Tries again and again, so that a few seconds hold what takes minutes otherwise.</summary>
    private static readonly TransferOptions Eager = AttemptBench.Quick with
    {
        SegmentsMax = 4,
        SegmentBytesMin = 256 * 1024,
        SegmentWindow = TimeSpan.FromMilliseconds(60),
    };

    [Fact]
    public async Task A_slow_origin_is_asked_for_several_ranges_at_once_and_the_file_is_right()
    {
        await using var bench = await AttemptBench.StartAsync(Eager);
        var order = bench.Download(bench.Origin.Bytes("a", Length, "rate=600000")) with { Sha256 = OriginContent.Sha256("a", Length) };
        var finished = Assert.IsType<AttemptOutcome.Finished>(await bench.RunAsync(order));
        Assert.True(finished.Verified);
        Assert.Equal(OriginContent.Sha256("a", Length), bench.Parts.ResultSha256(bench.Files));
        Assert.True(bench.Origin.Requests.Count > 1, "One connection did it all.");
        Assert.All(bench.Origin.Requests.Skip(1), request => Assert.Equal($"\"a-{Length}\"", request.IfRange));
        Assert.Equal(0, bench.Governor.Slots.Use.Running);
    }

    [Theory]
    [InlineData("etag=none")]
    [InlineData("etag=weak")]
    [InlineData("ranges=none")]
    [InlineData("framing=chunked")]
    public async Task Without_ranges_a_strong_validator_and_a_length_there_is_one_request(string query)
    {
        await using var bench = await AttemptBench.StartAsync(Eager);
        Assert.IsType<AttemptOutcome.Finished>(await bench.RunAsync(bench.Download(bench.Origin.Bytes("a", Length, "rate=3000000&" + query))));
        Assert.Single(bench.Origin.Requests);
        Assert.Equal(OriginContent.Sha256("a", Length), bench.Parts.ResultSha256(bench.Files));
    }

    [Fact]
    public async Task While_others_wait_for_a_connection_there_is_one()
    {
        await using var bench = await AttemptBench.StartAsync(Eager);
        var order = bench.Download(bench.Origin.Bytes("a", Length, "rate=3000000")) with { SessionHostMax = 0 };
        Assert.IsType<AttemptOutcome.Finished>(await bench.RunAsync(order));
        Assert.Single(bench.Origin.Requests);
    }

    [Theory]
    [InlineData("partial=start")]
    [InlineData("partial=total")]
    [InlineData("partial=multipart")]
    [InlineData("partial=noetag")]
    [InlineData("partial=junk")]
    public async Task An_origin_that_answers_segments_wrongly_is_read_by_one_connection(string query)
    {
        await using var bench = await AttemptBench.StartAsync(Eager);
        var reports = new RecordedReports();
        var finished = Assert.IsType<AttemptOutcome.Finished>(
            await bench.RunAsync(bench.Download(bench.Origin.Bytes("a", Length, "rate=1500000&" + query)), reports));
        Assert.Equal(Length, finished.BytesReceived);
        Assert.Equal(OriginContent.Sha256("a", Length), bench.Parts.ResultSha256(bench.Files));
        Assert.Empty(reports.Restarts);
        Assert.Equal(2, bench.Origin.Requests.Count);
    }

    [Theory]
    [InlineData("")]
    [InlineData("&ignore-if-range=1")]
    public Task A_source_that_changes_between_segments_starts_over_by_the_policy(string query) => ChangesBetweenSegmentsAsync(query, judge: null);

    /// <summary>A mutant: the validator of a segment's 206 is taken for the one that was asked for.</summary>
    [Fact]
    public async Task Without_the_check_of_a_segments_validator_two_files_are_mixed()
    {
        var blind = 0;
        await Assert.ThrowsAnyAsync<XunitException>(() => ChangesBetweenSegmentsAsync("&ignore-if-range=1", (part, head, askedAgain, policy, hasDigest) =>
        {
            if (part is not null && head.ETag != part.Validator)
                Interlocked.Increment(ref blind);
            return ResumeRules.Decide(part, part is null ? head : head with { ETag = part.Validator }, askedAgain, policy, hasDigest);
        }));
        Assert.True(blind > 0, "No segment was of the changed file.");
    }

    [Fact]
    public async Task A_source_that_changes_between_segments_fails_a_task_that_does_not_want_it()
    {
        await using var bench = await AttemptBench.StartAsync(Eager);
        var order = bench.Download(bench.Origin.Bytes("a", Length, "rate=1500000&change=1")) with { SourceChange = SourceChangePolicy.Fail };
        var failed = Assert.IsType<AttemptOutcome.Failed>(await bench.RunAsync(order));
        Assert.Equal(TransferCodes.SourceChanged, failed.Failure.Code);
    }

    [Fact]
    public async Task What_a_stopped_download_journaled_in_ranges_is_not_fetched_again()
    {
        await using var bench = await AttemptBench.StartAsync(Eager);
        var url = bench.Origin.Bytes("a", Length, "rate=600000");
        var reports = new RecordedReports();
        using var stop = new CancellationTokenSource();
        var running = bench.RunStoppableAsync(bench.Download(url), reports, stop.Token);
        await reports.UntilAsync(seen => seen.Last?.Ranges is not null, "a checkpoint had ranges beyond its prefix");
        await stop.CancelAsync();
        Assert.IsType<AttemptOutcome.Stopped>(await running);
        var kept = reports.Last!;
        var before = bench.Origin.Requests.Count;

        var order = bench.Download(url, kept) with { Attempt = 2, Sha256 = OriginContent.Sha256("a", Length) };
        Assert.IsType<AttemptOutcome.Finished>(await bench.RunAsync(order));

        Assert.Equal(OriginContent.Sha256("a", Length), bench.Parts.ResultSha256(bench.Files));
        Assert.Equal(1, bench.Parts.Adopted);
        foreach (var request in bench.Origin.Requests.Skip(before))
        {
            var asked = request.Range!["bytes=".Length..].Split('-');
            Assert.False(kept.Durable.Contains(new ByteRange(long.Parse(asked[0]), long.Parse(asked[0]) + 1)), $"{request.Range} was there: {kept.Durable}.");
        }
    }

    [Theory]
    [InlineData(6)]
    [InlineData(1)]
    public async Task Bytes_that_are_wanted_while_it_runs_come_before_the_others(int connections)
    {
        await using var bench = await AttemptBench.StartAsync(Eager with { SegmentWindow = TimeSpan.FromMinutes(1) });
        var reports = new RecordedReports();
        var order = bench.Download(bench.Origin.Bytes("a", Length, "rate=400000")) with { SessionHostMax = connections, Wishes = new RangeWishes(RangeSet.Empty) };
        using var stop = new CancellationTokenSource();
        var running = bench.RunStoppableAsync(order, reports, stop.Token);
        await reports.UntilAsync(seen => seen.Last is not null, "the first checkpoint");
        var wanted = new ByteRange(2_500_000, 2_600_000);
        order.Wishes.Wanted = RangeSet.Of(wanted.From, wanted.To);
        await reports.UntilAsync(seen => seen.Last!.Durable.Contains(wanted), "the wanted bytes were journaled");
        Assert.True(reports.Last!.Bytes < wanted.From, "Everything before came first.");
        await stop.CancelAsync();
        Assert.IsType<AttemptOutcome.Stopped>(await running);
        Assert.Equal(0, bench.Governor.Slots.Use.Running);
    }

    [Fact]
    public async Task A_peer_that_drips_is_broken_off_and_its_bytes_are_kept()
    {
        await using var bench = await AttemptBench.StartAsync(AttemptBench.Quick with { BytesPerSecondMin = 10_000, SpeedWindow = TimeSpan.FromSeconds(1) });
        var reports = new RecordedReports();
        var failed = Assert.IsType<AttemptOutcome.Failed>(await bench.RunAsync(bench.Download(bench.Origin.Bytes("a", Length, "drip=20")), reports));
        Assert.Equal((TransferCodes.TooSlow, true, false), (failed.Failure.Code, failed.Failure.Retryable, failed.Failure.DiscardPart));
        Assert.True(reports.Last!.Bytes > 0);
    }

    [Theory]
    [InlineData("recoverable", "recoverableStatus")]
    [InlineData("", null)]
    public async Task A_status_of_the_tasks_choice_pauses_it(string listed, string? reason)
    {
        await using var bench = await AttemptBench.StartAsync();
        var order = bench.Download(bench.Origin.Bytes("a", Length, "status=403")) with { RecoverableStatus = listed.Length > 0 ? ["400-499"] : [] };
        var failed = Assert.IsType<AttemptOutcome.Failed>(await bench.RunAsync(order));
        Assert.Equal((reason, reason is not null, 403), (failed.Failure.WaitReason, failed.Failure.Retryable, failed.Failure.Status));
    }

    [Fact]
    public async Task A_part_is_journaled_only_with_what_was_flushed_before()
    {
        await using var bench = await AttemptBench.StartAsync(Eager);
        var reports = new RecordedReports();
        Assert.IsType<AttemptOutcome.Finished>(await bench.RunAsync(bench.Download(bench.Origin.Bytes("a", Length, "rate=900000")), reports));
        Assert.True(bench.Parts.Flushes >= reports.Checkpoints.Count);
        Assert.All(reports.Checkpoints.Zip(reports.Checkpoints.Skip(1)), pair => Assert.True(pair.First.Durable.All(range => pair.Second.Durable.Contains(range))));
    }

    private static async Task ChangesBetweenSegmentsAsync(string query, ResumeJudge? judge)
    {
        await using var bench = await AttemptBench.StartAsync(Eager, judge: judge);
        var reports = new RecordedReports();
        Assert.IsType<AttemptOutcome.Finished>(await bench.RunAsync(bench.Download(bench.Origin.Bytes("a", Length, "rate=1500000&change=1" + query)), reports));
        Assert.Equal(OriginContent.Sha256("a-changed", Length), bench.Parts.ResultSha256(bench.Files));
        Assert.Single(reports.Restarts);
    }
}

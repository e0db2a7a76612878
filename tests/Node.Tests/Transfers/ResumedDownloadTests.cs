using Backhaul.FaultOrigin;
using Backhaul.Node.Files;
using Backhaul.Node.Sessions;
using Backhaul.Node.Transfers;
using Xunit;

namespace Backhaul.Node.Tests.Transfers;

public sealed class ResumedDownloadTests
{
    private const long Length = 1_000_003;
    private const long Break = 400_000;

    [Theory]
    [InlineData("")]
    [InlineData("etag=none&lm=old")]
    public async Task A_broken_download_goes_on_where_it_broke_and_asks_for_nothing_twice(string query)
    {
        await using var bench = await AttemptBench.StartAsync();
        var url = bench.Origin.Bytes("seed", Length, query);
        var checkpoint = await bench.BreakAfterAsync(url, Break);
        Assert.Equal(Break, checkpoint.Bytes);
        var finished = Assert.IsType<AttemptOutcome.Finished>(await bench.RunAsync(bench.Download(url, checkpoint) with { Attempt = 2, Epoch = 2 }));
        AssertResult(bench, Break);
        Assert.Equal(Break, finished.Response.From);
        Assert.True(finished.Verified);
        Assert.Equal($"bytes={Break}-", bench.Origin.Requests[1].Range);
        Assert.Equal(checkpoint.Validator, bench.Origin.Requests[1].IfRange);
        Assert.Equal(1, bench.Parts.Created);
        Assert.Equal(1, bench.Parts.Adopted);
    }

    [Fact]
    public async Task A_resumed_download_proves_its_digest_over_the_old_bytes_too()
    {
        await using var bench = await AttemptBench.StartAsync();
        var url = bench.Origin.Bytes("seed", Length);
        var checkpoint = await bench.BreakAfterAsync(url, Break);
        var order = bench.Download(url, checkpoint) with { Sha256 = OriginContent.Sha256("seed", Length) };
        var finished = Assert.IsType<AttemptOutcome.Finished>(await bench.RunAsync(order));
        Assert.Equal(order.Sha256, finished.Sha256);
        AssertResult(bench, Break);
    }

    [Fact]
    public async Task A_wrong_digest_after_a_resume_is_fetched_again_from_zero()
    {
        await using var bench = await AttemptBench.StartAsync();
        var url = bench.Origin.Bytes("seed", Length);
        var checkpoint = await bench.BreakAfterAsync(url, Break);
        var failed = Assert.IsType<AttemptOutcome.Failed>(await bench.RunAsync(bench.Download(url, checkpoint) with { Sha256 = new string('0', 64) }));
        Assert.Equal(TransferCodes.DigestMismatch, failed.Failure.Code);
        Assert.True(failed.Failure.Retryable);
        Assert.True(failed.Failure.DiscardPart);
    }

    [Theory]
    [InlineData("")]
    [InlineData("&ignore-if-range=1")]
    public async Task The_tasks_policy_decides_about_a_changed_source(string query)
    {
        await using var bench = await AttemptBench.StartAsync();
        var url = bench.Origin.Bytes("seed", Length, "change=0" + query);
        var old = await bench.BreakAfterAsync(bench.Origin.Bytes("seed", Length), Break);
        var failed = Assert.IsType<AttemptOutcome.Failed>(await bench.RunAsync(bench.Download(url, old) with { SourceChange = SourceChangePolicy.Fail }));
        Assert.Equal(TransferCodes.SourceChanged, failed.Failure.Code);
        Assert.False(failed.Failure.Retryable);
        var order = bench.Download(url, old) with { SourceChange = SourceChangePolicy.AcceptIfDigest, Sha256 = OriginContent.Sha256("seed-changed", Length) };
        Assert.IsType<AttemptOutcome.Finished>(await bench.RunAsync(order));
        Assert.Equal(order.Sha256, bench.Parts.ResultSha256(bench.Files));
    }

    [Theory]
    [InlineData("partial=start")]
    [InlineData("partial=total")]
    [InlineData("partial=unit")]
    [InlineData("partial=multipart")]
    [InlineData("partial=noetag")]
    [InlineData("partial=etag")]
    [InlineData("partial=bare")]
    [InlineData("partial=junk")]
    [InlineData("partial=ok200")]
    [InlineData("encoding=gzip")]
    [InlineData("ranges=no")]
    [InlineData("total416=5")]
    public async Task Every_wrong_answer_to_a_range_costs_time_and_never_the_file(string query)
    {
        await using var bench = await AttemptBench.StartAsync();
        var checkpoint = await bench.BreakAfterAsync(bench.Origin.Bytes("seed", Length), Break);
        Assert.IsType<AttemptOutcome.Finished>(await bench.RunAsync(bench.Download(bench.Origin.Bytes("seed", Length, query), checkpoint)));
        AssertResult(bench, null);
    }

    [Fact]
    public async Task A_wrong_range_is_asked_once_more_before_everything_is_fetched_again()
    {
        await using var bench = await AttemptBench.StartAsync();
        var checkpoint = await bench.BreakAfterAsync(bench.Origin.Bytes("seed", Length), Break);
        var reports = new RecordedReports();
        Assert.IsType<AttemptOutcome.Finished>(await bench.RunAsync(bench.Download(bench.Origin.Bytes("seed", Length, "partial=start&times=1"), checkpoint), reports));
        Assert.Empty(reports.Restarts);
        Assert.Equal(3, bench.Origin.Requests.Count);
        AssertResult(bench, Break);
    }

    [Fact]
    public async Task Ranges_shorter_than_asked_for_are_put_together()
    {
        await using var bench = await AttemptBench.StartAsync();
        var checkpoint = await bench.BreakAfterAsync(bench.Origin.Bytes("seed", Length), Break);
        Assert.IsType<AttemptOutcome.Finished>(await bench.RunAsync(bench.Download(bench.Origin.Bytes("seed", Length, "partial=short&times=3"), checkpoint)));
        Assert.Equal(5, bench.Origin.Requests.Count);
        AssertResult(bench, Break);
    }

    [Fact]
    public async Task A_part_that_is_the_whole_file_is_complete_by_416()
    {
        await using var bench = await AttemptBench.StartAsync();
        var checkpoint = await bench.BreakAfterAsync(bench.Origin.Bytes("seed", Length), Break);
        // The same bytes are a whole file under another URL with the same tag.
        var url = bench.Origin.Bytes("seed", Break, $"etag={Uri.EscapeDataString(checkpoint.Validator!)}");
        Assert.IsType<AttemptOutcome.Finished>(await bench.RunAsync(bench.Download(url, checkpoint with { Total = null })));
        Assert.Equal(OriginContent.Sha256("seed", Break), bench.Parts.ResultSha256(bench.Files));
        Assert.Equal(416, bench.Origin.Requests[^1].Status);
    }

    /// <summary>A node that died between the last checkpoint and the word that all is there.</summary>
    [Fact]
    public async Task A_part_that_is_known_to_be_whole_is_not_fetched_again()
    {
        await using var bench = await AttemptBench.StartAsync();
        var checkpoint = await bench.BreakAfterAsync(bench.Origin.Bytes("seed", Length), Break);
        var url = bench.Origin.Bytes("seed", Break, $"etag={Uri.EscapeDataString(checkpoint.Validator!)}");
        var reports = new RecordedReports();
        var finished = Assert.IsType<AttemptOutcome.Finished>(await bench.RunAsync(bench.Download(url, checkpoint with { Total = Break }), reports));
        Assert.Equal(OriginContent.Sha256("seed", Break), bench.Parts.ResultSha256(bench.Files));
        Assert.Equal((416, $"bytes={Break}-"), (bench.Origin.Requests[^1].Status, bench.Origin.Requests[^1].Range));
        Assert.Equal((1, 1), (bench.Parts.Created, bench.Parts.Adopted));
        Assert.Empty(reports.Restarts);
        Assert.True(finished.Verified);
    }

    /// <summary>The same, and the file at the origin is another one now.</summary>
    [Fact]
    public async Task A_part_that_is_whole_of_a_file_that_changed_starts_again()
    {
        await using var bench = await AttemptBench.StartAsync();
        var checkpoint = await bench.BreakAfterAsync(bench.Origin.Bytes("seed", Length), Break);
        Assert.IsType<AttemptOutcome.Finished>(await bench.RunAsync(bench.Download(bench.Origin.Bytes("other", Length), checkpoint with { Total = Break })));
        Assert.Equal(OriginContent.Sha256("other", Length), bench.Parts.ResultSha256(bench.Files));
    }

    [Theory]
    [InlineData("etag=weak")]
    [InlineData("etag=none")]
    [InlineData("etag=none&lm=recent")]
    [InlineData("ranges=none")]
    public async Task Without_a_strong_validator_nothing_is_flushed_and_the_next_attempt_starts_again(string query)
    {
        await using var bench = await AttemptBench.StartAsync();
        var reports = new RecordedReports();
        var failed = Assert.IsType<AttemptOutcome.Failed>(await bench.RunAsync(bench.Download(bench.Origin.Bytes("seed", Length, query + $"&cut={Break}")), reports));
        Assert.False(failed.Failure.Response!.Resumable);
        Assert.NotEmpty(failed.Failure.Response.ResumableWhy);
        Assert.Empty(reports.Checkpoints);
        Assert.Equal(0, bench.Parts.Flushes);
    }

    [Fact]
    public async Task A_part_that_was_shortened_starts_again()
    {
        await using var bench = await AttemptBench.StartAsync();
        var url = bench.Origin.Bytes("seed", Length);
        var checkpoint = await bench.BreakAfterAsync(url, Break);
        bench.Parts.Shorten(checkpoint.Part, 1000);
        var reports = new RecordedReports();
        Assert.IsType<AttemptOutcome.Finished>(await bench.RunAsync(bench.Download(url, checkpoint), reports));
        Assert.Contains("gone or shorter", Assert.Single(reports.Restarts), StringComparison.Ordinal);
        AssertResult(bench, null);
    }

    [Fact]
    public async Task Checkpoints_are_journaled_by_time_after_the_head_also_while_the_peer_is_silent()
    {
        await using var bench = await AttemptBench.StartAsync();
        var reports = new RecordedReports();
        using var stop = new CancellationTokenSource();
        var running = bench.RunStoppableAsync(bench.Download(bench.Origin.Bytes("seed", Length, $"stall={Break}")), reports, stop.Token);
        await reports.UntilAsync(seen => seen.Last?.Bytes == Break, "the bytes before the silence are a checkpoint");
        Assert.Equal("responded", reports.Order[0]);
        Assert.Equal(Length, reports.Response!.Total);
        await stop.CancelAsync();
        Assert.Equal(new AttemptOutcome.Stopped(Break), await running);
    }

    [Fact]
    public async Task What_nobody_would_find_again_gets_its_first_checkpoint_at_once()
    {
        await using var bench = await AttemptBench.StartAsync(AttemptBench.Quick with { CheckpointInterval = TimeSpan.FromMinutes(5) });
        bench.Parts.FirstDurableAt = 100_000;
        var reports = new RecordedReports();
        using var stop = new CancellationTokenSource();
        var running = bench.RunStoppableAsync(bench.Download(bench.Origin.Bytes("seed", Length, "rate=1000000")), reports, stop.Token);
        await reports.UntilAsync(seen => seen.Last is not null && seen.Received > 200_000, "a checkpoint is made and more is written");
        Assert.Single(reports.Checkpoints); // the next one has time
        await stop.CancelAsync();
        Assert.IsType<AttemptOutcome.Stopped>(await running);
    }

    [Fact]
    public async Task A_stop_makes_a_last_checkpoint()
    {
        await using var bench = await AttemptBench.StartAsync(AttemptBench.Quick with { CheckpointInterval = TimeSpan.FromMinutes(5) });
        var reports = new RecordedReports();
        using var stop = new CancellationTokenSource();
        var url = bench.Origin.Bytes("seed", Length, "rate=1000000");
        var running = bench.RunStoppableAsync(bench.Download(url), reports, stop.Token);
        await reports.UntilAsync(seen => seen.Received > 100_000, "some bytes are written");
        Assert.Empty(reports.Checkpoints);
        await stop.CancelAsync();
        var stopped = Assert.IsType<AttemptOutcome.Stopped>(await running);
        var last = Assert.Single(reports.Checkpoints);
        Assert.Equal(stopped.BytesReceived, last.Bytes);
        Assert.True(last.Bytes > 100_000);
        Assert.IsType<AttemptOutcome.Finished>(await bench.RunAsync(bench.Download(bench.Origin.Bytes("seed", Length), last)));
        AssertResult(bench, last.Bytes);
    }

    [Theory]
    [InlineData("responded")]
    [InlineData("checkpoint")]
    public async Task A_report_answered_with_no_ends_the_attempt(string unwanted)
    {
        await using var bench = await AttemptBench.StartAsync();
        var reports = new RecordedReports { Wanted = what => what != unwanted };
        var outcome = await bench.RunAsync(bench.Download(bench.Origin.Bytes("seed", Length, "rate=500000")), reports);
        Assert.IsType<AttemptOutcome.Stopped>(outcome);
        Assert.Equal(unwanted, reports.Order[^1]);
        Assert.False(bench.Parts.HasResult(bench.Files));
    }

    [Fact]
    public async Task Without_trust_nothing_more_is_written_and_no_checkpoint_is_made()
    {
        await using var bench = await AttemptBench.StartAsync(AttemptBench.Quick with { CheckpointInterval = TimeSpan.FromMinutes(5) });
        var reports = new RecordedReports();
        var running = bench.RunAsync(bench.Download(bench.Origin.Bytes("seed", Length, "rate=1000000")), reports);
        await reports.UntilAsync(seen => seen.Received > 0, "something was written");
        bench.Trust.MayAct = false;
        var failed = Assert.IsType<AttemptOutcome.Failed>(await running);
        Assert.Equal(TransferCodes.Interrupted, failed.Failure.Code);
        Assert.True(failed.Failure.Retryable);
        Assert.Empty(reports.Checkpoints);
        Assert.Single(bench.Origin.Requests);
        Assert.IsType<AttemptOutcome.Failed>(await bench.RunAsync(bench.Download(bench.Origin.Bytes("seed", 10))));
        Assert.Single(bench.Origin.Requests);
    }

    [Theory]
    [InlineData(1000)]
    [InlineData(100_000)]
    public async Task Trust_that_ends_with_the_last_byte_written_ends_the_attempt_without_a_file(long length)
    {
        await using var bench = await AttemptBench.StartAsync();
        bench.Parts.OnDisk = (what, _) => bench.Trust.MayAct &= what != "publish";
        var failed = Assert.IsType<AttemptOutcome.Failed>(await bench.RunAsync(bench.Download(bench.Origin.Bytes("seed", length))));
        Assert.Equal((TransferCodes.Interrupted, true, false), (failed.Failure.Code, failed.Failure.Retryable, failed.Failure.DiscardPart));
        Assert.False(bench.Parts.HasResult(bench.Files));
    }

    [Fact]
    public async Task A_complete_part_is_published_by_whoever_is_trusted()
    {
        await using var bench = await AttemptBench.StartAsync(AttemptBench.Quick with { CompleteCheckpointBytesMin = 1000 });
        var url = bench.Origin.Bytes("seed", Length);
        var reports = new RecordedReports();
        bench.Parts.OnDisk = (what, _) => bench.Trust.MayAct &= what != "publish";
        Assert.IsType<AttemptOutcome.Failed>(await bench.RunAsync(bench.Download(url), reports));
        Assert.True(reports.Last!.Complete);

        bench.Trust.MayAct = true;
        var failed = Assert.IsType<AttemptOutcome.Failed>(await bench.RunAsync(bench.Download(url, reports.Last)));
        Assert.Equal((TransferCodes.Interrupted, Length), (failed.Failure.Code, failed.Failure.BytesReceived));
        Assert.False(bench.Parts.HasResult(bench.Files));
    }

    [Fact]
    public async Task A_long_file_is_announced_complete_before_it_is_published_and_recognised_afterwards()
    {
        await using var bench = await AttemptBench.StartAsync(AttemptBench.Quick with { CompleteCheckpointBytesMin = 1000 });
        var url = bench.Origin.Bytes("seed", Length);
        var reports = new RecordedReports();
        var first = Assert.IsType<AttemptOutcome.Finished>(await bench.RunAsync(bench.Download(url), reports));
        var complete = reports.Last!;
        Assert.True(complete.Complete);
        Assert.Equal(Length, complete.Bytes);
        // A crash between publication and the commit of its event: the same order comes again.
        var again = Assert.IsType<AttemptOutcome.Finished>(await bench.RunAsync(bench.Download(url, complete)));
        Assert.Equal(first.File, again.File);
        Assert.True(again.Verified);
        Assert.Single(bench.Origin.Requests);
    }

    [Fact]
    public async Task A_complete_part_that_was_not_published_yet_is_published_without_a_request()
    {
        await using var bench = await AttemptBench.StartAsync(AttemptBench.Quick with { CompleteCheckpointBytesMin = 1000 });
        var url = bench.Origin.Bytes("seed", Length);
        var reports = new RecordedReports();
        reports.Wanted = what => what != "checkpoint" || reports.Last?.Complete != true;
        Assert.IsType<AttemptOutcome.Stopped>(await bench.RunAsync(bench.Download(url), reports));
        Assert.False(bench.Parts.HasResult(bench.Files));
        Assert.IsType<AttemptOutcome.Finished>(await bench.RunAsync(bench.Download(url, reports.Last)));
        AssertResult(bench, null);
        Assert.Single(bench.Origin.Requests);
    }

    [Fact]
    public async Task A_complete_part_that_is_gone_is_fetched_again()
    {
        await using var bench = await AttemptBench.StartAsync(AttemptBench.Quick with { CompleteCheckpointBytesMin = 1000 });
        var url = bench.Origin.Bytes("seed", Length);
        var reports = new RecordedReports();
        await bench.RunAsync(bench.Download(url), reports);
        bench.Parts.Published.Clear();
        var second = new RecordedReports();
        Assert.IsType<AttemptOutcome.Finished>(await bench.RunAsync(bench.Download(url, reports.Last), second));
        Assert.Single(second.Restarts);
        AssertResult(bench, null);
    }

    [Theory]
    [InlineData("create", "Full", TransferCodes.StorageFull, "storage", false)]
    [InlineData("write", "Full", TransferCodes.StorageFull, "storage", false)]
    [InlineData("write", "Failed", TransferCodes.StorageFailed, null, true)]
    [InlineData("flush", "Failed", TransferCodes.StorageFailed, null, true)]
    [InlineData("publish", "Denied", TransferCodes.StorageFailed, null, false)]
    public async Task A_disk_that_refuses_is_a_failure_to_be_tried_again(string act, string refusal, string code, string? wait, bool discard)
    {
        await using var bench = await AttemptBench.StartAsync(AttemptBench.Quick with { CompleteCheckpointBytesMin = 1000 });
        bench.Parts.OnDisk = (what, at) =>
        {
            if (what == act && (what != "write" || at > 500_000))
                throw new StorageException(Enum.Parse<StorageFailure>(refusal), "The disk of the test refuses.");
        };
        var failed = Assert.IsType<AttemptOutcome.Failed>(await bench.RunAsync(bench.Download(bench.Origin.Bytes("seed", Length))));
        Assert.Equal(code, failed.Failure.Code);
        Assert.Equal(wait, failed.Failure.WaitReason);
        Assert.Equal(discard, failed.Failure.DiscardPart);
        Assert.True(failed.Failure.Retryable);
        Assert.False(bench.Parts.HasResult(bench.Files));
        bench.Parts.OnDisk = null;
        Assert.IsType<AttemptOutcome.Finished>(await bench.RunAsync(bench.Download(bench.Origin.Bytes("seed", Length))));
    }

    [Fact]
    public async Task A_full_disk_keeps_what_it_took()
    {
        await using var bench = await AttemptBench.StartAsync(AttemptBench.Quick with { CheckpointInterval = TimeSpan.FromMinutes(5) });
        bench.Parts.OnDisk = (what, at) =>
        {
            if (what == "write" && at >= 512 * 1024)
                throw new StorageException(StorageFailure.Full, "The disk of the test is full.");
        };
        var reports = new RecordedReports();
        var url = bench.Origin.Bytes("seed", Length);
        Assert.IsType<AttemptOutcome.Failed>(await bench.RunAsync(bench.Download(url), reports));
        // Where the last buffer ended that began below the disk's end.
        var kept = reports.Last!.Bytes;
        Assert.InRange(kept, 512 * 1024, (512 * 1024) + AttemptBench.Quick.ChunkBytes - 1);
        bench.Parts.OnDisk = null;
        Assert.IsType<AttemptOutcome.Finished>(await bench.RunAsync(bench.Download(url, reports.Last)));
        AssertResult(bench, kept);
    }

    /// <param name="bench">Whose result.</param>
    /// <param name="resumedAt">The last request asked for everything after this and nothing before.</param>
    private static void AssertResult(AttemptBench bench, long? resumedAt)
    {
        Assert.Equal(OriginContent.Sha256("seed", Length), bench.Parts.ResultSha256(bench.Files));
        if (resumedAt is not { } from)
            return;
        Assert.Equal($"bytes={from}-", bench.Origin.Requests[1].Range);
        Assert.All(bench.Origin.Requests.Skip(1), request => Assert.True(long.Parse(request.Range!["bytes=".Length..^1]) >= from));
    }
}

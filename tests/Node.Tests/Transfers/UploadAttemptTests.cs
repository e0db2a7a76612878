using System.Security.Cryptography;
using Backhaul.FaultOrigin;
using Backhaul.Node.Files;
using Backhaul.Node.Transfers;
using Backhaul.Node.Transfers.Uploads;
using Backhaul.Protocol;
using Xunit;

namespace Backhaul.Node.Tests.Transfers;

public sealed class UploadAttemptTests
{
    [Theory]
    [InlineData("PUT", 0)]
    [InlineData("POST", 0)]
    [InlineData("PUT", 10)]
    [InlineData("POST", 70_000)]
    [InlineData("PUT", 3_000_000)]
    [InlineData("POST", 3_000_000)]
    public async Task A_file_is_sent_whole(string method, int length)
    {
        await using var bench = await AttemptBench.StartAsync();
        var reports = new RecordedReports();
        var finished = Assert.IsType<AttemptOutcome.Finished>(await bench.RunAsync(bench.Upload(method, "", OriginContent.Bytes("up", 0, length)), reports));
        Assert.Equal(201, finished.Response.Status);
        Assert.Equal(length, finished.BytesSent);
        Assert.Equal(length, reports.Sent);
        var seen = Assert.Single(bench.Origin.Requests);
        Assert.Equal(method, seen.Method);
        Assert.Equal(OriginContent.Sha256("up", length), seen.BodySha256);
        Assert.Equal(length > 1024 * 1024, seen.Headers.ContainsKey("Expect"));
        Assert.Equal(method == "POST" ? ["checkpoint"] : [], reports.Order);
    }

    /// <summary>What a target answers is the task's file; one that is too long, broken or unwanted is none, and the upload has succeeded all the same.</summary>
    [Theory]
    [InlineData("answer=70000", 70_000, null)]
    [InlineData("answer=100000", 100_000, null)]
    [InlineData("answer=chunked:100000", 100_000, null)]
    [InlineData("answer=none", null, null)]
    [InlineData("answer=1000&status=204", null, null)]
    [InlineData("answer=100001", null, "100001 bytes")]
    [InlineData("answer=chunked:100001", null, "too many")]
    [InlineData("answer=half", null, "broke off")]
    public async Task What_the_target_answers_is_the_file_of_an_upload(string query, int? kept, string? why)
    {
        await using var bench = await AttemptBench.StartAsync(AttemptBench.Quick with { UploadAnswerBytesMax = 100_000 });
        foreach (var method in (string[])["PUT", "POST"])
        {
            var finished = Assert.IsType<AttemptOutcome.Finished>(await bench.RunAsync(bench.Upload(method, query, new byte[100])));
            Assert.Equal((kept, kept ?? 0), (finished.File?.Length, finished.BytesReceived));
            Assert.Equal(kept is { } length ? [OriginContent.Sha256("answer", length)] : [], bench.Parts.Published.Values.Select(file => Convert.ToHexStringLower(SHA256.HashData(file.ToArray()))));
            Assert.Equal(why is null, finished.Unkept is null);
            Assert.Contains(why ?? "", finished.Unkept ?? "", StringComparison.Ordinal);
            bench.Parts.Published.Clear();
        }
    }

    [Fact]
    public async Task An_answer_that_the_disk_refuses_or_nobody_wants_leaves_the_upload_succeeded()
    {
        await using var bench = await AttemptBench.StartAsync();
        bench.Parts.OnDisk = static (_, _) => throw new StorageException(StorageFailure.Full, "The disk is full.");
        var finished = Assert.IsType<AttemptOutcome.Finished>(await bench.RunAsync(bench.Upload("POST", "answer=10", new byte[100])));
        Assert.Null(finished.File);
        Assert.Contains("The disk is full.", finished.Unkept, StringComparison.Ordinal);

        await using var none = await AttemptBench.StartAsync(AttemptBench.Quick with { UploadAnswerBytesMax = 0 });
        finished = Assert.IsType<AttemptOutcome.Finished>(await none.RunAsync(none.Upload("POST", "answer=10", new byte[100])));
        Assert.Equal((null, null), (finished.File, finished.Unkept));
        Assert.Empty(none.Parts.Published);
    }

    [Fact]
    public async Task An_early_refusal_is_seen_before_the_body_is_sent()
    {
        await using var bench = await AttemptBench.StartAsync();
        var failed = Assert.IsType<AttemptOutcome.Failed>(await bench.RunAsync(bench.Upload("PUT", "early=413", new byte[5_000_000])));
        Assert.Equal(TransferCodes.HttpStatus, failed.Failure.Code);
        Assert.Equal(413, failed.Failure.Status);
        Assert.False(failed.Failure.Retryable);
    }

    [Theory]
    [InlineData("continue=417")]
    [InlineData("continue=no")]
    public async Task A_target_that_does_not_know_100_continue_is_remembered(string query)
    {
        await using var bench = await AttemptBench.StartAsync();
        var order = bench.Upload("PUT", query, OriginContent.Bytes("up", 0, 2_000_000));
        Assert.IsType<AttemptOutcome.Finished>(await bench.RunAsync(order));
        Assert.Equal(OriginContent.Sha256("up", 2_000_000), bench.Origin.Requests[^1].BodySha256);
        Assert.IsType<AttemptOutcome.Finished>(await bench.RunAsync(order));
        Assert.False(bench.Origin.Requests[^1].Headers.ContainsKey("Expect"));
    }

    [Theory]
    [InlineData("lose=end")]
    [InlineData("hang=1")]
    public async Task A_lost_answer_makes_a_post_ambiguous_and_a_put_repeats(string query)
    {
        await using var bench = await AttemptBench.StartAsync();
        var idle = TimeSpan.FromSeconds(2); // also of a busy machine, on which the body needs its time
        var post = Assert.IsType<AttemptOutcome.Failed>(await bench.RunAsync(bench.Upload("POST", query, new byte[50_000]) with { IdleTimeout = idle }));
        Assert.Equal(TransferCodes.Ambiguous, post.Failure.Code);
        Assert.False(post.Failure.Retryable);
        Assert.Single(bench.Origin.Requests);
        var put = Assert.IsType<AttemptOutcome.Failed>(await bench.RunAsync(bench.Upload("PUT", query, new byte[50_000]) with { IdleTimeout = idle }));
        Assert.True(put.Failure.Retryable);
    }

    [Fact]
    public async Task A_post_that_broke_before_its_last_byte_is_retried()
    {
        await using var bench = await AttemptBench.StartAsync();
        // More than all socket buffers hold, so that the last chunk cannot have left.
        var failed = Assert.IsType<AttemptOutcome.Failed>(await bench.RunAsync(bench.Upload("POST", "lose=100000", new byte[60_000_000])));
        Assert.NotEqual(TransferCodes.Ambiguous, failed.Failure.Code);
        Assert.True(failed.Failure.Retryable);
    }

    [Fact]
    public async Task A_post_whose_last_chunk_may_be_out_is_not_sent_again_after_a_crash()
    {
        await using var bench = await AttemptBench.StartAsync();
        var reports = new RecordedReports();
        var order = bench.Upload("POST", "lose=end", new byte[1000]);
        await bench.RunAsync(order, reports);
        var failed = Assert.IsType<AttemptOutcome.Failed>(await bench.RunAsync(order with { Resume = reports.Last }));
        Assert.Equal(TransferCodes.Ambiguous, failed.Failure.Code);
        Assert.Single(bench.Origin.Requests);
    }

    [Fact]
    public async Task An_answered_post_may_be_retried()
    {
        await using var bench = await AttemptBench.StartAsync();
        var failed = Assert.IsType<AttemptOutcome.Failed>(await bench.RunAsync(bench.Upload("POST", "status=503&retry-after=3", new byte[1000])));
        Assert.True(failed.Failure.Retryable);
        Assert.Equal(TimeSpan.FromSeconds(3), failed.Failure.RetryAfter);
        Assert.True(failed.Failure.DiscardPart, "the mark that it was sent is taken back");
    }

    [Fact]
    public async Task A_mark_that_could_not_be_journaled_keeps_the_last_chunk_here()
    {
        await using var bench = await AttemptBench.StartAsync();
        var reports = new RecordedReports { Wanted = _ => false };
        Assert.IsType<AttemptOutcome.Stopped>(await bench.RunAsync(bench.Upload("POST", "", new byte[1000]), reports));
        Assert.All(bench.Origin.Requests, request => Assert.Null(request.BodySha256));
    }

    [Fact]
    public async Task A_source_that_changed_meanwhile_fails()
    {
        await using var bench = await AttemptBench.StartAsync();
        bench.Parts.SourceChanges = true;
        var failed = Assert.IsType<AttemptOutcome.Failed>(await bench.RunAsync(bench.Upload("PUT", "", new byte[1000])));
        Assert.Equal(TransferCodes.SourceChanged, failed.Failure.Code);
        Assert.False(failed.Failure.Retryable);
    }

    [Fact]
    public async Task A_missing_source_fails_without_a_request()
    {
        await using var bench = await AttemptBench.StartAsync();
        var order = bench.Upload("PUT", "", []);
        bench.Parts.Sources.Clear();
        var failed = Assert.IsType<AttemptOutcome.Failed>(await bench.RunAsync(order));
        Assert.Equal(TransferCodes.SourceMissing, failed.Failure.Code);
        Assert.Empty(bench.Origin.Requests);
    }

    [Fact]
    public async Task A_redirect_that_keeps_the_method_sends_the_body_again()
    {
        await using var bench = await AttemptBench.StartAsync();
        var target = Uri.EscapeDataString("/upload/b");
        var finished = Assert.IsType<AttemptOutcome.Finished>(await bench.RunAsync(bench.Upload("PUT", $"redirect={target}&status=307", OriginContent.Bytes("up", 0, 5000))));
        Assert.EndsWith("/upload/b", finished.Response.Url, StringComparison.Ordinal);
        Assert.Equal(OriginContent.Sha256("up", 5000), bench.Origin.Requests[1].BodySha256);
    }

    [Fact]
    public async Task A_stop_ends_a_put_at_once_and_leaves_a_waiting_post_ambiguous()
    {
        await using var bench = await AttemptBench.StartAsync();
        Assert.IsType<AttemptOutcome.Stopped>(await StopAfterBodyAsync(bench, "PUT"));
        var post = Assert.IsType<AttemptOutcome.Failed>(await StopAfterBodyAsync(bench, "POST"));
        Assert.Equal(TransferCodes.Ambiguous, post.Failure.Code);
    }

    [Theory]
    [InlineData("stop")]
    [InlineData("trust")]
    public async Task What_ends_a_post_before_its_last_chunk_left_takes_the_mark_back(string cause)
    {
        await using var bench = await AttemptBench.StartAsync();
        using var stop = new CancellationTokenSource();
        var reports = new RecordedReports
        {
            Wanted = _ =>
            {
                if (cause == "stop")
                    stop.Cancel();
                else
                    bench.Trust.MayAct = false;
                return true;
            },
        };
        var failed = Assert.IsType<AttemptOutcome.Failed>(await bench.RunStoppableAsync(bench.Upload("POST", "", new byte[1000]), reports, stop.Token));
        Assert.Equal(TransferCodes.Interrupted, failed.Failure.Code);
        Assert.True(failed.Failure.DiscardPart);
        Assert.All(bench.Origin.Requests, request => Assert.Null(request.BodySha256));
    }

    [Theory]
    [InlineData("PUT")]
    [InlineData("POST")]
    public async Task A_chunk_under_way_to_a_slow_peer_ends_with_the_trust(string method)
    {
        await using var bench = await AttemptBench.StartAsync();
        var order = bench.Upload(method, "", new byte[1 << 20]);
        await using var source = await bench.Parts.OpenSourceAsync(TenantId.Default, ContainerName.Default, order.Source!.Path, CancellationToken.None);
        using var watch = new AttemptWatch(TimeProvider.System, order.IdleTimeout, CancellationToken.None);
        var run = new UploadRun(
            order, new RecordedReports(), bench.Services(AttemptBench.Quick with { ChunkBytes = 1 << 20 }),
            new UploadMemory(new ContinueMemory(), new TargetMemory(TimeProvider.System)), watch, new Uri(order.Url), source!, null);
        var marks = 0;
        using var content = run.Body(0, source!.Length, () => ValueTask.FromResult(++marks > 0));
        await using var peer = new SlowPeer(() => bench.Trust.MayAct = false);

        var ended = await Assert.ThrowsAnyAsync<Exception>(() => content.CopyToAsync(peer, TestContext.Current.CancellationToken));

        Assert.Contains(TransferCodes.Interrupted, Codes(ended));
        Assert.Equal((64 * 1024, 0, false), (peer.Length, marks, run.Progress.WasSentWhole));
    }

    private static IEnumerable<string?> Codes(Exception? ended)
    {
        for (; ended is not null; ended = ended.InnerException)
            yield return (ended as UploadBrokenException)?.Failure?.Code;
    }

    /// <summary>Takes what it is given, and by the time it has, the node has lost its trust.</summary>
    private sealed class SlowPeer(Action taken) : MemoryStream
    {
        public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            await base.WriteAsync(buffer, cancellationToken);
            taken();
        }
    }

    private static async Task<AttemptOutcome> StopAfterBodyAsync(AttemptBench bench, string method)
    {
        var reports = new RecordedReports();
        using var stop = new CancellationTokenSource();
        var running = bench.RunStoppableAsync(bench.Upload(method, "hang=1", new byte[1000]), reports, stop.Token);
        await reports.UntilAsync(seen => seen.Sent == 1000, "the body is out");
        await stop.CancelAsync();
        return await running;
    }
}

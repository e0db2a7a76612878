using Backhaul.FaultOrigin;
using Backhaul.Node.Transfers;
using Backhaul.Protocol;
using Xunit;

namespace Backhaul.Node.Tests.Transfers;

public sealed class DownloadAttemptTests
{
    private const long Length = 3_000_001;

    /// <summary>Bytes that are there come sooner, also on a busy machine.</summary>
    private static readonly TimeSpan Silence = TimeSpan.FromSeconds(2);

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
    public async Task A_download_may_post_a_file_and_store_the_answer()
    {
        await using var bench = await AttemptBench.StartAsync();
        bench.Parts.Sources["query.json"] = "{\"all\":true}"u8.ToArray();
        var order = bench.Download($"{bench.Origin.Url}/upload/a") with
        {
            Method = "POST",
            Body = new FileReference(ContainerName.Default, ContainerPath.Parse("query.json")),
        };
        Assert.IsType<AttemptOutcome.Finished>(await bench.RunAsync(order));
        var request = Assert.Single(bench.Origin.Requests);
        Assert.Equal(("POST", 12L), (request.Method, request.BytesReceived));
        bench.Parts.SourceChanges = true;
        Assert.Equal(TransferCodes.SourceChanged, Assert.IsType<AttemptOutcome.Failed>(await bench.RunAsync(order)).Failure.Code);
        bench.Parts.Sources.Clear();
        Assert.Equal(TransferCodes.SourceMissing, Assert.IsType<AttemptOutcome.Failed>(await bench.RunAsync(order)).Failure.Code);
    }

    [Fact]
    public async Task An_attempt_says_where_the_time_to_its_response_went()
    {
        await using var bench = await AttemptBench.StartAsync();
        var url = bench.Origin.Bytes("a", 100, "delay=60").Replace("127.0.0.1", "localhost", StringComparison.Ordinal);
        var first = Assert.IsType<AttemptOutcome.Finished>(await bench.RunAsync(bench.Download(url))).Response.Phases!;
        Assert.NotNull(first.DnsMs);
        Assert.NotNull(first.ConnectMs);
        Assert.Null(first.TlsMs);
        Assert.True(first.FirstByteMs >= 50, $"{first.FirstByteMs} ms to the first byte of an answer that was held back for 60.");
        var second = Assert.IsType<AttemptOutcome.Finished>(await bench.RunAsync(bench.Download(url))).Response.Phases!;
        Assert.Equal((null, null), (second.DnsMs, second.ConnectMs)); // the connection was there
    }

    [Fact]
    public async Task Small_files_make_no_reports_and_share_a_connection()
    {
        await using var bench = await AttemptBench.StartAsync();
        var reports = new RecordedReports();
        for (var i = 0; i < 5; i++)
            Assert.IsType<AttemptOutcome.Finished>(await bench.RunAsync(bench.Download(bench.Origin.Bytes($"s{i}", 1000)), reports));
        Assert.Empty(reports.Order);
        Assert.Equal(1, bench.Origin.Connections);
        Assert.Equal("identity", bench.Origin.Requests[0].Headers["Accept-Encoding"]);
    }

    [Theory]
    [InlineData("framing=chunked")]
    [InlineData("framing=close")]
    public async Task Without_a_length_the_result_is_unverified_unless_a_digest_proves_it(string query)
    {
        await using var bench = await AttemptBench.StartAsync();
        var order = bench.Download(bench.Origin.Bytes("seed", 200_000, query));
        var finished = Assert.IsType<AttemptOutcome.Finished>(await bench.RunAsync(order));
        Assert.False(finished.Verified);
        Assert.Equal(OriginContent.Sha256("seed", 200_000), bench.Parts.ResultSha256(bench.Files));
        finished = Assert.IsType<AttemptOutcome.Finished>(await bench.RunAsync(order with { Sha256 = OriginContent.Sha256("seed", 200_000) }));
        Assert.True(finished.Verified);
    }

    [Theory]
    [InlineData(1000)]
    [InlineData(200_000)]
    public async Task A_wrong_digest_fails_and_publishes_nothing(long length)
    {
        await using var bench = await AttemptBench.StartAsync();
        var order = bench.Download(bench.Origin.Bytes("seed", length)) with { Sha256 = new string('0', 64) };
        var failure = await FailAsync(bench, order, TransferCodes.DigestMismatch);
        Assert.False(failure.Retryable);
        Assert.True(failure.DiscardPart);
        Assert.False(bench.Parts.HasResult(bench.Files));
    }

    [Theory]
    [InlineData(1000)]
    [InlineData(200_000)]
    public async Task The_digest_is_computed_when_the_option_says_so(long length)
    {
        await using var bench = await AttemptBench.StartAsync(AttemptBench.Quick with { ComputeDigest = true });
        var finished = Assert.IsType<AttemptOutcome.Finished>(await bench.RunAsync(bench.Download(bench.Origin.Bytes("seed", length))));
        Assert.Equal(OriginContent.Sha256("seed", length), finished.Sha256);
        Assert.Equal(finished.Sha256, finished.File!.Sha256);
    }

    [Theory]
    [InlineData("cut=150000", TransferCodes.Truncated)]
    [InlineData("cut=150000&framing=chunked", TransferCodes.Truncated)]
    [InlineData("reset=150000&rate=10000000", TransferCodes.ConnectionLost)]
    [InlineData("framing=double", TransferCodes.ProtocolError)]
    [InlineData("framing=both", TransferCodes.ProtocolError)]
    [InlineData("framing=junk", TransferCodes.ProtocolError)]
    [InlineData("unasked=1", TransferCodes.ProtocolError)]
    public async Task What_breaks_on_the_way_is_retried(string query, string code)
    {
        await using var bench = await AttemptBench.StartAsync();
        var failure = await FailAsync(bench, bench.Download(bench.Origin.Bytes("seed", 200_000, query)), code);
        Assert.True(failure.Retryable);
        Assert.DoesNotContain("?", failure.Message, StringComparison.Ordinal);
        Assert.False(bench.Parts.HasResult(bench.Files));
    }

    [Theory]
    [InlineData("cut=500", TransferCodes.Truncated)]
    [InlineData("stall=500", TransferCodes.IdleTimeout)]
    public async Task A_small_body_that_breaks_is_retried_too(string query, string code)
    {
        await using var bench = await AttemptBench.StartAsync();
        var order = bench.Download(bench.Origin.Bytes("seed", 1000, query)) with { IdleTimeout = code == TransferCodes.IdleTimeout ? Silence : TimeSpan.FromSeconds(20) };
        var failure = await FailAsync(bench, order, code);
        Assert.True(failure.Retryable);
        Assert.Equal(500, failure.BytesReceived);
    }

    [Fact]
    public async Task A_head_over_the_limit_fails_with_its_code()
    {
        await using var bench = await AttemptBench.StartAsync();
        var failure = await FailAsync(bench, bench.Download(bench.Origin.Bytes("seed", 10, "headers=200000")), TransferCodes.HeadersTooLarge);
        Assert.False(failure.Retryable);
        Assert.IsType<AttemptOutcome.Finished>(await bench.RunAsync(bench.Download(bench.Origin.Bytes("seed", 10, "headers=60000"))));
    }

    [Theory]
    [InlineData(404, false)]
    [InlineData(403, false)]
    [InlineData(410, false)]
    [InlineData(304, false)]
    [InlineData(408, true)]
    [InlineData(425, true)]
    [InlineData(429, true)]
    [InlineData(500, true)]
    [InlineData(502, true)]
    [InlineData(503, true)]
    [InlineData(504, true)]
    public async Task An_error_page_is_never_stored_and_the_list_says_what_is_retried(int status, bool retryable)
    {
        await using var bench = await AttemptBench.StartAsync();
        var failure = await FailAsync(bench, bench.Download(bench.Origin.Bytes("seed", 10, $"status={status}&retry-after=7")), TransferCodes.HttpStatus);
        Assert.Equal(status, failure.Status);
        Assert.Equal(retryable, failure.Retryable);
        Assert.Equal(retryable ? TimeSpan.FromSeconds(7) : null, failure.RetryAfter);
        Assert.Equal(status, failure.Response!.Status);
        Assert.Equal(0, bench.Parts.Created);
        Assert.False(bench.Parts.HasResult(bench.Files));
    }

    [Fact]
    public async Task An_accepted_status_is_a_result()
    {
        await using var bench = await AttemptBench.StartAsync();
        var order = bench.Download(bench.Origin.Bytes("seed", 10, "status=404")) with { AcceptStatus = ["400-404"] };
        var finished = Assert.IsType<AttemptOutcome.Finished>(await bench.RunAsync(order));
        Assert.Equal(404, finished.Response.Status);
        Assert.False(finished.Response.Resumable);
        Assert.Equal(40, finished.File!.Length);
    }

    [Fact]
    public async Task Nothing_larger_than_allowed_is_stored()
    {
        await using var bench = await AttemptBench.StartAsync();
        var order = bench.Download(bench.Origin.Bytes("seed", 100_000)) with { MaxBytes = 99_999 };
        Assert.False((await FailAsync(bench, order, TransferCodes.TooLarge)).Retryable);
        Assert.Equal(0, bench.Parts.Created);
        order = bench.Download(bench.Origin.Bytes("seed", 100_000, "framing=chunked")) with { MaxBytes = 99_999 };
        Assert.True((await FailAsync(bench, order, TransferCodes.TooLarge)).DiscardPart);
        Assert.IsType<AttemptOutcome.Finished>(await bench.RunAsync(order with { MaxBytes = 100_000 }));
    }

    [Theory]
    [InlineData("hang=1", "a response")]
    [InlineData("stall=100000", "100000 bytes")]
    public async Task Silence_ends_an_attempt_and_the_sentence_says_what_was_awaited(string query, string awaited)
    {
        await using var bench = await AttemptBench.StartAsync();
        var order = bench.Download(bench.Origin.Bytes("seed", 200_000, query)) with { IdleTimeout = Silence };
        var failure = await FailAsync(bench, order, TransferCodes.IdleTimeout);
        Assert.True(failure.Retryable);
        Assert.Contains(awaited, failure.Message, StringComparison.Ordinal);
        Assert.Contains($"127.0.0.1:{bench.Origin.Port}", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Every_byte_restarts_the_idle_timer()
    {
        await using var bench = await AttemptBench.StartAsync();
        var order = bench.Download(bench.Origin.Bytes("seed", 14, "drip=300&framing=chunked")) with { IdleTimeout = TimeSpan.FromSeconds(3) };
        Assert.IsType<AttemptOutcome.Finished>(await bench.RunAsync(order));
    }

    [Fact]
    public async Task A_host_that_refuses_connections_is_named()
    {
        await using var bench = await AttemptBench.StartAsync();
        int dead;
        await using (var gone = await ScriptedOrigin.StartAsync())
            dead = gone.Port;
        var failure = await FailAsync(bench, bench.Download($"http://127.0.0.1:{dead}/a?secret=1"), TransferCodes.ConnectFailed);
        Assert.True(failure.Retryable);
        Assert.Contains($"127.0.0.1:{dead}", failure.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("secret", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_address_policy_ends_the_task()
    {
        await using var bench = await AttemptBench.StartAsync(egress: new Node.Egress.EgressOptions());
        var failure = await FailAsync(bench, bench.Download(bench.Origin.Bytes("seed", 10)), TransferCodes.AddressRefused);
        Assert.False(failure.Retryable);
        Assert.Equal(0, bench.Origin.Connections);
    }

    [Fact]
    public async Task A_header_that_http_does_not_allow_is_named_without_its_value()
    {
        await using var bench = await AttemptBench.StartAsync();
        var order = bench.Download(bench.Origin.Bytes("seed", 10)) with { Headers = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase) { ["X-A"] = "hidden\r\nX-B: 1" } };
        var failure = await FailAsync(bench, order, TransferCodes.ProtocolError);
        Assert.Contains("X-A", failure.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("hidden", failure.Message, StringComparison.Ordinal);
        Assert.Empty(bench.Origin.Requests);
    }

    [Fact]
    public async Task A_coded_body_is_stored_as_sent_and_not_resumable()
    {
        await using var bench = await AttemptBench.StartAsync();
        var reports = new RecordedReports();
        var order = bench.Download(bench.Origin.Bytes("seed", 200_000, "encoding=gzip&cut=150000&times=1"));
        Assert.IsType<AttemptOutcome.Failed>(await bench.RunAsync(order, reports));
        Assert.Empty(reports.Checkpoints);
        var finished = Assert.IsType<AttemptOutcome.Finished>(await bench.RunAsync(bench.Download(bench.Origin.Bytes("seed", 200_000, "encoding=gzip"))));
        Assert.Contains("coding", finished.Response.ResumableWhy, StringComparison.Ordinal);
        Assert.Equal(OriginContent.Sha256("seed", 200_000), bench.Parts.ResultSha256(bench.Files));
    }

    [Fact]
    public async Task Redirects_are_followed_reported_and_do_not_carry_secrets_to_another_origin()
    {
        await using var bench = await AttemptBench.StartAsync();
        await using var other = await ScriptedOrigin.StartAsync();
        var last = other.Bytes("seed", 100_000);
        var second = bench.Origin.Bytes("b", 1, $"redirect={Uri.EscapeDataString(last)}&status=307");
        var first = bench.Origin.Bytes("a", 1, $"redirect={Uri.EscapeDataString(second)}");
        var reports = new RecordedReports();
        var headers = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase)
        {
            ["Authorization"] = "Bearer s",
            ["Cookie"] = "s=1",
            ["X-Api-Key"] = "s",
            ["Accept-Language"] = "de",
        };
        var finished = Assert.IsType<AttemptOutcome.Finished>(await bench.RunAsync(bench.Download(first) with { Headers = headers }, reports));
        Assert.Equal(last, finished.Response.Url);
        Assert.Equal(2, reports.Redirects.Count);
        Assert.Equal("Bearer s", bench.Origin.Requests[1].Headers["Authorization"]);
        var seen = Assert.Single(other.Requests).Headers;
        Assert.DoesNotContain("Authorization", seen.Keys, StringComparer.OrdinalIgnoreCase);
        Assert.DoesNotContain("Cookie", seen.Keys, StringComparer.OrdinalIgnoreCase);
        Assert.DoesNotContain("X-Api-Key", seen.Keys, StringComparer.OrdinalIgnoreCase);
        Assert.Equal("de", seen["Accept-Language"]);
    }

    [Theory]
    [InlineData("status=302&location=file%3A%2F%2F%2Fetc%2Fpasswd", TransferCodes.BadRedirect)]
    [InlineData("status=302&location=", TransferCodes.BadRedirect)]
    [InlineData("status=302", TransferCodes.BadRedirect)]
    [InlineData("status=302&location=http%3A%2F%2F10.0.0.1%2F", TransferCodes.AddressRefused)]
    public async Task Bad_redirects_end_the_task(string query, string code)
    {
        await using var bench = await AttemptBench.StartAsync();
        Assert.False((await FailAsync(bench, bench.Download(bench.Origin.Bytes("seed", 10, query)), code)).Retryable);
    }

    [Fact]
    public async Task A_redirect_loop_ends()
    {
        await using var bench = await AttemptBench.StartAsync();
        var reports = new RecordedReports();
        var failed = Assert.IsType<AttemptOutcome.Failed>(await bench.RunAsync(bench.Download(bench.Origin.Bytes("seed", 10, "redirect=self")), reports));
        Assert.Equal(TransferCodes.TooManyRedirects, failed.Failure.Code);
        Assert.Equal(20, reports.Redirects.Count);
    }

    private static async Task<AttemptFailure> FailAsync(AttemptBench bench, AttemptOrder order, string code)
    {
        var failed = Assert.IsType<AttemptOutcome.Failed>(await bench.RunAsync(order));
        Assert.Equal(code, failed.Failure.Code);
        return failed.Failure;
    }
}

using Backhaul.FaultOrigin;
using Backhaul.Node.Transfers;
using Backhaul.Node.Transfers.Downloads;
using Xunit;

namespace Backhaul.Node.Tests.Transfers;

/// <summary>A download into the same file again and again: against an origin that answers conditions as it should, and where it should not be asked any.</summary>
public sealed class RepeatedDownloadTests
{
    private const int Length = 100_000;

    [Theory]
    [InlineData("", "If-None-Match")]
    [InlineData("etag=weak", "If-None-Match")]
    [InlineData("etag=weak&lm=recent", "If-None-Match")]
    [InlineData("etag=none&lm=old", "If-Modified-Since")]
    public async Task What_has_not_changed_is_not_fetched_again(string script, string header)
    {
        await using var bench = await AttemptBench.StartAsync();
        var url = bench.Origin.Bytes("a", Length, script);
        var first = Finished(await RunAsync(bench, url));
        Assert.NotNull(first.Fetched);
        Assert.False(first.IsUnchanged);
        var file = bench.Parts.Placed["a/b.bin"];

        var second = Finished(await RunAsync(bench, url, first.Fetched));
        Assert.Equal((true, 304, 0L, null), (second.IsUnchanged, second.Response.Status, second.BytesReceived, second.File));
        Assert.Equal(first.Fetched, second.Fetched);
        Assert.Same(file, bench.Parts.Placed["a/b.bin"]);
        Assert.Equal(first.Fetched.Validator, bench.Origin.Requests[1].Headers[header]);
        Assert.DoesNotContain(bench.Origin.Requests[1].Headers.Keys, name => name.StartsWith("If-", StringComparison.OrdinalIgnoreCase) && name != header);
        Assert.True(Finished(await RunAsync(bench, url, second.Fetched)).IsUnchanged);
    }

    [Theory]
    [InlineData("change=1")]
    [InlineData("change=1&etag=weak")]
    [InlineData("change=1&etag=none&lm=old")]
    public async Task What_has_changed_is_fetched_and_asked_about_by_its_new_validator(string script)
    {
        await using var bench = await AttemptBench.StartAsync();
        var url = bench.Origin.Bytes("a", Length, script);
        var first = Finished(await RunAsync(bench, url));
        var second = Finished(await RunAsync(bench, url, first.Fetched));
        Assert.Equal((false, 200, (long)Length), (second.IsUnchanged, second.Response.Status, second.BytesReceived));
        Assert.NotEqual(first.Fetched!.Validator, second.Fetched!.Validator);
        Assert.Equal(OriginContent.Sha256("a-changed", Length), Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(bench.Parts.Placed["a/b.bin"].ToArray())));
        Assert.True(Finished(await RunAsync(bench, url, second.Fetched)).IsUnchanged);
    }

    [Theory]
    [InlineData("etag=none")]
    [InlineData("etag=none&lm=recent")] // a change in the same second would never be seen
    [InlineData("etag=naked")]
    public async Task What_nothing_proves_unchanged_is_fetched_anew(string script)
    {
        await using var bench = await AttemptBench.StartAsync();
        Assert.Null(Finished(await RunAsync(bench, bench.Origin.Bytes("a", Length, script))).Fetched);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_file_that_was_removed_or_replaced_is_fetched_without_a_condition(bool replaced)
    {
        await using var bench = await AttemptBench.StartAsync();
        var url = bench.Origin.Bytes("a", Length);
        var first = Finished(await RunAsync(bench, url));
        bench.Parts.Placed.Clear();
        if (replaced)
            bench.Parts.Placed["a/b.bin"] = new MemoryPartFiles.MemoryFile(77);
        var second = Finished(await RunAsync(bench, url, first.Fetched));
        Assert.Equal((false, (long)Length), (second.IsUnchanged, second.BytesReceived));
        Assert.Null(bench.Origin.Requests[1].IfNoneMatch);
        Assert.NotEqual(first.Fetched!.Identity, second.Fetched!.Identity);
    }

    [Fact]
    public async Task A_file_that_goes_while_its_origin_is_asked_is_fetched()
    {
        await using var bench = await AttemptBench.StartAsync();
        var url = bench.Origin.Bytes("a", Length);
        var first = Finished(await RunAsync(bench, url));
        bench.Parts.OnOpened = () => bench.Parts.Placed.TryRemove("a/b.bin", out _); // found once, and not again
        var second = Finished(await RunAsync(bench, url, first.Fetched));
        Assert.Equal((false, (long)Length), (second.IsUnchanged, second.BytesReceived));
        Assert.Equal([200, 304, 200], bench.Origin.Requests.Select(request => request.Status));
    }

    [Fact]
    public async Task A_304_that_nobody_asked_for_is_a_failure()
    {
        await using var bench = await AttemptBench.StartAsync();
        var plain = bench.Origin.Bytes("a", Length, "status=304");
        var failed = Assert.IsType<AttemptOutcome.Failed>(await RunAsync(bench, plain));
        Assert.Equal((TransferCodes.HttpStatus, 304, false), (failed.Failure.Code, failed.Failure.Status, failed.Failure.Retryable));
        var known = new FetchedFile("\"x\"", new FileIdentity(1, 2, 3));
        Assert.IsType<AttemptOutcome.Failed>(await RunAsync(bench, plain, known)); // its file is not there, so it was not asked
    }

    [Fact]
    public async Task Nothing_is_asked_of_where_a_redirect_leads_nor_kept_of_it()
    {
        await using var bench = await AttemptBench.StartAsync();
        var target = bench.Origin.Bytes("a", Length);
        var url = bench.Origin.Bytes("r", 1, $"redirect={Uri.EscapeDataString(target)}");
        Assert.Null(Finished(await RunAsync(bench, url)).Fetched);

        var direct = Finished(await RunAsync(bench, target));
        Assert.NotNull(direct.Fetched);
        var redirected = Finished(await RunAsync(bench, url, direct.Fetched));
        Assert.Equal((false, (long)Length, null), (redirected.IsUnchanged, redirected.BytesReceived, redirected.Fetched));
        var (first, second) = (bench.Origin.Requests[^2], bench.Origin.Requests[^1]);
        Assert.Equal((direct.Fetched.Validator, null), (first.IfNoneMatch, second.IfNoneMatch));
    }

    [Fact]
    public async Task A_session_that_sets_conditions_itself_is_let_alone()
    {
        await using var bench = await AttemptBench.StartAsync();
        var url = bench.Origin.Bytes("a", Length);
        var known = Finished(await RunAsync(bench, url)).Fetched;
        var own = Order(bench, url, known) with { Headers = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase) { ["If-None-Match"] = known!.Validator } };
        var failed = Assert.IsType<AttemptOutcome.Failed>(await bench.RunAsync(own));
        Assert.Equal(304, failed.Failure.Status);
        var other = Finished(await bench.RunAsync(own with { Headers = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase) { ["If-None-Match"] = "\"other\"" } }));
        Assert.Null(other.Fetched);
    }

    [Fact]
    public async Task What_broke_off_goes_on_and_is_asked_about_the_next_time()
    {
        await using var bench = await AttemptBench.StartAsync();
        var url = bench.Origin.Bytes("a", Length);
        var part = await bench.BreakAfterAsync(url, 60_000);
        var known = new FetchedFile("\"old\"", new FileIdentity(1, 2, 3));
        var resumed = Finished(await bench.RunAsync(Order(bench, url, known) with { Resume = part }));
        Assert.Equal((206, "\"a-100000\""), (resumed.Response.Status, resumed.Fetched!.Validator));
        Assert.True(Finished(await RunAsync(bench, url, resumed.Fetched)).IsUnchanged);
    }

    [Theory]
    [InlineData("W/\"a\"", "W/\"a\"")]
    [InlineData("\"a\u00e9\"", null)]
    [InlineData("\"a b\"", null)]
    [InlineData("*", null)]
    [InlineData("W/a", null)]
    public void Tags_that_cannot_be_asked_with_are_not_kept(string tag, string? kept) =>
        Assert.Equal(kept, EntityValidator.OfWhole(new Dictionary<string, string> { ["ETag"] = tag }));

    [Fact]
    public void Tags_without_measure_are_not_kept() =>
        Assert.Null(EntityValidator.OfWhole(new Dictionary<string, string> { ["ETag"] = $"\"{new string('a', 600)}\"" }));

    private static Task<AttemptOutcome> RunAsync(AttemptBench bench, string url, FetchedFile? known = null) => bench.RunAsync(Order(bench, url, known));

    private static AttemptOrder Order(AttemptBench bench, string url, FetchedFile? known) => bench.Download(url) with { IsRepeated = true, Fetched = known };

    private static AttemptOutcome.Finished Finished(AttemptOutcome outcome) => outcome as AttemptOutcome.Finished
        ?? throw new InvalidOperationException(outcome is AttemptOutcome.Failed failed ? $"{failed.Failure.Code}: {failed.Failure.Message}" : outcome.ToString());
}

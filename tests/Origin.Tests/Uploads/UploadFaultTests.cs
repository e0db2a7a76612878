using System.Globalization;
using System.Text.Json;
using Backhaul.FaultOrigin;
using Xunit;

namespace Backhaul.Origin.Tests.Uploads;

/// <summary>
/// The upload rows of the list of faults, on a real node: at the first try, after a suspension and a resume, and with the process killed in between.
/// The target's journal is the oracle: what it has, and how much of it was sent more than once. All rows of a test share one node, side by side.
/// </summary>
public sealed class UploadFaultTests
{
    private const int Bytes = 1_200_000;
    private const int Chunk = 64 * 1024;
    private const int Large = 40_000_000; // more than all buffers on the way hold

    /// <summary>How a task gets to the fault.</summary>
    public enum Way
    {
        FirstTry,
        AfterResume,
        AfterKill,
    }

    /// <summary>The target and what it does; {0} is the request that suffers it.</summary>
    private static readonly (string Target, string Fault)[] Rows =
    [
        ("tus", "patch={0}:409"),
        ("tus", "patch={0}:gone:410"),
        ("tus", "patch={0}:460&checksum=sha1"),
        ("tus", "patch={0}:behind:30000"),
        ("tus", "patch={0}:lose:end"),
        ("tus", "patch={0}:lose:9999"),
        ("tus", "patch={0}:early:503"),
        ("resumable", "patch={0}:409"),
        ("resumable", "patch={0}:behind:30000"),
        ("resumable", "patch={0}:lose:end"),
        ("resumable", "patch={0}:gone:404"),
        ("resumable", "patch={0}:early:503&version=6"),
    ];

    [Theory]
    [InlineData(Way.FirstTry)]
    [InlineData(Way.AfterResume)]
    [InlineData(Way.AfterKill)]
    public async Task The_target_has_the_file_whatever_it_did(Way way)
    {
        await using var run = await NodeUploads.StartAsync(Chunk);
        var rows = Rows.Select((row, at) => (Id: $"r{at}", row.Target, Fault: string.Format(CultureInfo.InvariantCulture, row.Fault, way is Way.FirstTry ? 1 : 8))).ToList();
        foreach (var (id, target, fault) in rows)
            await run.AddAsync(id, target, $"{fault}&pace=40", Bytes);
        if (way is Way.AfterResume)
        {
            await Task.WhenAll(rows.Select(row => run.SuspendAndResumeAsync(row.Id, atBytes: 3 * Chunk)));
        }
        else if (way is Way.AfterKill)
        {
            await Task.WhenAll(rows.Select(row => run.UntilAsync(row.Id, atBytes: 3 * Chunk)));
            await run.KillAndRestartAsync();
        }
        foreach (var (id, target, fault) in rows)
        {
            var view = await run.EndedAsync(id);
            Assert.Equal($"{target} {fault} succeeded", $"{target} {fault} {view.GetProperty("outcome").GetString()}");
            Assert.Equal(Bytes, view.GetProperty("progress").GetProperty("bytesSent").GetInt64());
            run.AssertArrived(id, Bytes);
            var again = run.BytesReceivedOf(id) - Bytes;
            Assert.True(fault.Contains("gone", StringComparison.Ordinal) || again is >= 0 and <= 3 * Chunk, $"{target} {fault}: {again} bytes were sent again");
        }
    }

    [Fact]
    public async Task A_plain_upload_repeats_only_what_may_be_repeated()
    {
        (string Method, string Query, string? Code)[] rows =
        [
            ("PUT", "early=413", "httpStatus"),
            ("PUT", "continue=no", null),
            ("PUT", "lose=end&times=1", null),
            ("POST", "lose=end&times=1", "ambiguous"),
            ("POST", "lose=100000&times=1", null),
        ];
        await using var run = await NodeUploads.StartAsync(Chunk);
        for (var at = 0; at < rows.Length; at++)
            await run.AddAsync($"p{at}", "upload", rows[at].Query, Large, rows[at].Method);
        for (var at = 0; at < rows.Length; at++)
        {
            var (method, query, code) = rows[at];
            var view = await run.EndedAsync($"p{at}");
            var requests = run.RequestsOf($"p{at}");
            Assert.Equal($"{method} {query} {code ?? "succeeded"}", $"{method} {query} {CodeOf(view) ?? view.GetProperty("outcome").GetString()}");
            if (code is null)
                Assert.Equal(OriginContent.Sha256("up", Large), requests[^1].BodySha256);
            else
                Assert.Single(requests);
        }
    }

    [Fact]
    public async Task A_plain_upload_whose_node_was_killed_is_repeated_unless_it_may_have_arrived()
    {
        const int Small = 100_000;
        (string Id, string Method, int Length, string Outcome)[] rows =
            [("put", "PUT", Large, "succeeded"), ("post", "POST", Large, "succeeded"), ("sent", "POST", Small, "ambiguous")];
        await using var run = await NodeUploads.StartAsync(Chunk);
        foreach (var (id, method, length, _) in rows)
            await run.AddAsync(id, "upload", "hang=1&rate=1&times=1", length, method);
        foreach (var (id, _, length, _) in rows)
        {
            await Eventually.TrueAsync(
                () => Task.FromResult(run.RequestsOf(id) is [{ } request, ..] && request.BytesReceived > 0 && (length == Large || request.BodySha256 is not null)),
                TimeSpan.FromSeconds(60), () => $"the body of {id} to be under way");
        }
        await run.KillAndRestartAsync();
        foreach (var (id, _, _, outcome) in rows)
        {
            var view = await run.EndedAsync(id);
            Assert.Equal($"{id} {outcome}", $"{id} {CodeOf(view) ?? view.GetProperty("outcome").GetString()}");
            Assert.Equal(outcome == "succeeded" ? 2 : 1, run.RequestsOf(id).Count);
        }
    }

    /// <summary>Three times by default; <c>BACKHAUL_SWEEP=long</c> kills fifty times.</summary>
    [Theory]
    [InlineData("tus")]
    [InlineData("resumable")]
    public async Task A_node_that_is_killed_again_and_again_sends_no_more_than_one_request_again_for_each_time(string target)
    {
        var kills = Environment.GetEnvironmentVariable("BACKHAUL_SWEEP") == "long" ? 50 : 3;
        var length = (kills + 2) * 4 * Chunk;
        await using var run = await NodeUploads.StartAsync(Chunk);
        await run.AddAsync("up", target, "pace=20", length);
        for (var kill = 1; kill <= kills; kill++)
        {
            await run.UntilAsync("up", atBytes: (long)kill * 4 * Chunk);
            await run.KillAndRestartAsync();
        }
        var view = await run.EndedAsync("up");
        Assert.Equal("succeeded", view.GetProperty("outcome").GetString());
        run.AssertArrived("up", length);
        Assert.Single(run.Origin.Uploads.All);
        var again = run.BytesReceivedOf("up") - length;
        Assert.InRange(again, 0, (long)kills * Chunk);
        TestContext.Current.TestOutputHelper?.WriteLine($"{target}: {kills} kills, {length} bytes right by SHA-256, {again} bytes sent again");
    }

    [Fact]
    public async Task A_cancelled_upload_is_ended_at_its_target()
    {
        string[] targets = ["tus", "resumable"];
        await using var run = await NodeUploads.StartAsync(Chunk);
        foreach (var target in targets)
        {
            await run.AddAsync(target, target, "pace=100", Bytes);
            await run.UntilAsync(target, atBytes: 2 * Chunk);
            await run.CommandAsync(target, "cancel");
            Assert.Equal("cancelled", (await run.EndedAsync(target)).GetProperty("outcome").GetString());
            await Eventually.TrueAsync(() => Task.FromResult(run.UploadsOf(target).Single().WasTerminated), TimeSpan.FromSeconds(60), () => $"the DELETE at {target}");
        }
    }

    private static string? CodeOf(JsonElement view) => view.TryGetProperty("error", out var error) ? error.GetProperty("code").GetString() : null;
}

using Backhaul.FaultOrigin;
using Backhaul.FaultOrigin.Uploads;
using Backhaul.Node.Sessions;
using Backhaul.Node.Transfers;
using Xunit;

namespace Backhaul.Node.Tests.Transfers;

/// <summary>Uploads by tus and by the draft against a target that misbehaves on demand: what it has in the end is the file.</summary>
public sealed class ResumableUploadTests
{
    private const int Bytes = 300_000;
    private const int Chunk = 64 * 1024;

    private static readonly TransferOptions Chunked = AttemptBench.Quick with { UploadChunkBytes = Chunk, ExpectContinueBytesMin = 32 * 1024 };

    public static TheoryData<string, string> Faults => new()
    {
        { "tus", "" },
        { "tus", "checksum=sha1" },
        { "tus", "checksum=sha256,sha1&patch=2:460,3:460" },
        { "tus", "announce=no" },
        { "tus", "patch=2:409" },
        { "tus", "patch=3:gone:404" },
        { "tus", "patch=3:gone:410" },
        { "tus", "head=1:gone:410&patch=2:lose:1000" },
        { "tus", "patch=2:lose:end" },
        { "tus", "patch=2:lose:0" },
        { "tus", "patch=5:lose:end" },
        { "tus", "patch=2:behind:30000" },
        { "tus", "patch=2:partial:20000" },
        { "tus", "patch=2:nooffset:1" },
        { "tus", "patch=2:offset:7" },
        { "tus", "patch=2:early:503" },
        { "tus", "patch=1:423,2:503&head=1:423" },
        { "tus", "patch=2:lose:end&head=1:offset:999999999" },
        { "tus", "create=1:lose:end" },
        { "tus", "create=1:503" },
        { "tus", "maxbody=40000" },
        { "tus", "options=1:early:503" },
        { "resumable", "" },
        { "resumable", "version=7" },
        { "resumable", "version=6" },
        { "resumable", "version=5" },
        { "resumable", "version=3" },
        { "resumable", "version=3&patch=2:lose:1000,5:lose:end" },
        { "resumable", "limits=max-append-size=20000,min-append-size=20000,max-age=3600" },
        { "resumable", "limits=min-append-size=200000" },
        { "resumable", "maxbody=40000" },
        { "resumable", "patch=2:409" },
        { "resumable", "patch=2:behind:30000" },
        { "resumable", "patch=2:lose:1000" },
        { "resumable", "patch=2:lose:end" },
        { "resumable", "patch=5:lose:end" },
        { "resumable", "patch=5:nocomplete:1" },
        { "resumable", "patch=3:gone:404" },
        { "resumable", "patch=2:nooffset:1" },
        { "resumable", "patch=2:early:503&head=1:503" },
        { "resumable", "create=1:lose:end" },
    };

    [Theory]
    [MemberData(nameof(Faults))]
    public async Task Whatever_a_target_does_it_has_the_file_in_the_end(string protocol, string query)
    {
        await using var bench = await AttemptBench.StartAsync(Chunked);
        var finished = await ToEndAsync(bench, Upload(bench, protocol, query), attemptsMax: 6);
        Assert.Equal(Bytes, finished.BytesSent);
        var last = bench.Origin.Uploads.All[^1];
        Assert.Equal(OriginContent.Sha256("up", Bytes), last.Sha256);
        Assert.True(last.IsComplete);
    }

    /// <summary>The same for any sequence of faults, and nothing is sent again beyond one request's bytes for each interruption.</summary>
    [Theory]
    [InlineData("tus")]
    [InlineData("resumable")]
    public async Task After_any_sequence_of_faults_the_target_has_the_file(string protocol)
    {
        string[] words = ["lose:0", "lose:1000", "lose:end", "behind:5000", "partial:3000", "409", "503", "nooffset:1", "early:503", "offset:5"];
        await using var bench = await AttemptBench.StartAsync(Chunked);
        for (var i = 1; i <= 25; i++)
        {
            var chance = new Random(i);
            var plan = Enumerable.Range(0, chance.Next(12)).Select(_ => chance.GetItems(words, 1)[0]).ToList();
            var before = bench.Origin.Requests.Count;
            var query = $"n={i}&patch=" + string.Join(',', plan.Select((word, nth) => $"{nth + 1}:{word}"));
            await ToEndAsync(bench, Upload(bench, protocol, query), attemptsMax: 40);
            var last = bench.Origin.Uploads.All[^1];
            Assert.Equal((query, OriginContent.Sha256("up", Bytes)), (query, last.Sha256));
            var appended = bench.Origin.Requests.Skip(before).Where(request => request.Method == "PATCH").ToList();
            Assert.True(appended.Sum(request => request.BytesReceived) <= Bytes + (plan.Count * (long)Chunk), query);
        }
    }

    [Fact]
    public async Task The_place_of_an_upload_is_journaled_before_its_first_byte_flows()
    {
        await using var bench = await AttemptBench.StartAsync(Chunked);
        var reports = new RecordedReports { Wanted = what => what != "checkpoint" };
        Assert.IsType<AttemptOutcome.Stopped>(await bench.RunAsync(Upload(bench, "tus", ""), reports));
        Assert.StartsWith(bench.Origin.Url, reports.Last!.Upload!.Location);
        Assert.DoesNotContain(bench.Origin.Requests, request => request.Method == "PATCH");
    }

    [Theory]
    [InlineData("tus")]
    [InlineData("resumable")]
    public async Task A_file_that_was_replaced_between_two_attempts_is_not_mixed_with_the_first_one(string protocol)
    {
        await using var bench = await AttemptBench.StartAsync(Chunked);
        var order = Upload(bench, protocol, "patch=2:lose:1000");
        var reports = new RecordedReports();
        Assert.IsType<AttemptOutcome.Failed>(await bench.RunAsync(order, reports));
        bench.Parts.SourceModifiedNs++;
        var failed = Assert.IsType<AttemptOutcome.Failed>(await bench.RunAsync(order with { Resume = reports.Last }));
        Assert.Equal((TransferCodes.SourceChanged, false), (failed.Failure.Code, failed.Failure.Retryable));
    }

    [Theory]
    [InlineData("tus", "POST", TransferCodes.Ambiguous)]
    [InlineData("resumable", "POST", TransferCodes.Ambiguous)]
    [InlineData("resumable", "PUT", null)]
    public async Task An_upload_that_is_gone_after_its_last_byte_is_ambiguous_unless_it_may_be_repeated(string protocol, string method, string? code)
    {
        await using var bench = await AttemptBench.StartAsync(Chunked with { UploadChunkBytes = 1024 * 1024 });
        var order = Upload(bench, protocol, "patch=1:lose:end&head=1:gone:404") with { Method = method };
        var reports = new RecordedReports();
        Assert.IsType<AttemptOutcome.Failed>(await bench.RunAsync(order, reports));
        Assert.True(reports.Last!.Upload!.LastSent);
        var outcome = await bench.RunAsync(order with { Resume = reports.Last });
        Assert.Equal(code, (outcome as AttemptOutcome.Failed)?.Failure.Code);
        Assert.Equal(code is null ? 2 : 1, bench.Origin.Uploads.All.Count);
    }

    [Theory]
    [InlineData(422, false)]
    [InlineData(503, true)]
    public async Task The_targets_own_answer_to_a_whole_upload_is_an_error_that_going_on_would_not_mend(int status, bool retryable)
    {
        await using var bench = await AttemptBench.StartAsync(Chunked);
        var failed = Assert.IsType<AttemptOutcome.Failed>(await bench.RunAsync(Upload(bench, "resumable", $"patch=5:final:{status}")));
        Assert.Equal((TransferCodes.HttpStatus, (int?)status, retryable, true), (failed.Failure.Code, failed.Failure.Status, failed.Failure.Retryable, failed.Failure.DiscardPart));
    }

    /// <summary>An error that the client wants as a result is its result from the first byte on, also when it is a problem that was looked into.</summary>
    [Theory]
    [InlineData(200)]
    [InlineData(422)]
    public async Task The_targets_own_answer_is_the_file_of_an_upload(int status)
    {
        await using var bench = await AttemptBench.StartAsync(Chunked);
        var finished = Assert.IsType<AttemptOutcome.Finished>(await bench.RunAsync(Upload(bench, "resumable", $"patch=5:final:{status}") with { AcceptStatus = ["200-299", "422"] }));
        Assert.Equal(status, finished.Response.Status);
        var answer = UploadShelf.FinalAnswer(status);
        Assert.Equal(answer, System.Text.Encoding.ASCII.GetString(Assert.Single(bench.Parts.Published.Values).ToArray()));
        Assert.Equal((answer.Length, answer.Length), (finished.File!.Length, finished.BytesReceived));
    }

    [Theory]
    [InlineData("create=1:location:http://10.0.0.1/x", TransferCodes.AddressRefused)]
    [InlineData("create=1:location:file%3A%2F%2F%2Fetc%2Fpasswd", TransferCodes.BadRedirect)]
    [InlineData("create=1:location:http%3A%2F%2Fa%3Ab@127.0.0.1%2Fx", TransferCodes.BadRedirect)]
    public async Task Where_an_upload_lies_is_judged_like_a_redirect(string query, string code)
    {
        await using var bench = await AttemptBench.StartAsync(Chunked);
        var failed = Assert.IsType<AttemptOutcome.Failed>(await bench.RunAsync(Upload(bench, "tus", query)));
        Assert.Equal((code, false), (failed.Failure.Code, failed.Failure.Retryable));
    }

    [Fact]
    public async Task Secrets_stay_with_the_origin_of_the_task_when_the_upload_lies_elsewhere()
    {
        await using var bench = await AttemptBench.StartAsync(Chunked);
        await using var other = await ScriptedOrigin.StartAsync();
        var elsewhere = other.Uploads.Create("/tus/b", Bytes, new Dictionary<string, string>());
        var order = Upload(bench, "tus", $"create=1:location:{Uri.EscapeDataString($"{other.Url}/tus/b/{elsewhere.Id}")}") with
        {
            Headers = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase) { ["Authorization"] = "Bearer a", ["X-Api-Key"] = "b" },
        };
        await ToEndAsync(bench, order, attemptsMax: 1);
        Assert.Equal("Bearer a", bench.Origin.Requests.Single(request => request.Method == "POST").Headers["Authorization"]);
        Assert.NotEmpty(other.Requests);
        Assert.All(other.Requests, request => Assert.False(request.Headers.ContainsKey("Authorization") || request.Headers.ContainsKey("X-Api-Key")));
        Assert.Equal(OriginContent.Sha256("up", Bytes), elsewhere.Sha256);
    }

    [Theory]
    [InlineData("/tus/a", "POST", "?", "tus")]
    [InlineData("/resumable/a", "POST", "?", "resumable")]
    [InlineData("/resumable/a", "PUT", "?", "resumable")]
    [InlineData("/upload/a", "POST", "?", "plain")]
    public async Task Auto_asks_the_target_once_and_speaks_what_it_speaks(string path, string method, string query, string spoken)
    {
        await using var bench = await AttemptBench.StartAsync(Chunked);
        var order = Upload(bench, "plain", "") with { Url = bench.Origin.Url + path + query, Method = method, UploadProtocol = UploadProtocol.Auto };
        await ToEndAsync(bench, order, attemptsMax: 1);
        await ToEndAsync(bench, order, attemptsMax: 1);
        Assert.Single(bench.Origin.Requests, request => request.Method == "OPTIONS");
        Assert.Equal(spoken != "plain", bench.Origin.Requests.Any(request => request.Method == "PATCH"));
        Assert.Equal(spoken == "tus", bench.Origin.Requests.Any(request => request.Headers.ContainsKey("Tus-Resumable")));
    }

    [Theory]
    [InlineData("tus", "maxsize=1000", TransferCodes.TooLarge)]
    [InlineData("resumable", "limits=max-size=1000", TransferCodes.TooLarge)]
    [InlineData("resumable", "limits=min-size=10000000", TransferCodes.ProtocolError)]
    [InlineData("tus", "create=1:413", TransferCodes.TooLarge)]
    [InlineData("tus", "create=*:403", TransferCodes.HttpStatus)]
    [InlineData("tus", "create=*:200", TransferCodes.ProtocolError)]
    [InlineData("resumable", "version=99", TransferCodes.HttpStatus)]
    public async Task What_a_target_will_never_take_ends_the_task(string protocol, string query, string code)
    {
        await using var bench = await AttemptBench.StartAsync(Chunked);
        var failed = Assert.IsType<AttemptOutcome.Failed>(await bench.RunAsync(Upload(bench, protocol, query)));
        Assert.Equal((code, false), (failed.Failure.Code, failed.Failure.Retryable));
        Assert.Equal(0, bench.Origin.Requests.Where(request => request.Method == "PATCH").Sum(request => request.BytesReceived));
    }

    [Theory]
    [InlineData("tus", "patch=*:409")]
    [InlineData("tus", "patch=*:460&checksum=sha1")]
    [InlineData("tus", "patch=*:partial:0")]
    [InlineData("resumable", "patch=*:409")]
    [InlineData("resumable", "patch=*:nooffset:1,*:nocomplete:1")]
    public async Task A_target_that_goes_round_in_circles_is_left_after_a_few_requests(string protocol, string query)
    {
        await using var bench = await AttemptBench.StartAsync(Chunked);
        var outcome = await bench.RunAsync(Upload(bench, protocol, query));
        Assert.True(outcome is AttemptOutcome.Finished or AttemptOutcome.Failed { Failure.Retryable: true });
        Assert.InRange(bench.Origin.Requests.Count, 1, 20);
    }

    [Theory]
    [InlineData("tus", "", true)]
    [InlineData("tus", "termination=no", false)]
    [InlineData("resumable", "", true)]
    [InlineData("resumable", "delete=1:503", true)]
    public async Task An_abandoned_upload_is_ended_at_its_target_where_that_has_a_word_for_it(string protocol, string query, bool ended)
    {
        await using var bench = await AttemptBench.StartAsync(Chunked);
        var order = Upload(bench, protocol, query + "&patch=2:lose:1000");
        var reports = new RecordedReports();
        Assert.IsType<AttemptOutcome.Failed>(await bench.RunAsync(order, reports));
        await bench.Runner.AbandonUploadAsync(order with { Resume = reports.Last }).WaitAsync(TimeSpan.FromSeconds(20), TestContext.Current.CancellationToken);
        Assert.Equal(ended, Assert.Single(bench.Origin.Uploads.All).WasTerminated);
    }

    [Fact]
    public async Task Ending_an_upload_is_tried_three_times_and_no_more()
    {
        await using var bench = await AttemptBench.StartAsync(Chunked);
        var order = Upload(bench, "tus", "delete=*:503&patch=2:lose:1000");
        var reports = new RecordedReports();
        Assert.IsType<AttemptOutcome.Failed>(await bench.RunAsync(order, reports));
        await bench.Runner.AbandonUploadAsync(order with { Resume = reports.Last }).WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
        Assert.InRange(bench.Origin.Requests.Count(request => request.Method == "DELETE"), 1, 3);
    }

    [Theory]
    [InlineData("tus", 0)]
    [InlineData("tus", 1)]
    [InlineData("resumable", 0)]
    [InlineData("resumable", 1)]
    [InlineData("resumable", Chunk)]
    [InlineData("tus", Chunk + 1)]
    public async Task Lengths_at_the_edges_arrive_whole(string protocol, int length)
    {
        await using var bench = await AttemptBench.StartAsync(Chunked);
        await ToEndAsync(bench, Upload(bench, protocol, "", length), attemptsMax: 1);
        var upload = Assert.Single(bench.Origin.Uploads.All);
        Assert.Equal((length, OriginContent.Sha256("up", length), true), (upload.Offset, upload.Sha256, upload.IsComplete));
    }

    [Fact]
    public async Task A_stopped_upload_goes_on_from_the_targets_offset_and_its_progress_with_it()
    {
        await using var bench = await AttemptBench.StartAsync(Chunked);
        var order = Upload(bench, "tus", "pace=20");
        var reports = new RecordedReports();
        using var stop = new CancellationTokenSource();
        var running = bench.RunStoppableAsync(order, reports, stop.Token);
        await reports.UntilAsync(seen => seen.Sent > 2 * Chunk, "two requests are through");
        await stop.CancelAsync();
        Assert.IsType<AttemptOutcome.Stopped>(await running);
        var offset = reports.Last!.Upload!.Offset;
        Assert.InRange(offset, Chunk, Bytes);
        await ToEndAsync(bench, order with { Resume = reports.Last }, attemptsMax: 1);
        var received = bench.Origin.Requests.Where(request => request.Method == "PATCH").Sum(request => request.BytesReceived);
        Assert.InRange(received, Bytes, Bytes + Chunk);
        Assert.Equal(OriginContent.Sha256("up", Bytes), bench.Origin.Uploads.All.Single().Sha256);
    }

    private static AttemptOrder Upload(AttemptBench bench, string protocol, string query, int length = Bytes) =>
        bench.Upload("POST", "", OriginContent.Bytes("up", 0, length)) with
        {
            Url = $"{bench.Origin.Url}/{protocol}/a?{query}",
            UploadProtocol = protocol switch
            {
                "tus" => UploadProtocol.Tus,
                "resumable" => UploadProtocol.Resumable,
                _ => UploadProtocol.Plain,
            },
        };

    /// <summary>Attempt after attempt, as a session would, without its waits.</summary>
    private static async Task<AttemptOutcome.Finished> ToEndAsync(AttemptBench bench, AttemptOrder order, int attemptsMax)
    {
        var resume = order.Resume;
        for (var attempt = 1; ; attempt++)
        {
            var reports = new RecordedReports();
            var outcome = await bench.RunAsync(order with { Attempt = attempt, Resume = resume }, reports);
            if (outcome is AttemptOutcome.Finished finished)
                return finished;
            var failure = Assert.IsType<AttemptOutcome.Failed>(outcome).Failure;
            Assert.True(failure.Retryable && attempt < attemptsMax, $"attempt {attempt}: {failure.Code} {failure.Message}");
            resume = failure.DiscardPart ? null : reports.Last ?? (reports.Restarts.Count > 0 ? null : resume);
        }
    }
}

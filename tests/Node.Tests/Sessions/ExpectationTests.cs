using Backhaul.Node.Sessions;
using Backhaul.Node.Transfers;
using Backhaul.Protocol;
using Xunit;

namespace Backhaul.Node.Tests.Sessions;

public sealed class ExpectationTests
{
    private const long Mebibyte = 1024 * 1024;
    private readonly SessionHarness _session = new SessionHarness().Opened();

    [Theory]
    [InlineData(10 * Mebibyte, (20 * Mebibyte) + 1, false)]
    [InlineData(10 * Mebibyte, (20 * Mebibyte) + 2, true)]
    [InlineData(100L, Mebibyte + 100, false)]
    [InlineData(100L, Mebibyte + 101, true)]
    [InlineData(0L, Mebibyte + 1, true)]
    [InlineData(long.MaxValue, long.MaxValue, false)]
    [InlineData(null, long.MaxValue, false)]
    public void Far_more_bytes_than_expected_are_told_once_and_end_nothing(long? expected, long total, bool isTold)
    {
        var id = _session.Add(SessionHarness.Download() with { ExpectedBytes = new ExpectedBytes { Receive = expected } });
        var attempt = _session.Start(id);
        var finished = (AttemptOutcome.Finished)SessionHarness.Finished(total).Outcome;
        _session.Report(id, attempt, new AttemptReport.Responded(finished.Response));
        Assert.Equal(isTold, Told().Any());
        Assert.Equal("running", _session.View(id).State);
        _session.AssertReplaysEqual();
        _session.Report(id, attempt, new AttemptReport.Ended(finished));
        Assert.Equal(isTold ? [new TaskExpectationExceeded(id, expected!.Value, total, _session.Now)] : [], Told());
        Assert.Equal("succeeded", _session.View(id).Outcome);
        _session.AssertReplaysEqual();
    }

    [Fact]
    public void A_length_that_no_response_promised_is_told_before_the_end()
    {
        var id = _session.Add(SessionHarness.Download() with { ExpectedBytes = new ExpectedBytes { Receive = 100 } });
        _session.Report(id, _session.Start(id), SessionHarness.Finished(5 * Mebibyte));
        Assert.Equal(["taskStarted", "expectationExceeded", "taskFinishedFile", "taskCompleted"], _session.History[^4..].Select(EventViews.TypeOf));
    }

    [Fact]
    public void An_upload_is_held_against_what_it_was_expected_to_send()
    {
        var id = _session.Add(new TaskSpec
        {
            Kind = TaskKind.Upload,
            Url = "https://target.example/",
            Method = "PUT",
            Source = new FileReference(null, ContainerPath.Parse("a.bin")),
            ExpectedBytes = new ExpectedBytes { Send = 1000 },
        });
        var sent = (AttemptOutcome.Finished)SessionHarness.Finished(0).Outcome with { BytesReceived = 0, BytesSent = 9 * Mebibyte, File = null };
        _session.Report(id, _session.Start(id), new AttemptReport.Ended(sent));
        Assert.Equal(9 * Mebibyte, Assert.Single(Told()).ActualBytes);
    }

    [Theory]
    [InlineData(null, 1000L, 15)]
    [InlineData(4000L, 1000L, 3)]
    [InlineData(null, null, null)]
    public void What_is_expected_says_how_long_it_takes_while_the_origin_does_not(long? total, long? bytesPerSecond, int? seconds)
    {
        var progress = new LiveProgress(1000, 0, total, null, bytesPerSecond ?? 1000, bytesPerSecond is null ? null : 16_000);
        Assert.Equal(seconds, (int?)progress.Eta?.TotalSeconds);
    }

    [Fact]
    public void More_than_expected_leaves_the_time_open() =>
        Assert.Null(new LiveProgress(20_000, 0, null, null, 1000, 16_000).Eta);

    private IEnumerable<TaskExpectationExceeded> Told() => _session.History.OfType<TaskExpectationExceeded>();
}

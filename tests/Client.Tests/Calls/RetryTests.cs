using System.Net.Sockets;
using Backhaul.Protocol;
using Xunit;

namespace Backhaul.Client.Tests.Calls;

public sealed class RetryTests
{
    [Theory]
    [InlineData(429, true)]
    [InlineData(502, true)]
    [InlineData(503, true)]
    [InlineData(504, true)]
    [InlineData(301, false)]
    [InlineData(400, false)]
    [InlineData(401, false)]
    [InlineData(403, false)]
    [InlineData(404, false)]
    [InlineData(408, false)]
    [InlineData(409, false)]
    [InlineData(410, false)]
    [InlineData(413, false)]
    [InlineData(421, false)]
    [InlineData(422, false)]
    [InlineData(500, false)]
    [InlineData(501, false)]
    public async Task Only_undecided_answers_are_asked_again(int status, bool again)
    {
        using var node = new FakeNode((_, index) => index == 0 ? Answer.Problem(status, "some") : Answer.Json(Answer.Task, 201));
        using var client = node.Client();
        var added = client.Session("photos").AddTaskAsync(new TaskRequest { Kind = "download", Url = "https://example.org/a" }, stop: Stop);
        if (again)
        {
            Assert.Equal("t1", (await added).Id);
        }
        else
        {
            var refused = await Assert.ThrowsAsync<BackhaulException>(() => added);
            Assert.Equal((status, "some", false), (refused.Status, refused.Code, refused.IsTransient));
        }
        Assert.Equal(again ? 2 : 1, node.Seen.Count);
    }

    [Fact]
    public async Task A_full_session_is_a_decision_although_its_status_is_429()
    {
        using var node = new FakeNode((_, _) => Answer.Problem(429, ProblemCodes.SessionLimit));
        using var client = node.Client();
        var refused = await Assert.ThrowsAsync<BackhaulException>(() =>
            client.Session("photos").AddTaskAsync(new TaskRequest { Kind = "download", Url = "https://example.org/a" }, stop: Stop));
        Assert.Equal((ProblemCodes.SessionLimit, false), (refused.Code, refused.IsTransient));
        Assert.Single(node.Seen);
    }

    [Fact]
    public async Task Every_attempt_of_an_intent_carries_the_same_key_and_body()
    {
        using var node = new FakeNode((_, index) => index switch
        {
            0 => Answer.Problem(503, "unavailable"),
            1 => throw new HttpRequestException("refused", new SocketException((int)SocketError.ConnectionRefused)),
            2 => Answer.Stream(new ScriptedStream("{\"id\":"u8.ToArray(), StreamEnd.Broken), "application/json", 201),
            3 => Answer.Problem(429, "busy"),
            _ => Answer.Json(Answer.Task, 201),
        });
        using var client = node.Client();
        await client.Session("photos").AddTaskAsync(new TaskRequest { Kind = "download", Url = "https://example.org/a" }, stop: Stop);
        Assert.Equal(5, node.Seen.Count);
        Assert.Single(node.Seen.Select(seen => seen.Header("Idempotency-Key")).Distinct());
        Assert.Single(node.Seen.Select(seen => seen.Text).Distinct());
        Assert.Equal(7, Guid.Parse(node.Seen[0].Header("Idempotency-Key")!).Version);
    }

    [Fact]
    public async Task Every_intent_has_a_key_of_its_own_unless_the_caller_gives_one()
    {
        using var node = new FakeNode((_, _) => Answer.Json(Answer.Task));
        using var client = node.Client();
        var session = client.Session("photos");
        var intent = CommandId.Create(DateTimeOffset.UnixEpoch);
        await session.CancelTaskAsync("t1", stop: Stop);
        await session.CancelTaskAsync("t1", stop: Stop);
        await session.CancelTaskAsync("t1", intent, Stop);
        await session.CancelTaskAsync("t1", intent, Stop);
        var keys = node.Seen.Select(seen => seen.Header("Idempotency-Key")).ToList();
        Assert.Equal(3, keys.Distinct(StringComparer.Ordinal).Count());
        Assert.Equal([intent.ToString(), intent.ToString()], keys[2..]);
    }

    [Fact]
    public async Task Retry_after_is_never_undercut()
    {
        using var node = new FakeNode((_, index) => index switch
        {
            0 => Answer.Problem(503, "unavailable").With("Retry-After", "7"),
            1 => Answer.Problem(429, "busy").With("Retry-After", "0"),
            2 => Answer.Problem(503, "unavailable").With("Retry-After", "soon"),
            _ => Answer.Json(Answer.Session),
        })
        {
            IsAlone = true,
        };
        using var client = node.Client();
        await client.Session("photos").GetAsync(Stop);
        Assert.Equal([TimeSpan.FromSeconds(7), TimeSpan.FromMilliseconds(200), TimeSpan.FromMilliseconds(400)], node.Waits);
    }

    [Fact]
    public async Task Retry_after_may_be_a_date()
    {
        FakeNode? node = null;
        using (node = new FakeNode((_, index) => index == 0
            ? Answer.Problem(503, "unavailable").With("Retry-After", node!.Time.GetUtcNow().AddSeconds(20).ToString("R"))
            : Answer.Json(Answer.Session))
        { IsAlone = true })
        {
            using var client = node.Client();
            await client.Session("photos").GetAsync(Stop);
            Assert.InRange(node.Waits.Single(), TimeSpan.FromSeconds(18), TimeSpan.FromSeconds(20));
        }
    }

    [Fact]
    public async Task A_wait_beyond_the_deadline_is_left_to_the_caller()
    {
        using var node = new FakeNode((_, _) => Answer.Problem(503, "unavailable").With("Retry-After", "3600")) { IsAlone = true };
        using var client = node.Client();
        var gaveUp = await Assert.ThrowsAsync<BackhaulException>(() => client.Session("photos").GetAsync(Stop));
        Assert.Equal((503, "unavailable", true, TimeSpan.FromHours(1)), (gaveUp.Status, gaveUp.Code, gaveUp.IsTransient, gaveUp.RetryAfter!.Value));
        Assert.Single(node.Seen);
    }

    [Fact]
    public async Task Attempts_end_at_the_deadline_with_a_sentence_that_says_how_many_there_were()
    {
        using var node = new FakeNode((_, _) => throw new HttpRequestException("Connection refused")) { Jitter = 1 };
        using var client = node.Client();
        var gaveUp = await Assert.ThrowsAsync<BackhaulException>(() => client.Session("photos").GetAsync(Stop));
        Assert.Equal((0, ClientCodes.Unreachable, true), (gaveUp.Status, gaveUp.Code, gaveUp.IsTransient));
        Assert.Contains($"{node.Seen.Count} attempts", gaveUp.Message, StringComparison.Ordinal);
        Assert.Contains("GET /v1/sessions/photos", gaveUp.Message, StringComparison.Ordinal);
        Assert.InRange(node.Waits.Sum(wait => wait.TotalSeconds), 100, 120);
    }

    [Fact]
    public async Task Waits_double_up_to_ten_seconds()
    {
        using var node = new FakeNode((_, _) => Answer.Problem(503, "unavailable")) { Jitter = 1 };
        using var client = node.Client();
        await Assert.ThrowsAsync<BackhaulException>(() => client.Session("photos").GetAsync(Stop));
        Assert.Equal([0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 10, 10], node.Waits.Take(8).Select(wait => wait.TotalSeconds));
    }

    [Fact]
    public async Task An_answer_that_does_not_come_is_asked_for_again()
    {
        using var node = new FakeNode((_, index) => index == 0
            ? Answer.Stream(new ScriptedStream(""u8.ToArray(), StreamEnd.Silent), "application/json")
            : Answer.Json(Answer.Session));
        using var client = new BackhaulClient(node.Options with { AttemptTimeout = TimeSpan.FromMilliseconds(50) });
        Assert.Equal("photos", (await client.Session("photos").GetAsync(Stop)).Identifier);
        Assert.Equal(2, node.Seen.Count);
    }

    [Fact]
    public async Task A_caller_that_gives_up_is_obeyed_in_the_middle_of_an_attempt()
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Stop);
        using var node = new FakeNode((_, _) =>
        {
            stop.CancelAfter(20);
            return Answer.Stream(new ScriptedStream(""u8.ToArray(), StreamEnd.Silent), "application/json");
        });
        using var client = node.Client();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => client.Session("photos").GetAsync(stop.Token));
        Assert.Single(node.Seen);
    }

    [Fact]
    public async Task A_caller_that_gives_up_is_obeyed_between_attempts()
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Stop);
        using var node = new FakeNode((_, _) => Answer.Problem(503, "unavailable"));
        using var client = new BackhaulClient(node.Options with { Wait = null, Time = TimeProvider.System, Jitter = () => { stop.Cancel(); return 1; } });
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => client.Session("photos").GetAsync(stop.Token));
        Assert.Single(node.Seen);
    }

    private static CancellationToken Stop => TestContext.Current.CancellationToken;
}

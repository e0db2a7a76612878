using Backhaul.Client.Tests.Events;
using Backhaul.Protocol;
using Xunit;

namespace Backhaul.Client.Tests.Calls;

/// <summary>Several endpoints: each serves every session, and a call that one of them could not decide is the same intent at the next.</summary>
public sealed class EndpointTests
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(0), InlineData(502), InlineData(503), InlineData(504)]
    public async Task What_a_node_cannot_decide_goes_to_the_next_under_the_same_key_and_the_one_that_works_is_kept(int status)
    {
        using var node = new FakeNode((request, _) => request.Uri.Host == "node-b" ? Answer.Json(Answer.Task)
            : status == 0 ? throw new HttpRequestException("Connection refused") : Answer.Problem(status, ProblemCodes.Unavailable));
        using var client = node.Client();
        await client.Session("photos").SuspendTaskAsync("t1", stop: Stop);
        await client.Session("photos").SuspendTaskAsync("t2", stop: Stop);
        Assert.Equal(["node-a", "node-b", "node-b"], node.Seen.Select(seen => seen.Uri.Host));
        var keys = node.Seen.Select(seen => seen.Header("Idempotency-Key")).ToList();
        Assert.Equal(keys[0], keys[1]);
        Assert.NotEqual(keys[1], keys[2]);
    }

    [Fact]
    public async Task What_one_node_asks_to_wait_does_not_keep_the_next_from_being_asked_and_all_of_them_do()
    {
        using var node = new FakeNode((_, index) =>
        {
            if (index >= 3)
                return Answer.Json(Answer.Session);
            var away = Answer.Problem(503, ProblemCodes.Unavailable);
            away.Headers.RetryAfter = new System.Net.Http.Headers.RetryConditionHeaderValue(TimeSpan.FromSeconds(5));
            return away;
        });
        using var client = node.Client();
        await client.Session("photos").GetAsync(Stop);
        Assert.Equal(["node-a", "node-b", "node-a", "node-b"], node.Seen.Select(seen => seen.Uri.Host));
        Assert.True(node.Waits[0] < TimeSpan.FromSeconds(1));
        Assert.Equal(TimeSpan.FromSeconds(5), node.Waits[1]); // both said so
        Assert.True(node.Waits[2] < TimeSpan.FromSeconds(1));
    }

    [Fact]
    public async Task A_full_session_is_full_at_every_node_so_the_endpoint_stays()
    {
        using var node = new FakeNode((_, index) => index == 0 ? Answer.Problem(429, ProblemCodes.Busy) : Answer.Json(Answer.Session));
        using var client = node.Client();
        await client.Session("photos").GetAsync(Stop);
        Assert.Equal(["node-a", "node-a"], node.Seen.Select(seen => seen.Uri.Host));
    }

    [Fact]
    public async Task Calls_that_fail_together_move_on_once_and_not_past_the_endpoint_that_works()
    {
        using var arrived = new CountdownEvent(8);
        using var node = new FakeNode((request, _) =>
        {
            if (request.Uri.Host != "node-a")
                return Answer.Json(Answer.Session);
            arrived.Signal();
            arrived.Wait(Stop);
            throw new HttpRequestException("Connection reset");
        });
        using var client = node.Client();
        await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => Task.Run(() => client.Session("photos").GetAsync(Stop), Stop)));
        Assert.Equal(8, node.Seen.Count(seen => seen.Uri.Host == "node-a"));
        Assert.Equal(8, node.Seen.Count(seen => seen.Uri.Host == "node-b"));
    }

    [Fact]
    public async Task A_stream_that_its_node_ends_goes_on_at_another_behind_the_last_event()
    {
        using var node = new FakeNode((request, _) => request.Uri.Host == "node-a"
            ? Answer.Stream(new ScriptedStream(EventScript.Bytes(EventScript.Event(1) + "retry: 1000\n\n"), StreamEnd.Closed))
            : Answer.Stream(new ScriptedStream(EventScript.Bytes(EventScript.Event(2)), StreamEnd.Silent)));
        using var client = node.Client();
        var numbers = new List<long>();
        await foreach (var next in client.Session("photos").ReadEventsAsync(stop: Stop))
        {
            numbers.Add(next.Number);
            if (next.Number == 2)
                break;
        }
        Assert.Equal([1, 2], numbers);
        Assert.Equal(["node-a", "node-b"], node.Seen.Select(seen => seen.Uri.Host));
        Assert.Equal("1", node.Seen[1].Header("Last-Event-ID"));
    }
}

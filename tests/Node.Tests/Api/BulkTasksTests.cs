using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Backhaul.Node.Api;
using Backhaul.Node.Sessions;
using Backhaul.Protocol;
using Xunit;

namespace Backhaul.Node.Tests.Api;

public sealed class BulkTasksTests(BulkTasksTests.SmallLimits edge) : IClassFixture<BulkTasksTests.SmallLimits>
{
    private const string Tasks = "/v1/sessions/a/tasks";
    private const string Lines = "application/x-ndjson";
    private const string Good = """{"kind":"download","url":"https://example.org/a"}""";

    private readonly EdgeHost _host = edge.Fresh;

    [Fact]
    public async Task A_stream_is_taken_in_chunks_each_with_a_line_and_a_key_of_its_own()
    {
        var answer = await _host.SendAsync("POST", Tasks, string.Join('\n', Enumerable.Repeat(Good, 7)), Lines, ("Idempotency-Key", "mine"));
        Assert.Equal((200, Lines), (answer.Status, answer.MediaType));
        var chunks = Chunks(answer.Text);
        Assert.Equal([(0, 3, 3), (3, 3, 3), (6, 1, 1)], chunks.Select(chunk => ((int)chunk.From, chunk.Count, chunk.Accepted)));
        Assert.Equal([("t1", "t3"), ("t4", "t6"), ("t7", "t7")], chunks.Select(chunk => (chunk.FirstId, chunk.LastId)));
        Assert.All(chunks, chunk => Assert.Null(chunk.Results));
        Assert.True(CommandId.TryParse("mine", out var intent));
        Assert.Equal([intent.Part(0), intent.Part(1), intent.Part(2)], _host.Router.Calls.Select(call => call.Key!.Id));
    }

    [Fact]
    public async Task The_same_stream_has_the_same_keys_however_it_arrives()
    {
        var text = string.Join('\n', Enumerable.Repeat(Good, 5)) + "\n";
        await _host.SendAsync("POST", Tasks, text, Lines, ("Idempotency-Key", "mine"));
        await SendByteByByteAsync(text);
        var keys = _host.Router.Calls.Select(call => call.Key).ToList();
        Assert.Equal(4, keys.Count);
        Assert.Equal(keys[..2], keys[2..]);
        await _host.SendAsync("POST", Tasks, text.Replace("/a", "/b", StringComparison.Ordinal), Lines, ("Idempotency-Key", "mine"));
        Assert.Equal(keys[0]!.Id, _host.Router.Calls[4].Key!.Id);
        Assert.NotEqual(keys[0]!.ContentHash, _host.Router.Calls[4].Key!.ContentHash);
    }

    [Fact]
    public async Task Broken_lines_have_their_own_results_and_blank_lines_count_for_nothing()
    {
        var answer = await _host.SendAsync("POST", Tasks, $"\n{Good}\r\n\r\n{{\n{{\"kind\":\"download\",\"url\":\"ftp://a\"}}\n  \n{Good}\n", Lines);
        var chunks = Chunks(answer.Text);
        Assert.Equal([(0, 3, 1), (3, 1, 1)], chunks.Select(chunk => ((int)chunk.From, chunk.Count, chunk.Accepted)));
        Assert.Equal([201, 400, 400], chunks[0].Results!.Select(result => result.Status));
        Assert.Equal([null, "invalidJson", "unsupportedScheme"], chunks[0].Results!.Select(result => result.Error?.Code));
        Assert.Null(chunks[1].Results);
    }

    [Fact]
    public async Task Tasks_with_ids_of_their_own_need_no_results_when_all_are_taken()
    {
        var own = string.Join('\n', Enumerable.Range(0, 3).Select(i => $$"""{"id":"x{{i}}","kind":"download","url":"https://example.org/a"}"""));
        var chunk = Assert.Single(Chunks((await _host.SendAsync("POST", Tasks, own, Lines)).Text));
        Assert.Equal((3, 3, null, null), (chunk.Count, chunk.Accepted, chunk.FirstId, chunk.Results));
        var mixed = own.Replace("\"id\":\"x1\",", "", StringComparison.Ordinal);
        Assert.Equal(3, Assert.Single(Chunks((await _host.SendAsync("POST", Tasks, mixed, Lines)).Text)).Results!.Count);
    }

    [Fact]
    public async Task A_line_that_is_too_long_ends_the_stream_after_what_came_before()
    {
        var answer = await _host.SendAsync("POST", Tasks, $"{Good}\n{new string('x', 600)}\n{Good}\n", Lines);
        var chunks = Chunks(answer.Text);
        Assert.Equal((0L, 1, 1), (chunks[0].From, chunks[0].Count, chunks[0].Accepted));
        Assert.Equal((1L, 0, "bodyTooLarge"), (chunks[1].From, chunks[1].Count, chunks[1].Error!.Code));
        Assert.Equal(2, chunks.Count);
        Assert.Single(_host.Router.Calls);
        Assert.Equal((413, "bodyTooLarge"), Of(await _host.SendAsync("POST", Tasks, new string('x', 600), Lines)));
    }

    [Fact]
    public async Task More_tasks_than_a_stream_takes_end_it()
    {
        var chunks = Chunks((await _host.SendAsync("POST", Tasks, string.Join('\n', Enumerable.Repeat(Good, 12)), Lines)).Text);
        Assert.Equal(10, chunks.Sum(chunk => chunk.Accepted));
        Assert.Equal((10L, "tooManyItems"), (chunks[^1].From, chunks[^1].Error?.Code));
    }

    [Fact]
    public async Task A_stream_for_no_session_is_a_plain_404()
    {
        _host.Router.Answer = (_, _) => new(CommandReply.Refuse(404, ProblemCodes.SessionNotFound, "There is no session a."));
        Assert.Equal((404, "sessionNotFound"), Of(await _host.SendAsync("POST", Tasks, string.Join('\n', Enumerable.Repeat(Good, 9)), Lines)));
        Assert.Single(_host.Router.Calls);
        Assert.Equal((404, "sessionNotFound"), Of(await _host.SendAsync("POST", Tasks, "", Lines)));
    }

    [Fact]
    public async Task A_session_that_stops_answering_ends_the_stream_with_the_reason()
    {
        _host.Router.Answer = (index, _) => new(index == 1 ? new CommandReply.Unavailable(UnavailableReason.Storage, TimeSpan.FromSeconds(1), "The disk is full.") : null);
        var chunks = Chunks((await _host.SendAsync("POST", Tasks, string.Join('\n', Enumerable.Repeat(Good, 9)), Lines)).Text);
        Assert.Equal(2, chunks.Count);
        Assert.Equal((3L, 3, 0, "unavailable"), (chunks[1].From, chunks[1].Count, chunks[1].Accepted, chunks[1].Error!.Code));
        Assert.Equal(2, _host.Router.Calls.Count);
    }

    [Fact]
    public async Task A_chunk_is_acknowledged_before_the_stream_ends_and_one_more_is_read_meanwhile()
    {
        var second = new TaskCompletionSource<CommandReply?>(TaskCreationOptions.RunContinuationsAsynchronously);
        _host.Router.Answer = (index, _) => index == 1 ? new(second.Task) : default;
        using var body = new PushContent();
        using var request = new HttpRequestMessage(HttpMethod.Post, Tasks) { Content = body, Version = new Version(1, 1) };
        var sending = _host.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);
        await body.WriteAsync(string.Concat(Enumerable.Repeat(Good + "\n", 7)));
        await Eventually(() => _host.Router.Calls.Count == 2);
        Assert.False(body.IsEnded);
        second.SetResult(null);
        await body.WriteAsync(Good + "\n" + Good + "\n");
        await Eventually(() => _host.Router.Calls.Count == 3);
        body.End();
        using var response = await sending;
        Assert.Equal(3, Chunks(await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken)).Count);
    }

    [Fact]
    public async Task A_client_that_reads_only_at_the_end_is_served()
    {
        await using var host = await EdgeHost.StartAsync();
        // 40,000 refused lines answer with several MB: more than the sockets hold.
        var answer = await host.SendAsync("POST", Tasks, string.Join('\n', Enumerable.Repeat("""{"kind":"download","url":"ftp://a"}""", 40_000)), Lines);
        var chunks = Chunks(answer.Text);
        Assert.Equal(80, chunks.Count);
        Assert.Equal(40_000, chunks.Sum(chunk => chunk.Results!.Count));
        Assert.True(answer.Text.Length > 2_000_000);
    }

    private async Task SendByteByByteAsync(string text)
    {
        using var body = new PushContent();
        using var request = new HttpRequestMessage(HttpMethod.Post, Tasks) { Content = body };
        request.Headers.Add("Idempotency-Key", "mine");
        var sending = _host.Client.SendAsync(request, TestContext.Current.CancellationToken);
        foreach (var part in text.Chunk(7))
            await body.WriteAsync(new string(part));
        body.End();
        using var response = await sending;
        Assert.Equal(200, (int)response.StatusCode);
    }

    private static List<BulkChunk> Chunks(string text) =>
        [.. text.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonSerializer.Deserialize(line, ProtocolJson.Default.BulkChunk)!)];

    private static (int, string?) Of(EdgeHost.Answer answer) => (answer.Status, answer.Code);

    private static async Task Eventually(Func<bool> condition)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        limit.CancelAfter(TimeSpan.FromSeconds(20));
        while (!condition())
            await Task.Delay(5, limit.Token);
    }

    public sealed class SmallLimits : EdgeFixture
    {
        private protected override ApiOptions Options => new() { BulkChunkLines = 3, BulkTasksMax = 10, BulkLineBytesMax = 512 };
    }

    /// <summary>A body that is written as the test goes on.</summary>
    private sealed class PushContent : HttpContent
    {
        private readonly System.Threading.Channels.Channel<string> _parts = System.Threading.Channels.Channel.CreateUnbounded<string>();

        public PushContent() => Headers.ContentType = MediaTypeHeaderValue.Parse(Lines);

        public bool IsEnded => _parts.Reader.Completion.IsCompleted;

        public ValueTask WriteAsync(string text) => _parts.Writer.WriteAsync(text);

        public void End() => _parts.Writer.Complete();

        protected override async Task SerializeToStreamAsync(Stream stream, System.Net.TransportContext? context)
        {
            await foreach (var part in _parts.Reader.ReadAllAsync())
            {
                await stream.WriteAsync(Encoding.UTF8.GetBytes(part));
                await stream.FlushAsync();
            }
        }

        protected override bool TryComputeLength(out long length)
        {
            length = 0;
            return false;
        }
    }
}

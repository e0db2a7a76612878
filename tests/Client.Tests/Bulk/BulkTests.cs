using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;
using Backhaul.Client.Bulk;
using Backhaul.Protocol;
using Xunit;

namespace Backhaul.Client.Tests.Bulk;

public sealed class BulkTests
{
    private const int ChunkLines = 500;

    [Fact]
    public async Task Tasks_go_out_as_lines_and_answers_count_from_the_start_of_the_whole()
    {
        using var node = new FakeNode((seen, _) => Accept(seen, Lines(seen).Count));
        var chunks = await UploadAsync(node, Tasks(12_345));
        Assert.Equal([5_000, 5_000, 2_345], node.Seen.Select(seen => Lines(seen).Count));
        Assert.All(node.Seen, seen => Assert.Equal("application/x-ndjson", seen.Header("Content-Type")));
        Assert.Equal(12_345, chunks.Sum(chunk => chunk.Accepted));
        Assert.Equal(Enumerable.Range(0, chunks.Count).Select(index => chunks.Take(index).Sum(chunk => (long)chunk.Count)), chunks.Select(chunk => chunk.From));
        Assert.Equal("https://example.org/12344", Lines(node.Seen[^1])[^1].Url);
        Assert.Equal(3, node.Seen.Select(seen => seen.Header("Idempotency-Key")).Distinct(StringComparer.Ordinal).Count());
    }

    [Fact]
    public async Task A_broken_answer_sends_the_same_bytes_under_the_same_key_and_repeats_no_answer()
    {
        for (var answered = 0; answered <= 3; answered++)
        {
            var before = answered;
            using var node = new FakeNode((seen, index) => index == 0
                ? Answer.Stream(new ScriptedStream(Encoding.UTF8.GetBytes(Chunks(Lines(seen).Count, before)), before % 2 == 0 ? StreamEnd.Broken : StreamEnd.Closed), "application/x-ndjson")
                : Accept(seen, Lines(seen).Count));
            var chunks = await UploadAsync(node, Tasks(2_000));
            Assert.Equal([0, 500, 1_000, 1_500], chunks.Select(chunk => chunk.From));
            Assert.Equal(2, node.Seen.Count);
            Assert.Equal(node.Seen[0].Text, node.Seen[1].Text);
            Assert.Equal(node.Seen[0].Header("Idempotency-Key"), node.Seen[1].Header("Idempotency-Key"));
        }
    }

    [Fact]
    public async Task A_chunk_that_could_not_be_taken_at_the_moment_is_sent_again()
    {
        using var node = new FakeNode((seen, index) => index == 0
            ? Answer.Json(Chunks(2_000, 2) + """{"from":1000,"count":500,"accepted":0,"error":{"code":"unavailable","message":"Loading."}}""", 200, "application/x-ndjson")
            : Accept(seen, Lines(seen).Count));
        Assert.Equal(2_000, (await UploadAsync(node, Tasks(2_000))).Sum(chunk => chunk.Accepted));
        Assert.Equal(2, node.Seen.Count);
    }

    [Fact]
    public async Task A_refused_chunk_ends_the_upload_after_the_answers_before_it()
    {
        using var node = new FakeNode((_, _) => Answer.Json(
            Chunks(2_000, 2) + """{"from":1000,"count":500,"accepted":0,"error":{"code":"sessionLimit","message":"Too many."}}""", 200, "application/x-ndjson"));
        using var client = node.Client();
        var chunks = new List<BulkChunk>();
        var refused = await Assert.ThrowsAsync<BackhaulException>(async () =>
        {
            await foreach (var chunk in client.Session("photos").AddTasksAsync(Tasks(7_000), stop: Stop))
                chunks.Add(chunk);
        });
        Assert.Equal((ProblemCodes.SessionLimit, false), (refused.Code, refused.IsTransient));
        Assert.Contains("before number 1000 are stored", refused.Detail, StringComparison.Ordinal);
        Assert.Equal(2, chunks.Count);
        Assert.Single(node.Seen);
    }

    [Fact]
    public async Task Results_of_single_entries_count_from_the_start_of_the_whole()
    {
        using var node = new FakeNode((seen, index) => index == 0
            ? Accept(seen, Lines(seen).Count)
            : Answer.Json("""{"from":0,"count":1,"accepted":0,"results":[{"index":0,"status":400,"error":{"code":"invalidUrl","message":"No."}}]}""", 200, "application/x-ndjson"));
        var last = (await UploadAsync(node, Tasks(5_001)))[^1];
        Assert.Equal((5_000, 5_000), (last.From, last.Results!.Single().Index));
    }

    [Fact]
    public async Task A_request_never_outgrows_what_a_node_buffers()
    {
        using var node = new FakeNode((seen, _) => Accept(seen, Lines(seen).Count));
        await UploadAsync(node, Tasks(200, new string('d', 16_000)));
        Assert.All(node.Seen, seen => Assert.InRange(seen.Body.Length, 1, BulkUpload.BytesMax));
        Assert.Equal(200, node.Seen.Sum(seen => Lines(seen).Count));
    }

    [Fact]
    public async Task A_slow_source_does_not_hold_back_what_is_there()
    {
        var more = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using var node = new FakeNode((seen, _) =>
        {
            more.TrySetResult();
            return Accept(seen, Lines(seen).Count);
        });
        await UploadAsync(node, Slow());
        Assert.Equal([3, 2], node.Seen.Select(seen => Lines(seen).Count));

        async IAsyncEnumerable<TaskRequest> Slow()
        {
            for (var i = 0; i < 3; i++)
                yield return One(i);
            await more.Task;   // only the first request lets the source go on
            for (var i = 3; i < 5; i++)
                yield return One(i);
        }
    }

    [Fact]
    public async Task With_an_intent_of_the_caller_the_cut_follows_the_content_alone()
    {
        Assert.True(CommandId.TryParse("import-2026-11-21", out var intent));
        var sent = new List<string>();
        foreach (var isSlow in new[] { false, true })
        {
            using var node = new FakeNode((seen, _) => Accept(seen, Lines(seen).Count));
            node.Time.IsInAHurry = true;   // whoever lingers for more lines gives up at once
            using var client = node.Client();
            await foreach (var _ in client.Session("photos").AddTasksAsync(Source(6_000, isSlow), intent, Stop))
            {
            }
            sent.Add(string.Join('\n', node.Seen.Select(seen => seen.Header("Idempotency-Key") + seen.Text)));
        }
        Assert.Equal(sent[0], sent[1]);

        static async IAsyncEnumerable<TaskRequest> Source(int count, bool isSlow)
        {
            for (var i = 0; i < count; i++)
            {
                for (var pause = 0; isSlow && i == 10 && pause < 100; pause++)
                    await Task.Yield();
                yield return One(i);
            }
        }
    }

    [Fact]
    public async Task An_empty_source_asks_for_nothing()
    {
        using var node = new FakeNode((_, _) => throw new InvalidOperationException());
        Assert.Empty(await UploadAsync(node, Tasks(0)));
        Assert.Empty(node.Seen);
    }

    [Fact]
    public async Task A_source_that_fails_fails_the_upload()
    {
        using var node = new FakeNode((seen, _) => Accept(seen, Lines(seen).Count));
        await Assert.ThrowsAsync<InvalidOperationException>(() => UploadAsync(node, Failing()));

        static async IAsyncEnumerable<TaskRequest> Failing()
        {
            yield return One(0);
            await Task.Yield();
            throw new InvalidOperationException("The list cannot be read.");
        }
    }

    [Fact]
    public async Task A_caller_that_stops_is_obeyed_while_the_source_waits()
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Stop);
        using var node = new FakeNode((seen, _) => Accept(seen, Lines(seen).Count));
        using var client = node.Client();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
        {
            await foreach (var _ in client.Session("photos").AddTasksAsync(Endless(stop.Token), stop: stop.Token))
                await stop.CancelAsync();
        });

        static async IAsyncEnumerable<TaskRequest> Endless([EnumeratorCancellation] CancellationToken stop)
        {
            yield return One(0);
            await Task.Delay(Timeout.Infinite, stop);
        }
    }

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    private static async Task<List<BulkChunk>> UploadAsync(FakeNode node, IAsyncEnumerable<TaskRequest> tasks)
    {
        using var client = node.Client();
        var chunks = new List<BulkChunk>();
        await foreach (var chunk in client.Session("photos").AddTasksAsync(tasks, stop: Stop))
            chunks.Add(chunk);
        return chunks;
    }

    private static TaskRequest One(int index, string? description = null) =>
        new() { Kind = "download", Url = $"https://example.org/{index}", Description = description };

    private static async IAsyncEnumerable<TaskRequest> Tasks(int count, string? description = null)
    {
        for (var i = 0; i < count; i++)
            yield return One(i, description);
        await Task.CompletedTask;
    }

    private static List<TaskRequest> Lines(SeenRequest seen) =>
        [.. seen.Text.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonSerializer.Deserialize(line, ProtocolJson.Strict.TaskRequest)!)];

    private static HttpResponseMessage Accept(SeenRequest seen, int lines)
    {
        Assert.Equal("/v1/sessions/photos/tasks", seen.Path);
        return Answer.Json(Chunks(lines, int.MaxValue), 200, "application/x-ndjson");
    }

    private static string Chunks(int lines, int chunksMax)
    {
        var text = new StringBuilder();
        for (var from = 0; from < lines && from / ChunkLines < chunksMax; from += ChunkLines)
        {
            var count = Math.Min(ChunkLines, lines - from);
            text.Append($$"""{"from":{{from}},"count":{{count}},"accepted":{{count}}}""").Append('\n');
        }
        return text.ToString();
    }
}

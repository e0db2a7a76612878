using System.Net.Http.Headers;
using Backhaul.Node.Delivery;
using Backhaul.Node.Sessions;
using Backhaul.Node.Tests.Delivery;
using Backhaul.Protocol;
using Xunit;

namespace Backhaul.Node.Tests.Api;

public sealed class EventEndpointsTests : IAsyncLifetime
{
    private static readonly SessionKey Session = SessionKey.Parse("default/nightly");
    private const string Path = "/v1/sessions/nightly/events";
    private FileEdge _edge = null!;

    public async ValueTask InitializeAsync() => _edge = await FileEdge.StartAsync();

    public ValueTask DisposeAsync() => _edge.DisposeAsync();

    [Fact]
    public async Task A_page_has_the_events_after_a_number()
    {
        for (var i = 0; i < 5; i++)
            _edge.Events.Add();
        var page = await _edge.SendAsync("GET", $"{Path}?after=2&limit=2");
        Assert.Equal((200, "application/json"), (page.Status, page.MediaType));
        Assert.Equal([3, 4], page.Json.GetProperty("events").EnumerateArray().Select(view => view.GetProperty("number").GetInt64()));
        Assert.Equal(5, page.Json.GetProperty("last").GetInt64());
    }

    [Fact]
    public async Task A_page_waits_for_its_first_event()
    {
        var waiting = _edge.SendAsync("GET", $"{Path}?wait=30");
        Assert.True(SpinWait.SpinUntil(() => _edge.Events.Readings == 1, TimeSpan.FromSeconds(20)));
        Assert.False(waiting.IsCompleted);
        _edge.Events.Add();
        _edge.Feed.Published(Session, 1);
        Assert.Single((await waiting).Json.GetProperty("events").EnumerateArray());
        Assert.False(_edge.Feed.IsAttached(Session));
    }

    [Theory]
    [InlineData("?after=-1", "after")]
    [InlineData("?after=x", "after")]
    [InlineData("?wait=61", "wait")]
    [InlineData("?wait=-1", "wait")]
    [InlineData("?limit=0", "limit")]
    [InlineData("?limit=501", "limit")]
    public async Task A_broken_query_is_refused(string query, string field)
    {
        var refused = await _edge.SendAsync("GET", Path + query);
        Assert.Equal((400, ProblemCodes.InvalidField, field), (refused.Status, refused.Code, refused.Field));
        Assert.Equal(0, _edge.Events.Readings);
    }

    [Fact]
    public async Task A_stream_resumes_after_the_last_event_id_and_follows()
    {
        for (var i = 0; i < 3; i++)
            _edge.Events.Add();
        using var stream = await OpenAsync($"{Path}?after=1", "2");
        Assert.Equal("text/event-stream", stream.Response.Content.Headers.ContentType!.MediaType);
        Assert.True(stream.Response.Headers.CacheControl!.NoStore);
        Assert.Equal("id: 3", await stream.NextAsync("id: "));
        Assert.True(_edge.Feed.IsAttached(Session));

        _edge.Events.Add(EventTypes.TaskCompleted);
        _edge.Feed.Published(Session, 4);
        Assert.Equal("id: 4", await stream.NextAsync("id: "));
        Assert.Equal("event: taskCompleted", await stream.NextAsync("event: "));
        _edge.Feed.Progress(Session, new ProgressView { Task = "t2", Progress = new TaskProgress { BytesReceived = 7, BytesSent = 0, Generation = 1 } });
        Assert.Equal("event: progress", await stream.NextAsync("event: "));
    }

    [Fact]
    public async Task A_closing_node_ends_its_streams_with_a_hint()
    {
        using var stream = await OpenAsync(Path);
        _edge.Readiness.CloseStreams();
        Assert.NotNull(await stream.NextAsync("retry: "));
        Assert.Null(await stream.NextAsync("never"));
        Assert.True(SpinWait.SpinUntil(() => !_edge.Feed.IsAttached(Session), TimeSpan.FromSeconds(20)));
    }

    [Fact]
    public async Task A_reader_that_leaves_detaches_the_session()
    {
        using (await OpenAsync(Path))
            Assert.True(_edge.Feed.IsAttached(Session));
        Assert.True(SpinWait.SpinUntil(() => !_edge.Feed.IsAttached(Session), TimeSpan.FromSeconds(20)));
    }

    [Fact]
    public async Task What_is_wrong_before_the_stream_begins_is_a_problem()
    {
        _edge.Events.Instead.Enqueue(new EventReading.Refused(FakeEvents.Problem(404, ProblemCodes.SessionNotFound)));
        var refused = await _edge.SendAsync("GET", Path, null, ("Accept", "text/event-stream"));
        Assert.Equal((404, ProblemCodes.SessionNotFound), (refused.Status, refused.Code));
        _edge.Events.Instead.Enqueue(new EventReading.NotNow(FakeEvents.Problem(503, ProblemCodes.Unavailable), TimeSpan.FromSeconds(2)));
        var busy = await _edge.SendAsync("GET", Path, null, ("Accept", "text/event-stream"));
        Assert.Equal((503, "2"), (busy.Status, busy.Header("Retry-After")));
        Assert.Equal(ProblemCodes.InvalidIdentifier, (await _edge.SendAsync("GET", "/v1/sessions/a%20b/events", null, ("Accept", "text/event-stream"))).Code);
        Assert.False(_edge.Feed.IsAttached(Session));
    }

    [Fact]
    public async Task A_node_with_too_many_readers_says_so()
    {
        var streams = new List<OpenStream>();
        for (var i = 0; i < 8; i++)
            streams.Add(await OpenAsync(Path));
        var refused = await _edge.SendAsync("GET", Path, null, ("Accept", "text/event-stream"));
        Assert.Equal((429, ProblemCodes.Busy), (refused.Status, refused.Code));
        streams.ForEach(stream => stream.Dispose());
    }

    [Fact]
    public async Task An_acknowledgement_reaches_the_session()
    {
        Assert.Equal(200, (await _edge.SendAsync("POST", $"{Path}/ack", """{"through":17}""")).Status);
        Assert.Equal(new SessionCommand.Acknowledge(17), Assert.Single(_edge.Router.Calls).Command);
    }

    [Theory]
    [InlineData("""{}""", ProblemCodes.InvalidField)]
    [InlineData("""{"through":-1}""", ProblemCodes.InvalidField)]
    [InlineData("""{"through":1,"more":2}""", ProblemCodes.UnknownField)]
    [InlineData("""nonsense""", ProblemCodes.InvalidJson)]
    public async Task A_broken_acknowledgement_is_refused(string body, string code)
    {
        var refused = await _edge.SendAsync("POST", $"{Path}/ack", body);
        Assert.Equal((400, code), (refused.Status, refused.Code));
        Assert.Empty(_edge.Router.Calls);
    }

    private async Task<OpenStream> OpenAsync(string path, string? lastEventId = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        request.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue("text/event-stream"));
        if (lastEventId is not null)
            request.Headers.Add("Last-Event-ID", lastEventId);
        var response = await _edge.Client.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);
        Assert.True(response.IsSuccessStatusCode);
        return new OpenStream(response, new StreamReader(await response.Content.ReadAsStreamAsync(TestContext.Current.CancellationToken)));
    }

    private sealed record OpenStream(HttpResponseMessage Response, StreamReader Reader) : IDisposable
    {
        /// <summary>The next line that begins so; null when the stream ended before it.</summary>
        public async Task<string?> NextAsync(string beginning)
        {
            using var late = new CancellationTokenSource(TimeSpan.FromSeconds(20));
            while (await Reader.ReadLineAsync(late.Token) is { } line)
            {
                if (line.StartsWith(beginning, StringComparison.Ordinal))
                    return line;
            }
            return null;
        }

        public void Dispose()
        {
            Reader.Dispose();
            Response.Dispose();
        }
    }
}

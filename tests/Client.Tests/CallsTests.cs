using System.Text;
using Backhaul.Protocol;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Xunit;

namespace Backhaul.Client.Tests;

/// <summary>Over real connections: what each method sends, and that a stream survives a server that breaks it.</summary>
public sealed class CallsTests
{
    private static readonly int ArrayLength = """[{"kind":"download","url":"https://example.org/a"}]""".Length;
    private const string Page = """{"items":[],"next":null}""";

    [Fact]
    public async Task Each_method_is_one_call_of_the_wire()
    {
        await using var server = await RealServer.StartAsync(context => context.Response.WriteAsync(Reply(context.Request)));
        using var client = new BackhaulClient(server.Address, "key-1");
        var session = client.Session("a:b~c");
        await session.CreateOrAttachAsync(new SessionConfiguration { RequestTimeout = TimeSpan.FromSeconds(60) }, Stop);
        await session.CreateOrAttachAsync(stop: Stop);
        await session.GetAsync(Stop);
        await session.AddTaskAsync(new TaskRequest { Kind = "download", Url = "https://example.org/a" }, stop: Stop);
        await session.AddTasksAsync([new TaskRequest { Kind = "download", Url = "https://example.org/a" }], stop: Stop);
        await session.GetTaskAsync("t1", Stop);
        await DrainAsync(session.ListTasksAsync("waiting", "download", Stop));
        await session.ChangeTaskAsync("t1", new TaskChange { Priority = 1 }, stop: Stop);
        await session.ResumeTaskAsync("t1", stop: Stop);
        await session.SuspendTaskAsync("t1", stop: Stop);
        await session.CancelTaskAsync("t1", stop: Stop);
        await session.MakeCurrentAsync("t1", stop: Stop);
        await session.AnswerDelayedRequestAsync("t1", new DelayedRequestAnswer { Answer = "continue" }, stop: Stop);
        await session.AnswerChallengeAsync("t1", new ChallengeAnswer { Answer = "useCredential", Secret = "vendor" }, stop: Stop);
        await session.Group("g:1").CreateAsync("serialized", Stop);
        await session.Group("g:1").GetAsync(Stop);
        await session.Group("g:1").SuspendAsync(stop: Stop);
        await session.Group("g:1").ResumeAsync(stop: Stop);
        await session.Group("g:1").CancelAsync(stop: Stop);
        await DrainAsync(session.Group("g:1").ListTasksAsync("waiting", stop: Stop));
        await DrainAsync(session.ListGroupsAsync(Stop));
        await session.CompletionGroup("c:1").CreateAsync(Stop);
        await session.CompletionGroup("c:1").GetAsync(Stop);
        await session.CompletionGroup("c:1").EnableAsync(stop: Stop);
        await DrainAsync(session.CompletionGroup("c:1").ListTasksAsync("failed", "upload", Stop));
        await session.Prefetcher.SetAsync(new PrefetchRequest { Urls = ["https://example.org/a"], Every = TimeSpan.FromHours(1) }, Stop);
        await session.Prefetcher.GetAsync(Stop);
        await session.Prefetcher.RemoveAsync(stop: Stop);
        await session.WhyAsync("t1", Stop);
        await DrainAsync(session.ListAttemptsAsync("t1", Stop));
        await session.ReadEventPageAsync(3, 10, TimeSpan.FromSeconds(5), Stop);
        await session.AcknowledgeAsync(3, stop: Stop);
        await session.PushWebhook.GetAsync(Stop);
        await session.PushWebhook.DisableAsync(stop: Stop);
        await session.LaunchWebhook.EnableAsync(stop: Stop);
        await session.PushWebhook.ReplayAsync(5, 9, stop: Stop);
        await session.LaunchWebhook.TestAsync(Stop);
        await session.EndAsync(SessionEnd.Finish, stop: Stop);
        await session.EndAsync(SessionEnd.ForceQuit, stop: Stop);
        await DrainAsync(client.ListSessionsAsync("active", Stop));
        await client.Files.DeleteAsync(FileReference.Parse("cold/a/b"), stop: Stop);
        const string Session = "/v1/sessions/a%3Ab~c";
        Assert.Equal(
        [
            $$"""PUT {{Session}} {"requestTimeout":"PT60S"}""",
            $"PUT {Session} ",
            $"GET {Session} ",
            $$"""POST! {{Session}}/tasks {"kind":"download","url":"https://example.org/a"}""",
            $$"""POST! {{Session}}/tasks [{"kind":"download","url":"https://example.org/a"}]""",
            $"GET {Session}/tasks/t1 ",
            $"GET {Session}/tasks?state=waiting&kind=download ",
            $$"""PATCH! {{Session}}/tasks/t1 {"priority":1}""",
            $"POST! {Session}/tasks/t1/resume ",
            $"POST! {Session}/tasks/t1/suspend ",
            $"POST! {Session}/tasks/t1/cancel ",
            $"POST! {Session}/tasks/t1/make-current ",
            $$"""POST! {{Session}}/tasks/t1/delayed-request {"answer":"continue"}""",
            $$"""POST! {{Session}}/tasks/t1/challenge {"answer":"useCredential","secret":"vendor"}""",
            $$"""PUT {{Session}}/groups/g%3A1 {"mode":"serialized"}""",
            $"GET {Session}/groups/g%3A1 ",
            $"POST! {Session}/groups/g%3A1/suspend ",
            $"POST! {Session}/groups/g%3A1/resume ",
            $"POST! {Session}/groups/g%3A1/cancel ",
            $"GET {Session}/tasks?group=g%3A1&state=waiting ",
            $"GET {Session}/groups ",
            $"PUT {Session}/completion-groups/c%3A1 ",
            $"GET {Session}/completion-groups/c%3A1 ",
            $"POST! {Session}/completion-groups/c%3A1/enable ",
            $"GET {Session}/tasks?completionGroup=c%3A1&state=failed&kind=upload ",
            $$"""PUT {{Session}}/prefetch {"urls":["https://example.org/a"],"every":"PT3600S"}""",
            $"GET {Session}/prefetch ",
            $"DELETE! {Session}/prefetch ",
            $"GET {Session}/tasks/t1/why ",
            $"GET {Session}/tasks/t1/attempts ",
            $"GET {Session}/events?after=3&limit=10&wait=5 ",
            $$"""POST! {{Session}}/events/ack {"through":3}""",
            $"GET {Session}/push ",
            $"POST! {Session}/push/disable ",
            $"POST! {Session}/launch/enable ",
            $$"""POST! {{Session}}/push/replay {"from":5,"through":9}""",
            $"POST! {Session}/launch/test ",
            $"DELETE! {Session}?mode=finish ",
            $"DELETE! {Session}?mode=forceQuit ",
            "GET /v1/sessions?state=active ",
            "DELETE! /v1/files/cold/a/b ",
        ],
        server.Requests);
        Assert.Equal(["Bearer key-1"], server.Keys.Distinct(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Without_a_key_no_key_is_sent()
    {
        await using var server = await RealServer.StartAsync(context => context.Response.WriteAsync(Reply(context.Request)));
        using var client = new BackhaulClient(server.Address);
        await client.Session("photos").GetAsync(Stop);
        Assert.Equal([""], server.Keys);
    }

    [Fact]
    public async Task Lists_are_read_to_their_last_page()
    {
        await using var server = await RealServer.StartAsync(context => context.Response.WriteAsync(context.Request.Query["cursor"].ToString() switch
        {
            "" => $$"""{"items":[{{Answer.Task}}],"next":"a+/="}""",
            "a+/=" => $$"""{"items":[],"next":"b"}""",
            _ => $$"""{"items":[{{Answer.Task}}],"next":null}""",
        }));
        using var client = new BackhaulClient(server.Address);
        Assert.Equal(2, await DrainAsync(client.Session("photos").ListTasksAsync(stop: Stop)));
        Assert.Equal(3, server.Requests.Count);
    }

    [Fact]
    public async Task A_server_that_breaks_its_streams_is_read_to_the_end()
    {
        const int Count = 50;
        await using var server = await RealServer.StartAsync(async context =>
        {
            var after = long.Parse(context.Request.Query["after"].ToString());
            context.Response.ContentType = "text/event-stream";
            for (var number = after + 1; number <= Count; number++)
            {
                var text = Encoding.UTF8.GetBytes(Events.EventScript.Event(number));
                var isCut = number % 7 == 0 && after < number - 1;
                await context.Response.Body.WriteAsync(isCut ? text.AsMemory(0, text.Length / 2) : text);
                await context.Response.Body.FlushAsync();
                if (isCut)
                {
                    context.Abort();
                    return;
                }
            }
            await Task.Delay(Timeout.Infinite, context.RequestAborted);
        });
        using var client = new BackhaulClient(new BackhaulClientOptions { Endpoints = [server.Address], Jitter = () => 0 });
        var numbers = new List<long>();
        await foreach (var next in client.Session("photos").ReadEventsAsync(stop: Stop))
        {
            numbers.Add(next.Number);
            if (next.Number == Count)
                break;
        }
        Assert.Equal(Enumerable.Range(1, Count).Select(number => (long)number), numbers);
    }

    [Fact]
    public async Task Large_files_pass_in_both_directions()
    {
        var stored = Array.Empty<byte>();
        await using var server = await RealServer.StartAsync(async context =>
        {
            if (HttpMethods.IsPut(context.Request.Method))
            {
                using var body = new MemoryStream();
                await context.Request.Body.CopyToAsync(body);
                stored = body.ToArray();
                await context.Response.WriteAsync($$"""{"container":"default","path":"a","length":{{stored.Length}}}""");
                return;
            }
            context.Response.Headers.ETag = "\"a\"";
            context.Response.ContentLength = stored.Length;
            await context.Response.Body.WriteAsync(stored);
        });
        using var client = new BackhaulClient(server.Address);
        var content = new byte[5_000_000];
        new Random(1).NextBytes(content);
        var file = FileReference.Parse("default/a");
        Assert.Equal(content.Length, (await client.Files.UploadAsync(file, new MemoryStream(content), Stop)).Length);
        using var read = new MemoryStream();
        await client.Files.DownloadAsync(file, read, stop: Stop);
        Assert.Equal(content, read.ToArray());
        Assert.Equal(content.Length, (await client.Files.HeadAsync(file, Stop))!.Length);
    }

    [Theory]
    [InlineData("")]
    [InlineData("..")]
    [InlineData("a/b")]
    [InlineData("a b")]
    public void Identifiers_are_checked_before_anything_is_sent(string identifier)
    {
        using var client = new BackhaulClient();
        Assert.Throws<ArgumentException>(() => client.Session(identifier));
        Assert.Throws<ArgumentException>(() => { _ = client.Session("photos").CancelTaskAsync(identifier, stop: Stop); });
    }

    [Theory]
    [InlineData("ftp://node/")]
    [InlineData("http://user@node/")]
    [InlineData("http://node/?a=b")]
    [InlineData("/relative")]
    public void Endpoints_are_checked_at_once(string endpoint) =>
        Assert.Throws<ArgumentException>(() => new BackhaulClient(new Uri(endpoint, UriKind.RelativeOrAbsolute)));

    [Fact]
    public void Options_that_make_no_sense_are_refused_at_once()
    {
        Assert.Throws<ArgumentException>(() => new BackhaulClient(new BackhaulClientOptions { Endpoints = [] }));
        Assert.Throws<ArgumentException>(() => new BackhaulClient(new BackhaulClientOptions { Key = "a\r\nX: y" }));
        Assert.Throws<ArgumentException>(() => new BackhaulClient(new BackhaulClientOptions { AttemptTimeout = TimeSpan.Zero }));
        Assert.Throws<ArgumentException>(() => new BackhaulClient(new BackhaulClientOptions { CallDeadline = TimeSpan.FromSeconds(1) }));
        Assert.Throws<ArgumentException>(() => new BackhaulClient(new BackhaulClientOptions { StreamSilence = TimeSpan.Zero }));
    }

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    private static string Reply(HttpRequest request)
    {
        var path = request.Path.ToString();
        var isList = HttpMethods.IsGet(request.Method) && (path.EndsWith("/tasks", StringComparison.Ordinal) || path.EndsWith("/sessions", StringComparison.Ordinal) || path.EndsWith("/groups", StringComparison.Ordinal));
        return isList || path.EndsWith("/attempts", StringComparison.Ordinal) ? Page
            : path.EndsWith("/ack", StringComparison.Ordinal) ? """{"acknowledged":3,"last":3}"""
            : path.EndsWith("/events", StringComparison.Ordinal) ? """{"events":[],"last":3,"acknowledged":0}"""
            : path.EndsWith("/test", StringComparison.Ordinal) ? Answer.WebhookTest
            : path.Contains("/push", StringComparison.Ordinal) || path.Contains("/launch/", StringComparison.Ordinal) ? Answer.Webhook
            : path.EndsWith("/why", StringComparison.Ordinal) ? """{"id":"t1","state":"waiting","sentence":"It waits."}"""
            : path.EndsWith("/tasks", StringComparison.Ordinal) && request.ContentLength == ArrayLength ? """[{"index":0,"status":201,"id":"t1"}]"""
            : path.Contains("/tasks", StringComparison.Ordinal) ? Answer.Task
            : path.Contains("/groups/", StringComparison.Ordinal) ? Answer.Group
            : path.EndsWith("/prefetch", StringComparison.Ordinal) ? """{"urls":["https://example.org/a"],"every":"PT3600S","container":"default","prefix":"p"}"""
            : path.Contains("/completion-groups/", StringComparison.Ordinal) ? Answer.CompletionGroup
            : Answer.Session;
    }

    private static async Task<int> DrainAsync<T>(IAsyncEnumerable<T> list)
    {
        var count = 0;
        await foreach (var _ in list)
            count++;
        return count;
    }

    /// <summary>Kestrel on a free port of loopback, with a list of what it was asked.</summary>
    private sealed class RealServer : IAsyncDisposable
    {
        private readonly WebApplication _app;

        private RealServer(WebApplication app) => _app = app;

        /// <summary>Method (with <c>!</c> when there is an idempotency key), path as sent, and body.</summary>
        public List<string> Requests { get; } = [];

        public List<string> Keys { get; } = [];

        public Uri Address => new(_app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single());

        public static async Task<RealServer> StartAsync(RequestDelegate answer)
        {
            var builder = WebApplication.CreateSlimBuilder();
            builder.Logging.ClearProviders();
            builder.WebHost.UseUrls("http://127.0.0.1:0");
            var server = new RealServer(builder.Build());
            server._app.Run(async context =>
            {
                await server.NoteAsync(context.Request);
                await answer(context);
            });
            await server._app.StartAsync();
            return server;
        }

        public async ValueTask DisposeAsync()
        {
            using var atOnce = new CancellationTokenSource(TimeSpan.Zero);
            await _app.StopAsync(atOnce.Token);
            await _app.DisposeAsync();
        }

        private async Task NoteAsync(HttpRequest request)
        {
            var target = request.HttpContext.Features.Get<Microsoft.AspNetCore.Http.Features.IHttpRequestFeature>()!.RawTarget;
            var body = "";
            if (request.ContentType == "application/json")
            {
                request.EnableBuffering();
                body = await new StreamReader(request.Body, leaveOpen: true).ReadToEndAsync();
                request.Body.Position = 0;
            }
            lock (Requests)
            {
                Requests.Add($"{request.Method}{(request.Headers.ContainsKey("Idempotency-Key") ? "!" : "")} {target} {body}");
                Keys.Add(request.Headers.Authorization.ToString());
            }
        }
    }
}

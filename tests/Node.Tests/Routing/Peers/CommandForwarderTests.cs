using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using Backhaul.Node.Journal;
using Backhaul.Node.Routing;
using Backhaul.Node.Routing.Peers;
using Backhaul.Node.Security;
using Backhaul.Node.Sessions;
using Backhaul.Node.Tests.Sharding;
using Backhaul.Protocol;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace Backhaul.Node.Tests.Routing.Peers;

/// <summary>From node to node over real sockets: what arrives, and how far what did not arrive got.</summary>
public sealed class CommandForwarderTests
{
    private static readonly SessionKey Orders = SessionKey.Parse("acme/orders");
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(20);

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_command_is_executed_by_its_owner_and_the_answer_comes_back()
    {
        await using var owner = await PeerNode.StartAsync();
        await using var other = await PeerNode.StartAsync(owns: false);
        var replied = Assert.IsType<PeerAnswer.Replied>(await SendAsync(other, owner.AsOwner(), "hello"));
        Assert.StartsWith("hello", Encoding.UTF8.GetString(Assert.IsType<CommandReply.Done>(replied.Reply).Json.Span), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Many_commands_at_once_each_have_their_own_answer()
    {
        await using var owner = await PeerNode.StartAsync();
        await using var other = await PeerNode.StartAsync(new PeerOptions { CommandsMax = 8, WaitingMax = 1000 }, owns: false);
        var sends = Enumerable.Range(0, 200).Select(async i => (i, Answer: await SendAsync(other, owner.AsOwner(), $"n{i}."))).ToList();
        foreach (var (i, answer) in await Task.WhenAll(sends))
        {
            var done = Assert.IsType<CommandReply.Done>(Assert.IsType<PeerAnswer.Replied>(answer).Reply);
            Assert.StartsWith($"n{i}.", Encoding.UTF8.GetString(done.Json.Span), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_node_that_does_not_own_the_shard_says_who_does()
    {
        var next = new NodeId(Guid.NewGuid());
        await using var old = await PeerNode.StartAsync(owns: false);
        old.Views.Node(next, "http://127.0.0.9:5090").Shard(0, 12, next).Publish();
        await using var other = await PeerNode.StartAsync(owns: false);
        Assert.Equal(new PeerAnswer.NotOwner(new Owner(0, 12, next, "http://127.0.0.9:5090")), await SendAsync(other, old.AsOwner(), "x"));
    }

    [Fact]
    public async Task A_closed_port_is_a_command_that_was_not_sent()
    {
        await using var other = await PeerNode.StartAsync(owns: false);
        var answer = Assert.IsType<PeerAnswer.Failed>(await SendAsync(other, new Owner(0, 1, new NodeId(Guid.NewGuid()), $"http://127.0.0.1:{FreePort()}"), "x"));
        Assert.Equal(PeerFailure.NotSent, answer.Stage);
    }

    [Fact]
    public async Task A_name_that_nobody_has_is_a_command_that_was_not_sent()
    {
        await using var other = await PeerNode.StartAsync(owns: false);
        var answer = Assert.IsType<PeerAnswer.Failed>(await SendAsync(other, new Owner(0, 1, new NodeId(Guid.NewGuid()), "http://nobody.invalid:5090"), "x"));
        Assert.Equal(PeerFailure.NotSent, answer.Stage);
    }

    [Fact]
    public async Task A_connection_that_breaks_after_the_command_was_read_leaves_its_outcome_unknown()
    {
        var reads = 0;
        await using var broken = await StrangePeer.StartAsync(async context =>
        {
            await context.Request.Body.CopyToAsync(Stream.Null, context.RequestAborted);
            Interlocked.Increment(ref reads);
            context.Abort();
        });
        await using var other = await PeerNode.StartAsync(owns: false);
        var answer = Assert.IsType<PeerAnswer.Failed>(await SendAsync(other, broken.AsOwner(), "x"));
        Assert.Equal(PeerFailure.Unknown, answer.Stage);
        Assert.Equal(1, reads); // and it was not sent twice
    }

    [Fact]
    public async Task An_answer_that_breaks_off_leaves_the_outcome_unknown()
    {
        await using var broken = await StrangePeer.StartAsync(async context =>
        {
            await context.Request.Body.CopyToAsync(Stream.Null, context.RequestAborted);
            context.Response.Headers[PeerHeaders.Answer] = PeerFrame.Done;
            await context.Response.WriteAsync("{\"half\":", context.RequestAborted);
            await context.Response.Body.FlushAsync(context.RequestAborted);
            context.Abort();
        });
        await using var other = await PeerNode.StartAsync(owns: false);
        Assert.Equal(PeerFailure.Unknown, Assert.IsType<PeerAnswer.Failed>(await SendAsync(other, broken.AsOwner(), "x")).Stage);
    }

    [Fact]
    public async Task An_answer_beyond_the_limit_is_not_read()
    {
        await using var large = await StrangePeer.StartAsync(async context =>
        {
            await context.Request.Body.CopyToAsync(Stream.Null, context.RequestAborted);
            context.Response.Headers[PeerHeaders.Answer] = PeerFrame.Done;
            var chunk = new byte[1024 * 1024];
            for (var i = 0; i < 12; i++)
                await context.Response.Body.WriteAsync(chunk, context.RequestAborted);
        });
        await using var other = await PeerNode.StartAsync(new PeerOptions { AnswerBytesMax = 8 * 1024 * 1024 }, owns: false);
        Assert.Equal(PeerFailure.Unknown, Assert.IsType<PeerAnswer.Failed>(await SendAsync(other, large.AsOwner(), "x")).Stage);
    }

    [Fact]
    public async Task A_peer_that_never_answers_costs_the_deadline()
    {
        await using var stalled = await StrangePeer.StartAsync(context => Task.Delay(Timeout.Infinite, context.RequestAborted));
        await using var other = await PeerNode.StartAsync(owns: false);
        var began = TimeProvider.System.GetTimestamp();
        var answer = Assert.IsType<PeerAnswer.Failed>(await other.Forwarder.SendAsync(stalled.AsOwner(), Command("x"), TimeSpan.FromSeconds(2), Stop)); // connecting is part of it
        Assert.Equal(PeerFailure.Unknown, answer.Stage);
        Assert.InRange(TimeProvider.System.GetElapsedTime(began), TimeSpan.FromSeconds(1.5), TimeSpan.FromMinutes(1));
    }

    [Fact]
    public async Task A_process_that_stands_still_is_noticed_by_the_probes_and_not_by_the_deadline()
    {
        using var silent = new TcpListener(IPAddress.Loopback, 0); // the kernel takes connections for it, and nobody reads them
        silent.Start();
        await using var other = await PeerNode.StartAsync(owns: false);
        var began = TimeProvider.System.GetTimestamp();
        var answer = Assert.IsType<PeerAnswer.Failed>(await other.Forwarder.SendAsync(
            new Owner(0, 1, new NodeId(Guid.NewGuid()), $"http://127.0.0.1:{((IPEndPoint)silent.LocalEndpoint).Port}"), Command("x"), TimeSpan.FromMinutes(10), Stop));
        Assert.NotEqual(PeerFailure.NotAccepted, answer.Stage);
        Assert.InRange(TimeProvider.System.GetElapsedTime(began), TimeSpan.Zero, TimeSpan.FromMinutes(2));
    }

    [Fact]
    public async Task A_session_that_is_late_answers_so_before_the_forwarder_gives_up()
    {
        await using var owner = await PeerNode.StartAsync();
        await using var other = await PeerNode.StartAsync(new PeerOptions { AnswerMargin = TimeSpan.FromSeconds(2) }, owns: false); // a second here: a busy machine is late itself
        Assert.IsType<PeerAnswer.Replied>(await SendAsync(other, owner.AsOwner(), "first")); // connecting does not eat up what the peer answers earlier by
        owner.Script.OnExecute = async (_, _, context) => await Task.Delay(TimeSpan.FromSeconds(30), TimeProvider.System, context.Stopping);
        var answer = await other.Forwarder.SendAsync(owner.AsOwner(), Command("x"), TimeSpan.FromSeconds(10), Stop);
        Assert.Equal(UnavailableReason.Deadline, Assert.IsType<CommandReply.Unavailable>(Assert.IsType<PeerAnswer.Replied>(answer).Reply).Reason);
    }

    [Fact]
    public async Task A_caller_whose_time_ends_before_its_turn_says_nothing_about_the_peer()
    {
        await using var stalled = await StrangePeer.StartAsync(context => Task.Delay(Timeout.Infinite, context.RequestAborted));
        await using var other = await PeerNode.StartAsync(new PeerOptions { CommandsMax = 1 }, owns: false);
        using var leave = new CancellationTokenSource();
        var first = other.Forwarder.SendAsync(stalled.AsOwner(), Command("x"), Deadline, leave.Token).AsTask();
        var answer = Assert.IsType<PeerAnswer.Failed>(await other.Forwarder.SendAsync(stalled.AsOwner(), Command("y"), TimeSpan.FromMilliseconds(100), Stop));
        Assert.Equal(PeerFailure.TooLate, answer.Stage);
        await leave.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => first);
    }

    [Fact]
    public async Task More_commands_than_may_wait_for_a_peer_are_told_at_once()
    {
        var release = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var slow = await StrangePeer.StartAsync(async context => await release.Task.WaitAsync(context.RequestAborted));
        await using var other = await PeerNode.StartAsync(new PeerOptions { CommandsMax = 2, WaitingMax = 3 }, owns: false);
        var sends = Enumerable.Range(0, 10).Select(i => SendAsync(other, slow.AsOwner(), $"{i}").AsTask()).ToList();
        Assert.Equal(5, sends.Count(send => send.IsCompletedSuccessfully && send.Result is PeerAnswer.Replied { Reply: CommandReply.Unavailable { Reason: UnavailableReason.Full } }));
        release.SetResult();
        await Task.WhenAll(sends);
    }

    [Fact]
    public async Task A_node_of_another_cluster_is_not_listened_to()
    {
        await using var owner = await PeerNode.StartAsync();
        await using var stranger = await PeerNode.StartAsync(secret: SHA256.HashData("another"u8), owns: false);
        var answer = Assert.IsType<PeerAnswer.Failed>(await SendAsync(stranger, owner.AsOwner(), "x"));
        Assert.Equal(PeerFailure.NotAccepted, answer.Stage);
        Assert.Contains("401", answer.Detail, StringComparison.Ordinal);
        Assert.Empty(owner.Script.Lines);
    }

    [Fact]
    public async Task A_command_for_an_earlier_incarnation_is_not_executed_by_the_present_one()
    {
        await using var owner = await PeerNode.StartAsync();
        await using var other = await PeerNode.StartAsync(owns: false);
        var answer = Assert.IsType<PeerAnswer.Failed>(await SendAsync(other, owner.AsOwner() with { Node = new NodeId(Guid.NewGuid()) }, "x"));
        Assert.Equal(PeerFailure.NotAccepted, answer.Stage);
        Assert.Contains("incarnation", answer.Detail, StringComparison.Ordinal);
        Assert.Empty(owner.Script.Lines);
    }

    [Fact]
    public async Task A_node_that_has_not_joined_neither_sends_nor_takes_commands()
    {
        await using var owner = await PeerNode.StartAsync(secret: []);
        await using var other = await PeerNode.StartAsync(owns: false);
        Assert.Equal(PeerFailure.NotAccepted, Assert.IsType<PeerAnswer.Failed>(await SendAsync(other, owner.AsOwner(), "x")).Stage);
        Assert.Equal(PeerFailure.TooLate, Assert.IsType<PeerAnswer.Failed>(await SendAsync(owner, other.AsOwner(), "x")).Stage);
    }

    [Fact]
    public async Task A_command_beyond_the_limit_is_refused_and_not_executed()
    {
        await using var owner = await PeerNode.StartAsync(new PeerOptions { CommandBytesMax = 4 * 1024 * 1024, AnswerBytesMax = 4 * 1024 * 1024 });
        await using var other = await PeerNode.StartAsync(owns: false);
        var answer = await SendAsync(other, owner.AsOwner(), new string('x', 5 * 1024 * 1024));
        Assert.Equal(413, Assert.IsType<CommandReply.Refused>(Assert.IsType<PeerAnswer.Replied>(answer).Reply).Problem.Status);
        Assert.Empty(owner.Script.Lines);
    }

    [Fact]
    public async Task A_command_beyond_the_own_limit_is_not_sent_and_the_caller_is_told_to_divide_it()
    {
        await using var other = await PeerNode.StartAsync(new PeerOptions { CommandBytesMax = 4 * 1024 * 1024, AnswerBytesMax = 4 * 1024 * 1024 }, owns: false);
        var answer = await SendAsync(other, new Owner(0, 1, new NodeId(Guid.NewGuid()), $"http://127.0.0.1:{FreePort()}"), new string('x', 5 * 1024 * 1024));
        var problem = Assert.IsType<CommandReply.Refused>(Assert.IsType<PeerAnswer.Replied>(answer).Reply).Problem;
        Assert.Equal((413, ProblemCodes.BodyTooLarge), (problem.Status, problem.Code));
    }

    [Fact]
    public async Task Text_beyond_ascii_is_as_long_on_the_way_as_it_is()
    {
        var text = string.Concat(Enumerable.Repeat("é<+", 1_000_000)); // 4 MB in UTF-8, 18 MB with escapes
        await using var owner = await PeerNode.StartAsync();
        await using var other = await PeerNode.StartAsync(owns: false);
        Assert.IsType<CommandReply.Done>(Assert.IsType<PeerAnswer.Replied>(await SendAsync(other, owner.AsOwner(), text)).Reply);
    }

    [Fact]
    public async Task Bodies_that_nobody_has_signed_for_yet_are_bounded_together_and_let_go_again()
    {
        await using var owner = await PeerNode.StartAsync(new PeerOptions { CommandBytesMax = 4 * 1024 * 1024, UnadmittedBytesMax = 4 * 1024 * 1024 });
        await using var other = await PeerNode.StartAsync(owns: false);
        using var client = new HttpClient();
        // a stranger who knows the incarnation sends 3 MiB, and never ends
        var release = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var sent = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using var strange = PeerHeaders.NewRequest(
            HttpMethod.Post, new Uri(owner.Address), PeerHeaders.CommandsPath, owner.Identity.Self, Deadline, [1], default);
        strange.Content = new EndlessContent(3 * 1024 * 1024, sent, release.Task);
        var asking = client.SendAsync(strange, Stop);
        await sent.Task.WaitAsync(TimeSpan.FromSeconds(20), Stop);
        PeerAnswer.Replied answer;
        do
            answer = Assert.IsType<PeerAnswer.Replied>(await SendAsync(other, owner.AsOwner(), new string('x', 2 * 1024 * 1024)));
        while (answer.Reply is CommandReply.Done); // until the last of it has arrived
        Assert.Equal(UnavailableReason.Full, Assert.IsType<CommandReply.Unavailable>(answer.Reply).Reason);
        release.SetResult();
        using var refused = await asking;
        Assert.Equal(HttpStatusCode.Unauthorized, refused.StatusCode);
        answer = Assert.IsType<PeerAnswer.Replied>(await SendAsync(other, owner.AsOwner(), new string('x', 2 * 1024 * 1024)));
        Assert.IsType<CommandReply.Done>(answer.Reply);
    }

    [Fact]
    public async Task A_request_whose_head_is_wrong_is_refused_before_its_body_came()
    {
        await using var owner = await PeerNode.StartAsync();
        using var client = new HttpClient();
        using var strange = PeerHeaders.NewRequest(
            HttpMethod.Post, new Uri(owner.Address), PeerHeaders.CommandsPath, new NodeId(Guid.NewGuid()), Deadline, [1], default);
        using var never = new CancellationTokenSource();
        strange.Content = new EndlessContent(1, new TaskCompletionSource(), Task.Delay(Timeout.Infinite, never.Token));
        using var refused = await client.SendAsync(strange, HttpCompletionOption.ResponseHeadersRead, Stop).WaitAsync(TimeSpan.FromSeconds(20), Stop);
        Assert.Equal(HttpStatusCode.Conflict, refused.StatusCode);
        await never.CancelAsync();
    }

    [Theory]
    [InlineData("hops", 400), InlineData("deadline", 400), InlineData("signature", 401), InlineData("body", 401), InlineData("path", 401), InlineData("command", 400)]
    public async Task A_request_that_a_node_would_not_send_is_refused_with_a_sentence(string wrong, int status)
    {
        await using var owner = await PeerNode.StartAsync();
        using var client = new HttpClient();
        var body = wrong == "command" ? """{"format":1,"session":"acme/orders","type":"session.dance.v1","command":{}}"""u8.ToArray() : PeerCodec.Encode(Command("x"));
        var path = wrong == "path" ? PeerHeaders.CommandsPath + "?x=1" : PeerHeaders.CommandsPath;
        using var request = new HttpRequestMessage(HttpMethod.Post, owner.Address + path) { Version = HttpVersion.Version20, VersionPolicy = HttpVersionPolicy.RequestVersionExact };
        request.Headers.Add(PeerHeaders.Target, owner.Identity.Self.ToString());
        request.Headers.Add(PeerHeaders.Hops, wrong == "hops" ? "2" : "1");
        request.Headers.Add(PeerHeaders.Deadline, wrong == "deadline" ? "never" : "5000");
        var signature = PeerSignature.Sign(PeerNode.ClusterSecret, "POST", PeerHeaders.CommandsPath, owner.Identity.Self.ToString(), 5000, body);
        request.Headers.Add(PeerHeaders.Signature, wrong == "signature" ? new string('0', 64) : signature);
        request.Content = new ByteArrayContent(wrong == "body" ? [.. body, (byte)' '] : body);
        using var response = await client.SendAsync(request, Stop);
        Assert.Equal(status, (int)response.StatusCode);
        Assert.Equal(PeerFrame.NotAccepted, response.Headers.GetValues(PeerHeaders.Answer).Single());
        Assert.Contains("detail", await response.Content.ReadAsStringAsync(Stop), StringComparison.Ordinal);
        Assert.Empty(owner.Script.Lines);
    }

    [Fact]
    public async Task A_caller_who_leaves_is_let_go()
    {
        await using var stalled = await StrangePeer.StartAsync(context => Task.Delay(Timeout.Infinite, context.RequestAborted));
        await using var other = await PeerNode.StartAsync(owns: false);
        using var leave = new CancellationTokenSource();
        var sending = other.Forwarder.SendAsync(stalled.AsOwner(), Command("x"), Deadline, leave.Token).AsTask();
        await leave.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => sending);
    }

    private static PeerCommand Command(string text) => new(Orders, ScriptedSession.CommandOf(text), new CommandKey(new CommandId(Guid.NewGuid()), 1));

    private static ValueTask<PeerAnswer> SendAsync(PeerNode from, Owner to, string text) => from.Forwarder.SendAsync(to, Command(text), Deadline, Stop);

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    /// <summary>So many bytes, and the end when a test says so.</summary>
    private sealed class EndlessContent(int bytes, TaskCompletionSource sent, Task end) : HttpContent
    {
        protected override bool TryComputeLength(out long length)
        {
            length = 0;
            return false;
        }

        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
        {
            await stream.WriteAsync(new byte[bytes]);
            await stream.FlushAsync();
            sent.SetResult();
            await end;
        }
    }

    /// <summary>Speaks HTTP/2 and does what a test wants with a command.</summary>
    private sealed class StrangePeer(WebApplication app) : IAsyncDisposable
    {
        public static async Task<StrangePeer> StartAsync(RequestDelegate handle)
        {
            var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
            builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, listen => listen.Protocols = HttpProtocols.Http2));
            var app = builder.Build();
            app.Run(handle);
            await app.StartAsync(Stop);
            return new StrangePeer(app);
        }

        public Owner AsOwner() => new(0, 1, new NodeId(Guid.NewGuid()), app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First());

        public async ValueTask DisposeAsync()
        {
            using var now = new CancellationTokenSource();
            await now.CancelAsync();
            await app.StopAsync(now.Token);
            await app.DisposeAsync();
        }
    }
}

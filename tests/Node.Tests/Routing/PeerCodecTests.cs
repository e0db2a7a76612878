using System.Runtime.CompilerServices;
using System.Text;
using Backhaul.Node.Files;
using Backhaul.Node.Journal;
using Backhaul.Node.Routing;
using Backhaul.Node.Sessions;
using Backhaul.Protocol;
using Xunit;

namespace Backhaul.Node.Tests.Routing;

/// <summary>
/// The language between nodes, held against a golden file: nodes of two releases talk to each other while a cluster is renewed, so a
/// line of it may be added and never changed. <c>UPDATE_GOLDEN=1</c> writes the file anew; the diff is the review.
/// </summary>
public sealed class PeerCodecTests
{
    private static readonly DateTimeOffset At = new(2026, 1, 2, 3, 4, 5, TimeSpan.Zero);
    private static readonly TaskId Task = TaskId.Parse("t7");
    private static readonly GroupName Group = GroupName.Parse("seasons");
    private static readonly SessionKey Session = SessionKey.Parse("acme/orders");
    private static readonly CommandKey Key = new(new CommandId(new Guid(1, 2, 3, new byte[8])), 0xfedcba9876543210);
    private static readonly Problem Problem = new() { Status = 409, Code = "taskEnded", Detail = "It ended.", Field = "id" };
    private static readonly Dictionary<string, string> Headers = new() { ["ETag"] = "\"v1\"" };

    private static readonly TaskSpec Spec = new()
    {
        Id = TaskId.Parse("own"),
        Kind = TaskKind.Download,
        Url = "https://origin.example/a",
        Method = "GET",
        Headers = Headers,
        Destination = new FileReference(ContainerName.Default, ContainerPath.Parse("a/b.bin")),
        Description = "text",
        Start = false,
        Priority = 0.75,
        EarliestBeginAt = At,
        Deadline = At,
        ExpectedBytes = new ExpectedBytes { Receive = 5 },
        Sha256 = "00ff",
        AcceptStatus = ["404"],
        Retry = new RetryConfiguration { Longest = TimeSpan.FromMinutes(1) },
        SourceChange = SourceChangePolicy.Fail,
        MaxBytes = 100,
    };

    private static readonly PeerCommand[] Commands =
    [
        new(Session, new SessionCommand.Open(null), null),
        new(Session, new SessionCommand.Open(new SessionConfiguration { RequestTimeout = TimeSpan.FromSeconds(60), Container = "default" }), Key),
        new(Session, new SessionCommand.Describe(), null),
        new(Session, new SessionCommand.End(EndMode.ForceQuit), Key),
        new(Session, new SessionCommand.SuspendAll(true), Key),
        new(Session, new SessionCommand.AddTask(Spec) { TraceParent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01" }, Key),
        new(Session, new SessionCommand.AddTasks([new BatchEntry(0, Spec, null), new BatchEntry(1, null, Problem)]), Key),
        new(Session, new SessionCommand.ChangeTask(Task, new TaskChange { Url = "https://b.example/", Priority = 1, EarliestBeginAt = At }), Key),
        new(Session, new SessionCommand.ResumeTask(Task), Key),
        new(Session, new SessionCommand.SuspendTask(Task), Key),
        new(Session, new SessionCommand.CancelTask(Task), Key),
        new(Session, new SessionCommand.GetTask(Task), null),
        new(Session, new SessionCommand.ExplainTask(Task), null),
        new(Session, new SessionCommand.ListAttempts(Task), null),
        new(Session, new SessionCommand.KeepTask(Task), Key),
        new(Session, new SessionCommand.WantRanges(Task, RangeSet.Of(10, 20), TimeSpan.FromSeconds(30), Release: false), Key),
        new(Session, new SessionCommand.GetRanges(Task), null),
        new(Session, new SessionCommand.LocateContent(Task), null),
        new(Session, new SessionCommand.ListTasks("waiting", TaskKind.Upload, 12, 50), null),
        new(Session, new SessionCommand.ReadEvents(17, 256), null),
        new(Session, new SessionCommand.Acknowledge(17), Key),
        new(Session, new SessionCommand.ShowHistory(17, 1000), null),
        new(Session, new SessionCommand.CompleteLaunch(3), Key),
        new(Session, new SessionCommand.GetWebhook(WebhookTarget.Launch), null),
        new(Session, new SessionCommand.TestWebhook(WebhookTarget.Push), null),
        new(Session, new SessionCommand.EnableWebhook(WebhookTarget.Push), Key),
        new(Session, new SessionCommand.DisableWebhook(WebhookTarget.Launch, "Because."), Key),
        new(Session, new SessionCommand.ReplayPush(5, 9), Key),
        new(Session, new SessionCommand.ReplayPush(5, null), Key),
        new(Session, new SessionCommand.FindReferenced([new TaskStem(2, Task)]), null),
        new(Session, new SessionCommand.MakeCurrent(Task), Key),
        new(Session, new SessionCommand.AnswerChallenge(Task, ChallengeAnswerKind.UseCredential, "vendor", IsToken: true, 3), Key),
        new(Session, new SessionCommand.AnswerChallenge(Task, ChallengeAnswerKind.Cancel, null, IsToken: false, null), Key),
        new(Session, new SessionCommand.AnswerDelayedRequest(Task, Cancel: false, "https://b.example/", Headers, 3), Key),
        new(Session, new SessionCommand.PutGroup(Group, GroupMode.Serialized), null),
        new(Session, new SessionCommand.PutGroup(Group, null), null),
        new(Session, new SessionCommand.ActOnGroup(Group, GroupAct.Cancel), Key),
        new(Session, new SessionCommand.OpenCompletionGroup(Group), null),
        new(Session, new SessionCommand.EnableCompletionGroup(Group), Key),
        new(Session, new SessionCommand.GetCompletionGroup(Group), null),
        new(Session, new SessionCommand.GetGroup(Group), null),
        new(Session, new SessionCommand.ListGroups(Group, 50), null),
        new(Session, new SessionCommand.ListTasks(null, null, 0, 50, Group, Group), null),
        new(Session, new SessionCommand.SetPrefetch(new PrefetchSettings { Urls = [PrefetchUrl.Of("https://origin.example/a")], List = PrefetchUrl.Of("https://origin.example/l"), Every = TimeSpan.FromHours(1), Container = "default", Prefix = "p" }), null),
        new(Session, new SessionCommand.RemovePrefetch(), Key),
        new(Session, new SessionCommand.GetPrefetch(), null),
        new(Session, new SessionCommand.AddTask(new TaskSpec
        {
            Kind = TaskKind.Download,
            Url = "https://origin.example/a",
            Method = "GET",
            Kept = new KeptPart
            {
                Tenant = TenantId.Parse("acme"), Container = ContainerName.Default, Id = "hash.g1.t7", Part = "v1-1.e1.a1.part", Url = "https://origin.example/a",
                Bytes = 50, Ranges = RangeSet.Of(60, 70), Total = 100, Validator = "\"v1\"", At = At, Until = At,
            },
        }), Key),
    ];

    private static readonly PeerAnswer[] Answers =
    [
        new PeerAnswer.Replied(new CommandReply.Done(201, "{\"id\":\"t1\"}"u8.ToArray())),
        new PeerAnswer.Replied(new CommandReply.Refused(Problem)),
        .. Enum.GetValues<UnavailableReason>().Select(reason => new PeerAnswer.Replied(new CommandReply.Unavailable(reason, TimeSpan.FromMilliseconds(200), "Later."))),
        new PeerAnswer.NotOwner(null),
        new PeerAnswer.NotOwner(new Owner(3, 9, new NodeId(new Guid(4, 5, 6, new byte[8])), "http://10.0.0.7:5090")),
        new PeerAnswer.Failed(PeerFailure.NotAccepted, "Another incarnation."),
    ];

    [Fact]
    public void Commands_and_answers_keep_their_form()
    {
        var lines = new StringBuilder();
        foreach (var command in Commands)
            lines.Append(Encoding.UTF8.GetString(PeerCodec.Encode(command))).Append('\n');
        foreach (var answer in Answers)
        {
            var frame = PeerCodec.Encode(answer);
            lines.Append(frame.Status).Append(' ').Append(frame.Answer).Append(' ').Append(Encoding.UTF8.GetString(frame.Body.Span)).Append('\n');
        }
        var path = Path.Combine(Path.GetDirectoryName(Here())!, "Golden", "peers.txt");
        if (Environment.GetEnvironmentVariable("UPDATE_GOLDEN") == "1")
        {
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            File.WriteAllText(path, lines.ToString());
        }
        Assert.Equal(File.ReadAllText(path), lines.ToString());
    }

    [Fact]
    public void Every_command_has_a_name_and_a_sample()
    {
        var all = typeof(SessionCommand).GetNestedTypes(System.Reflection.BindingFlags.NonPublic | System.Reflection.BindingFlags.Public)
            .Where(type => type is { IsAbstract: false, IsInterface: false });
        Assert.Empty(all.Except(Commands.Select(command => command.Command.GetType())));
        Assert.Equal(all.Count(), PeerCodec.Names.Count());
    }

    [Fact]
    public void What_was_sent_is_what_arrives()
    {
        foreach (var command in Commands)
        {
            var bytes = PeerCodec.Encode(command);
            var back = PeerCodec.Decode(bytes, out var fault);
            Assert.True(back is not null, fault);
            Assert.Equal(command.Session, back.Session);
            Assert.Equal(command.Key, back.Key);
            Assert.Equal(command.Command.GetType(), back.Command.GetType());
            Assert.Equal(Encoding.UTF8.GetString(bytes), Encoding.UTF8.GetString(PeerCodec.Encode(back)));
        }
        foreach (var answer in Answers)
        {
            var frame = PeerCodec.Encode(answer);
            var again = PeerCodec.Encode(PeerCodec.Decode(3, frame));
            if (answer is PeerAnswer.Failed)
                continue; // its sentence gets the status
            Assert.Equal((frame.Status, frame.Answer, Encoding.UTF8.GetString(frame.Body.Span)), (again.Status, again.Answer, Encoding.UTF8.GetString(again.Body.Span)));
        }
    }

    [Fact]
    public void Fields_of_a_newer_release_are_passed_over() => Assert.Equal(
        new SessionCommand.Acknowledge(4),
        PeerCodec.Decode("""{"format":1,"session":"acme/orders","new":{"a":[1]},"type":"events.acknowledge.v1","command":{"through":4,"loudly":true}}"""u8.ToArray(), out _)!.Command);

    [Theory]
    [InlineData("""{"format":1,"session":"acme/orders","type":"session.dance.v1","command":{}}""", "session.dance.v1")]
    [InlineData("""{"format":2,"session":"acme/orders","type":"events.acknowledge.v1","command":{"through":4}}""", "format")]
    [InlineData("""{"format":1,"session":"orders","type":"events.acknowledge.v1","command":{"through":4}}""", "session")]
    [InlineData("""{"format":1,"session":"acme/orders","key":{"id":"x","hash":"y"},"type":"events.acknowledge.v1","command":{"through":4}}""", "key")]
    [InlineData("""{"format":1,"session":"acme/orders","type":"task.get.v1","command":{"task":"../x"}}""", "read")]
    [InlineData("""{"format":1,"session":"acme/orders","type":"task.add.v1","command":{"spec":{"url":"x"}}}""", "read")]
    [InlineData("""{"format":1,"session":"acme/orders","type":"task.get.v1","command":null}""", "empty")]
    [InlineData("""{"format":1}""", "")]
    [InlineData("null", "format")]
    [InlineData("[]", "read")]
    [InlineData("", "read")]
    [InlineData("{", "read")]
    public void What_this_release_cannot_carry_out_is_refused_with_a_sentence(string body, string says)
    {
        Assert.Null(PeerCodec.Decode(Encoding.UTF8.GetBytes(body), out var fault));
        Assert.NotEqual("", fault);
        Assert.Contains(says, fault, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(200, "", "{}")]
    [InlineData(502, "somethingNew", "{}")]
    [InlineData(503, PeerFrame.Unavailable, "<html>")]
    [InlineData(409, PeerFrame.Refused, "null")]
    public void An_answer_that_cannot_be_read_is_an_unknown_outcome(int status, string answer, string body) =>
        Assert.Equal(PeerFailure.Unknown, Assert.IsType<PeerAnswer.Failed>(PeerCodec.Decode(0, new PeerFrame(status, answer, Encoding.UTF8.GetBytes(body)))).Stage);

    [Fact]
    public void A_reason_of_a_newer_release_is_one_to_wait_for() => Assert.Equal(
        UnavailableReason.Acquiring,
        Assert.IsType<CommandReply.Unavailable>(Assert.IsType<PeerAnswer.Replied>(PeerCodec.Decode(
            0, new PeerFrame(503, PeerFrame.Unavailable, """{"reason":"napping","retryAfterMs":5,"detail":"x"}"""u8.ToArray()))).Reply).Reason);

    private static string Here([CallerFilePath] string file = "") => file;
}

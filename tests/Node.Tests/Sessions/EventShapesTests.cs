using System.Runtime.CompilerServices;
using System.Text;
using Backhaul.Node.Files;
using Backhaul.Node.Sessions;
using Backhaul.Node.Transfers;
using Backhaul.Protocol;
using Xunit;

namespace Backhaul.Node.Tests.Sessions;

/// <summary>
/// The persisted form of every event, held against a golden file: journals of earlier releases must stay readable, so a line of it may
/// be added and never changed. <c>UPDATE_GOLDEN=1</c> writes the file anew; the diff is the review.
/// </summary>
public sealed class EventShapesTests
{
    private static readonly DateTimeOffset At = new(2026, 1, 2, 3, 4, 5, TimeSpan.Zero);
    private static readonly TaskId Task = TaskId.Parse("t7");
    private static readonly GroupName Group = GroupName.Parse("seasons");
    private static readonly TaskError Error = new() { Code = "connectionLost", Message = "It broke." };
    private static readonly FileView File = new() { Container = "default", Path = "a/b.bin", Length = 10, Sha256 = "00ff" };
    private static readonly Dictionary<string, string> Headers = new() { ["ETag"] = "\"v1\"" };

    private static readonly SessionEvent[] Samples =
    [
        new SessionCreated(2, new SessionConfiguration { RequestTimeout = TimeSpan.FromSeconds(60), Container = "default", AdditionalHeaders = Headers }, At),
        new SessionConfigured(3, new SessionConfiguration { MaxConnectionsPerHost = 4, Retry = new RetryConfiguration { First = TimeSpan.FromSeconds(1), Statuses = [503] } }, At),
        new SessionConfigured(4, new SessionConfiguration
        {
            Credentials = [new CredentialRule { Host = "origin.example:8443", Realm = "files", Scheme = "digest", Secret = "user" }],
            Proxy = "egress",
            Tls = new TlsConfiguration { Minimum = "1.3", ClientCertificate = "me" },
        }, At),
        new SessionPaused(At),
        new SessionUnpaused(At),
        new SessionEnding(EndMode.ForceQuit, 9, At),
        new SessionForceQuitEnded(At),
        new SessionInvalidated(At),
        new TaskCreated(Task, 7, new TaskSpec
        {
            Id = TaskId.Parse("own"), Kind = TaskKind.Download, Url = "https://origin.example/a", Method = "GET", Headers = Headers,
            Destination = new FileReference(ContainerName.Default, ContainerPath.Parse("a/b.bin")), Description = "text", Start = false, Priority = 0.75,
            EarliestBeginAt = At, Deadline = At, ExpectedBytes = new ExpectedBytes { Receive = 5 }, Sha256 = "00ff", AcceptStatus = ["404"],
            Retry = new RetryConfiguration { Longest = TimeSpan.FromMinutes(1) }, SourceChange = SourceChangePolicy.Fail, MaxBytes = 100,
        }, 3, At, "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
        new TaskCreated(Task, 7, new TaskSpec
        {
            Kind = TaskKind.Upload, Url = "https://origin.example/a", Method = "PUT", Source = new FileReference(null, ContainerPath.Parse("a/b.bin")),
        }, 1, At),
        new TaskCreated(Task, 7, new TaskSpec
        {
            Kind = TaskKind.Upload, Url = "https://origin.example/a", Method = "POST", Multipart = new MultipartForm { Subtype = "related", Boundary = "b" },
            UploadProtocol = UploadProtocol.Resumable,
            Parts =
            [
                new ContentPart { Name = "n", Text = "text" },
                new ContentPart { Name = "f", FileName = "a.bin", Headers = Headers, Source = new FileReference(null, ContainerPath.Parse("a/b.bin")) },
            ],
        }, 1, At),
        new TaskChanged(Task, new TaskChange { Url = "https://b.example/", Priority = 1, Description = "other", EarliestBeginAt = At, Headers = Headers }, At),
        new TaskSuspended(Task, At),
        new TaskReleased(Task, At),
        new TaskCancelRequested(Task, "forceQuit", At),
        new TaskCancelRequested(Task, "cancelled", At) { Keep = true },
        new TaskStarted(Task, 2, 40, At) { ResourceDeadline = At },
        new TaskResponded(Task, 2, Response(), At),
        new TaskContinued(Task, 2, 40, 100, At),
        new TaskRestarted(Task, 2, 2, "The origin's file changed.", At),
        new TaskExpectationExceeded(Task, 1000, 5_000_000, At),
        new TaskRedirected(Task, 2, "https://b.example/", 302, At),
        new TaskCheckpointed(Task, 2, new PartCheckpoint
        {
            Part = "p", Bytes = 50, Total = 100, Validator = "\"v1\"", Complete = true, Identity = new FileIdentity(1, 2, 3), Sha256 = "00ff",
        }, At),
        new TaskCheckpointed(Task, 2, new PartCheckpoint
        {
            Part = "p", Bytes = 50, Ranges = RangeSet.Of([new ByteRange(60, 70), new ByteRange(80, 90)]), Total = 100, Validator = "\"v1\"",
        }, At),
        new TaskCheckpointed(Task, 2, new PartCheckpoint
        {
            Part = "upload", Bytes = 50, Total = 100,
            Upload = new UploadState
            {
                Protocol = UploadProtocol.Tus, Location = "https://target.example/u/1", Offset = 50, Length = 100, Source = new FileIdentity(1, 2, 3),
                DraftVersion = 8, UploadId = "u", Parts = [new UploadedPart { Number = 1, ETag = "\"e\"", Bytes = 50 }],
            },
        }, At),
        new TaskRangesWanted(Task, RangeSet.Of(10, 20), At) { DeferredUntil = At },
        new TaskRangesReleased(Task, At),
        new TaskRangesDownloaded(Task, RangeSet.Of(10, 20), 100, At),
        new TaskCheckpointed(Task, 2, new PartCheckpoint
        {
            Part = "p", Bytes = 50, Total = 100, Validator = "\"v1\"",
            Object = new ObjectUpload { UploadId = "u", PartBytes = 50, Grows = true, Length = 100, Parts = [new ObjectPart(1, "e1"), new ObjectPart(2, "e2")] },
        }, At),
        new TaskAttemptEnded(Task, 2, AttemptDecisions.Retried, 50, 503, Error, DiscardPart: true, At),
        new TaskWaiting(Task, WaitReasons.Retry, At, Error, At),
        new TaskWaiting(Task, WaitReasons.Credential, Until: null, Error, At),
        new TaskChallenged(Task, 2, new AttemptChallenge
        {
            Scheme = "digest", Realm = "files", Host = "origin.example", Port = 443, IsProxy = true, WasRefused = true,
        }, 3, At),
        new TaskFinishedFile(Task, File, At),
        new TaskCompleted(Task, TaskOutcomes.Succeeded, Error, 200, 10, 5, "verified", "00ff", File, At) { Response = Response() },
        new TaskCompleted(Task, TaskOutcomes.Cancelled, Error, null, 50, 0, null, null, null, At)
        {
            Kept = new KeptPart
            {
                Tenant = TenantId.Parse("acme"), Container = ContainerName.Default, Id = "hash.g1.t7", Part = "v1-1.e1.a1.part", Url = "https://origin.example/a",
                Bytes = 50, Ranges = RangeSet.Of(60, 70), Total = 100, Validator = "\"v1\"", At = At, Until = At,
            },
            KeptWhy = "Its part is kept.",
        },
        new TaskCompleted(Task, TaskOutcomes.Succeeded, null, 304, 0, 0, "verified", null, null, At)
        {
            Fetched = new FetchedFile("W/\"v1\"", new FileIdentity(1, 2, 3)), Unchanged = true,
        },
        new UploadAbandoned(2, Task, Told: true, At),
        new TaskCreated(Task, 7, new TaskSpec { Kind = TaskKind.Download, Url = "https://origin.example/a", Method = "GET", Group = Group }, 1, At),
        new TaskChallengeAnswered(Task, ChallengeAnswerKind.UseCredential, new CredentialRule { Host = "origin.example:443", Realm = "files", Scheme = "digest", Secret = "sealed1:00:AA==" }, At),
        new TaskChallengeAnswered(Task, ChallengeAnswerKind.RejectProtectionSpace, null, At),
        new TaskCreated(Task, 7, new TaskSpec
        {
            Kind = TaskKind.Download, Url = "https://origin.example/a", Method = "GET",
            AskBeforeStart = new AskBeforeStart { When = "everyAttempt", Timeout = TimeSpan.FromMinutes(1), Default = "cancel" },
        }, 1, At),
        new TaskCreated(Task, 7, new TaskSpec { Kind = TaskKind.Download, Url = "https://origin.example/a", Method = "GET", Unconstrained = true }, 1, At) { Unconstrained = false },
        new TaskChanged(Task, new TaskChange { Unconstrained = true }, At) { Unconstrained = true },
        new TaskChanged(Task, new TaskChange { Notify = new TaskNotify { Success = "https://hooks.example/", Secret = "hooks" } }, At),
        new TaskWaiting(Task, WaitReasons.RecoverableStatus, Until: null, Error, At)
        {
            Response = new AttemptResponse { Url = "https://origin.example/a", Status = 403, Headers = Headers, Resumable = false, ResumableWhy = "status", From = 0 },
        },
        new TaskDelayedRequest(Task, 2, "https://origin.example/a", At, "continue", At),
        new TaskRequestDecided(Task, "https://b.example/", Headers, ByDefault: false, At),
        new TaskRequestDecided(Task, null, null, ByDefault: true, At),
        new GroupConfigured(Group, GroupMode.Serialized, At),
        new GroupActing(Group, GroupAct.Suspend, 9, At),
        new GroupActed(Group, 7, At),
        new GroupCompleted(Group, new EndedCounts(1, 2, 3, 4), At),
        new TaskMadeCurrent(Task, At),
        new TaskCreated(Task, 7, new TaskSpec { Kind = TaskKind.Download, Url = "https://origin.example/a", Method = "GET", CompletionGroup = Group }, 1, At),
        new CompletionOpened(Group, At),
        new CompletionEnabled(Group, At),
        new CompletionFired(Group, new EndedCounts(1, 2, 3, 4), At),
        new EventsAcknowledged(12, At),
        new EventsDrained(At),
        new WebhookDelivered(WebhookTarget.Push, 12, 204, At),
        new WebhookFailed(WebhookTarget.Push, 12, 3, 503, "It answered 503.", At, At),
        new WebhookDisabled(WebhookTarget.Push, "It answered 410.", At),
        new WebhookEnabled(WebhookTarget.Push, At),
        new PushReplayed(5, At),
        new PushReplayed(5, At) { Through = 9 },
        new LaunchRequested(3, LaunchReasons.TasksEnded, 12, 2, At),
        new LaunchEnded(3, LaunchEnds.Completed, At),
        new ClientAttached(At),
        new EventsExpired(3, 12, At),
        new TaskDeadlineNear(Task, At, "running", 50, 0, At) { Total = 100, Eta = TimeSpan.FromSeconds(7) },
        new TaskCreated(Task, 7, new TaskSpec
        {
            Kind = TaskKind.Download, Url = "https://origin.example/a", Method = "GET",
            Notify = new TaskNotify { Success = "https://a.example/", Failure = "https://b.example/", Secret = "hooks" },
        }, 1, At),
        new WebhookDelivered(WebhookTarget.Notify, 12, 204, At),
        new TaskCreated(Task, 7, new TaskSpec { Kind = TaskKind.Download, Url = "https://origin.example/a", Method = "GET" }, 1, At) { Discretionary = true, Prefetch = true },
        new PrefetchSet(new PrefetchSettings { Urls = [PrefetchUrl.Of("https://origin.example/a")], List = PrefetchUrl.Of("https://origin.example/l"), Every = TimeSpan.FromHours(1), Container = "default", Prefix = "p" }, At),
        new PrefetchRemoved(At),
        new PrefetchBegan(3, Task, At) { Refused = [new PrefetchRefusal("https://origin.example/a", "00ff", Error)] },
        new PrefetchListed(3, 100, IsLast: true, At) { Refused = [new PrefetchRefusal("nonsense", "00ff", Error)], Error = Error },
        new PrefetchEnded(3, Succeeded: true, At),
        new CommandAnswered(new Guid(1, 2, 3, new byte[8]), 42, 201, "{}"u8.ToArray(), At),
    ];

    [Fact]
    public void Every_event_keeps_its_persisted_form()
    {
        var lines = new StringBuilder();
        foreach (var sample in Samples)
        {
            var stored = SessionEvent.Codec.Encode(sample);
            lines.Append(stored.Name).Append(stored.Numbered ? " # " : " - ").Append(Encoding.UTF8.GetString(stored.Payload.Span)).Append('\n');
        }
        var path = Path.Combine(Path.GetDirectoryName(Here())!, "Golden", "events.txt");
        if (Environment.GetEnvironmentVariable("UPDATE_GOLDEN") == "1")
        {
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            System.IO.File.WriteAllText(path, lines.ToString());
        }
        Assert.Equal(System.IO.File.ReadAllText(path), lines.ToString());
    }

    [Fact]
    public void Every_registered_event_has_a_sample() =>
        Assert.Equal(SessionEvent.Codec.Names, Samples.Select(sample => SessionEvent.Codec.Encode(sample).Name).Distinct().Order(StringComparer.Ordinal));

    private static AttemptResponse Response() => new()
    {
        Url = "https://origin.example/a",
        Status = 206,
        Headers = Headers,
        Resumable = true,
        ResumableWhy = "It has a strong ETag.",
        From = 40,
        Total = 100,
    };

    private static string Here([CallerFilePath] string file = "") => file;
}

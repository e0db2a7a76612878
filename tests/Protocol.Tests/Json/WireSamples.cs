using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Backhaul.Protocol.Tests.Json;

/// <summary>One value of every record, with every field set, and the smallest where that looks different.</summary>
internal static class WireSamples
{
    private static readonly DateTimeOffset At = new(2026, 11, 21, 10, 30, 0, 250, TimeSpan.Zero);

    private static readonly SessionConfiguration Configuration = new()
    {
        AdditionalHeaders = One("X-Team", "media"),
        RequestTimeout = TimeSpan.FromSeconds(60),
        ResourceTimeout = TimeSpan.FromDays(7),
        MaxConnectionsPerHost = 6,
        Container = "default",
        AcceptStatus = ["404", "500-599"],
        FileRetention = TimeSpan.FromDays(30),
        Retry = new RetryConfiguration { First = TimeSpan.FromSeconds(1), Longest = TimeSpan.FromMinutes(5), Statuses = [408, 429, 503] },
        Credentials = [new CredentialRule { Host = "example.org:8443", Realm = "files", Scheme = "digest", Secret = "vendor" }],
        Proxy = "egress",
        Tls = new TlsConfiguration { Minimum = "1.3", ClientCertificate = "vendor-certificate" },
        EventRetention = TimeSpan.FromDays(14),
        SendsLaunchEvents = true,
        Launch = new LaunchConfiguration { Url = "https://hooks.example.org/launch", Secret = "hooks" },
        LaunchLimit = new LaunchLimitConfiguration { PerHour = 4, MinimumSpacing = TimeSpan.FromMinutes(15) },
        Push = new PushConfiguration { Url = "https://hooks.example.org/in", Secret = "hooks", Types = ["taskCompleted"] },
    };

    private static readonly TaskError Error = new() { Code = "httpStatus", Message = "The origin answered 503 Service Unavailable." };

    private static readonly Digest Sha = new() { Algorithm = "sha-256", Value = new string('0', 64) };

    private static readonly TaskProgress Progress = new()
    {
        BytesReceived = 1_048_576,
        BytesSent = 0,
        TotalToReceive = 4_194_304,
        TotalToSend = 0,
        BytesPerSecond = 524_288,
        Eta = TimeSpan.FromSeconds(6),
        Generation = 1,
    };

    private static readonly FileView File = new() { Container = "default", Path = "photos/é 1.jpg", Length = 4_194_304, Sha256 = new string('0', 64), ETag = "\"a-1\"" };

    private static readonly TaskNotify Notify = new() { Success = "https://hooks.example.org/done", Failure = "https://hooks.example.org/failed", Secret = "hooks" };

    private static readonly TaskView Task = new()
    {
        Id = "photo-1",
        Kind = "download",
        Url = "https://example.org/photo.jpg",
        Method = "GET",
        State = "waiting",
        Reason = "retry",
        NextEvaluationAt = At.AddSeconds(4),
        Outcome = "failed",
        Challenge = new ChallengeView { Scheme = "digest", Realm = "files", Host = "example.org", Port = 443, IsProxy = false, WasRefused = true, Count = 2 },
        Error = Error,
        Headers = One("Authorization", "***"),
        Source = FileReference.Parse("default/in/a.bin"),
        Destination = FileReference.Parse("default/photos/é 1.jpg"),
        Description = "A photo",
        Priority = 0.5,
        Group = "seasons",
        CompletionGroup = "season-1",
        AskBeforeStart = new AskBeforeStart { When = "everyAttempt", Timeout = TimeSpan.FromMinutes(1), Default = "cancel" },
        EarliestBeginAt = At,
        Deadline = At.AddDays(1),
        Unconstrained = true,
        UnconstrainedVerdict = "granted",
        Prefetch = true,
        ExpectedBytes = new ExpectedBytes { Send = 0, Receive = 4_194_304 },
        Digest = Sha,
        MaxBytes = 10_000_000,
        Notify = Notify,
        Progress = Progress,
        Response = new ResponseView { Url = "https://example.org/photo.jpg", Status = 200, Headers = One("etag", "\"a\"") },
        Resumable = new ResumableView { Verdict = "yes", Why = "The origin gave a strong ETag and takes ranges." },
        Integrity = "verified",
        Attempts = 2,
        File = File,
        CreatedAt = At,
        StartedAt = At.AddSeconds(1),
        EndedAt = At.AddSeconds(9),
    };

    private static readonly TaskCounts Counts = new() { Suspended = 1, Waiting = 2, Running = 3, Canceling = 4, Succeeded = 5, Failed = 6, Cancelled = 7, Expired = 8 };

    private static readonly GroupView Group = new() { Name = "seasons", Mode = "serialized", Counts = Counts, Next = "t7", Created = true };

    internal static IReadOnlyList<(string Name, object Value, JsonTypeInfo Type)> All { get; } =
    [
        ("session-configuration", Configuration, ProtocolJson.Default.SessionConfiguration),
        ("session-configuration-smallest", new SessionConfiguration(), ProtocolJson.Default.SessionConfiguration),
        ("session-view", Session(), ProtocolJson.Default.SessionView),
        ("session-list", new Page<SessionListItem> { Items = [ListItem()], Next = "eyJhIjoxfQ" }, ProtocolJson.Default.PageSessionListItem),
        ("session-list-last-page", new Page<SessionListItem> { Items = [], Next = null }, ProtocolJson.Default.PageSessionListItem),
        ("task-request", Request(), ProtocolJson.Default.TaskRequest),
        ("task-request-smallest", new TaskRequest { Kind = "download", Url = "https://example.org/a.bin" }, ProtocolJson.Default.TaskRequest),
        ("task-request-array", new[] { new TaskRequest { Kind = "download", Url = "https://example.org/a.bin" } }, ProtocolJson.Default.TaskRequestArray),
        ("task-change", new TaskChange
        {
            Url = "https://example.org/b.bin",
            Headers = One("Authorization", "Bearer b"),
            Priority = 1,
            Description = "B",
            EarliestBeginAt = At,
            Unconstrained = true,
            Notify = new TaskNotify { Success = "https://hooks.example.org/done", Secret = "hooks" },
        }, ProtocolJson.Default.TaskChange),
        ("task-view", Task, ProtocolJson.Default.TaskView),
        ("task-list", new Page<TaskView> { Items = [Task], Next = null }, ProtocolJson.Default.PageTaskView),
        ("task-why", new WhyView { Id = "photo-1", State = "waiting", Reason = "retry", Sentence = "Attempt 2 failed; the next starts in 4 s.", NextEvaluationAt = At },
            ProtocolJson.Default.WhyView),
        ("task-attempts", new Page<AttemptView> { Items = [Attempt()], Next = null }, ProtocolJson.Default.PageAttemptView),
        ("task-attempts-phases", new Page<AttemptView>
        {
            Items =
            [
                Attempt() with
                {
                    Phases = new PhasesView
                    {
                        Dns = TimeSpan.FromMilliseconds(4), Connect = TimeSpan.FromMilliseconds(20), Tls = TimeSpan.FromMilliseconds(45), FirstByte = TimeSpan.FromMilliseconds(90),
                    },
                },
            ],
            Next = null,
        }, ProtocolJson.Default.PageAttemptView),
        ("task-ranges-request", new RangesRequest { Ranges = [[0, 4096], [1_048_576, 1_052_672]], Deferral = TimeSpan.FromSeconds(30) }, ProtocolJson.Default.RangesRequest),
        ("task-ranges-release", new RangesRequest { Release = true }, ProtocolJson.Default.RangesRequest),
        ("task-ranges", new RangesView
        {
            Id = "photo-1", Downloaded = [[0, 4096]], Wanted = [[1_048_576, 1_052_672]], Total = 2_097_152, Generation = 1, DeferredUntil = At,
        }, ProtocolJson.Default.RangesView),
        ("challenge-answer", new ChallengeAnswer
        {
            Answer = "useCredential", Secret = "vendor", Credential = new GivenCredential { UserName = "a", Password = "b", Token = "c" }, Attempt = 2,
        }, ProtocolJson.Default.ChallengeAnswer),
        ("delayed-request-answer", new DelayedRequestAnswer
        {
            Answer = "useNewRequest", Url = "https://example.org/b.bin", Headers = One("Authorization", "Bearer b"), Attempt = 2,
        }, ProtocolJson.Default.DelayedRequestAnswer),
        ("prefetch-request", new PrefetchRequest
        {
            Urls = ["https://example.org/a.bin"], ListUrl = "https://example.org/list", Every = TimeSpan.FromHours(6), Container = "default", Prefix = "cache",
        }, ProtocolJson.Default.PrefetchRequest),
        ("prefetch-view", Prefetch(), ProtocolJson.Default.PrefetchView),
        ("group-request", new GroupRequest { Mode = "serialized" }, ProtocolJson.Default.GroupRequest),
        ("group-view", Group, ProtocolJson.Default.GroupView),
        ("group-list", new Page<GroupView> { Items = [Group], Next = "eyJhIjoxfQ" }, ProtocolJson.Default.PageGroupView),
        ("task-resume-data", new ResumeDataView
        {
            Id = "photo-1", ResumeData = "bh-resume-1.e30.c2VhbA", Why = "Its part is kept.", Bytes = 4096, Total = 2_097_152, ExpiresAt = At,
        }, ProtocolJson.Default.ResumeDataView),
        ("task-resume-data-none", new ResumeDataView { Id = "photo-1", Why = "Nothing had been received and made durable." }, ProtocolJson.Default.ResumeDataView),
        ("task-from-resume-data", new TaskRequest { ResumeData = "bh-resume-1.e30.c2VhbA" }, ProtocolJson.Default.TaskRequest),
        ("completion-group-view", new CompletionGroupView
        {
            Name = "season-1", State = "fired", Counts = new CompletionCounts { Left = 0, Succeeded = 5, Failed = 6, Cancelled = 7, Expired = 8 }, Event = 17, Created = true,
        }, ProtocolJson.Default.CompletionGroupView),
        ("task-results", new TaskResult[] { new() { Index = 0, Status = 201, Id = "t1", UnconstrainedVerdict = "denied" }, new() { Index = 1, Status = 400, Error = Error } },
            ProtocolJson.Default.IReadOnlyListTaskResult),
        ("bulk-chunk", new BulkChunk { From = 500, Count = 500, Accepted = 500, FirstId = "t501", LastId = "t1000" }, ProtocolJson.Default.BulkChunk),
        ("bulk-chunk-mixed", new BulkChunk { From = 0, Count = 1, Accepted = 0, Results = [new TaskResult { Index = 0, Status = 400, Error = Error }] },
            ProtocolJson.Default.BulkChunk),
        ("bulk-chunk-error", new BulkChunk { From = 0, Count = 0, Accepted = 0, Error = Error }, ProtocolJson.Default.BulkChunk),
        ("event", Event(), ProtocolJson.Default.EventView),
        ("event-page", new EventPage { Events = [Event()], Last = 17, Acknowledged = 12 }, ProtocolJson.Default.EventPage),
        ("event-progress", new ProgressView { Task = "photo-1", Progress = Progress }, ProtocolJson.Default.ProgressView),
        ("ack-request", new AckRequest { Through = 17 }, ProtocolJson.Default.AckRequest),
        ("launch-view", new LaunchView { Number = 3, Newest = 3, Completed = true }, ProtocolJson.Default.LaunchView),
        ("webhook-view", new WebhookView
        {
            Target = "push", Url = "https://example.org/hooks", Enabled = false, DisabledAt = At, DisabledWhy = "It failed 10 times.", Pending = 5, NextAt = At,
            LastFailure = new WebhookFailureView { At = At, Number = 13, Attempt = 10, Status = 503, Why = "It answered 503." },
            Replay = new ReplayView { After = 4, Through = 9 },
        }, ProtocolJson.Default.WebhookView),
        ("webhook-test-view", new WebhookTestView
        {
            Id = "msg_1", Url = "https://example.org/hooks", Taken = true, Status = 204, Took = TimeSpan.FromMilliseconds(87), Why = "It answered 204.",
        }, ProtocolJson.Default.WebhookTestView),
        ("replay-request", new ReplayRequest { From = 5, Through = 9 }, ProtocolJson.Default.ReplayRequest),
        ("task-notification", new TaskNotificationData
        {
            Session = "photos", Generation = 1, Task = "photo-1", Event = 17, Kind = "download", Url = "https://example.org/photo.jpg", Description = "A photo", Outcome = "failed",
            Error = Error, Status = 200, BytesReceived = 4_194_304, BytesSent = 0, Integrity = "verified", Sha256 = new string('0', 64), File = File, Attempts = 2,
            CreatedAt = At, StartedAt = At.AddSeconds(1), EndedAt = At.AddSeconds(9),
        }, ProtocolJson.Default.TaskNotificationData),
        ("ack-view", new AckView { Acknowledged = 17, Last = 17 }, ProtocolJson.Default.AckView),
        ("file-view", File, ProtocolJson.Default.FileView),
        ("file-move-request", new FileMoveRequest { Destination = FileReference.Parse("default/photos/é 1.jpg"), Session = "photos", Overwrite = false },
            ProtocolJson.Default.FileMoveRequest),
        ("file-move-request-smallest", new FileMoveRequest { Destination = new FileReference(null, ContainerPath.Parse("photos/é 1.jpg")) },
            ProtocolJson.Default.FileMoveRequest),
        ("problem", new Problem
        {
            Title = "Bad Request",
            Status = 400,
            Code = ProblemCodes.InvalidUrl,
            Detail = "A URL is absolute and has no user information; leave out user:password@.",
            Field = "$.url",
        }, ProtocolJson.Default.Problem),
    ];

    private static SessionView Session() => new()
    {
        Identifier = "photos",
        Generation = 1,
        State = "active",
        Created = true,
        CreatedAt = At,
        Configuration = Configuration,
        ConfigurationVersion = 1,
        Counts = Counts,
        LastEvent = 17,
        Acknowledged = 12,
        Attached = true,
        Notifications = new NotificationsView
        {
            Pending = 2,
            GivenUp = 1,
            LastGivenUp = [new GivenUpView { Task = "photo-1", Generation = 1, Url = "https://hooks.example.org/failed", Attempts = 10, Why = "It answered 500.", At = At }],
        },
    };

    private static SessionListItem ListItem() => new() { Identifier = "photos", Generation = 1, State = "active", LastEvent = 17, WakeAt = At };

    private static PrefetchView Prefetch() => new()
    {
        Urls = ["https://example.org/a.bin"],
        ListUrl = "https://example.org/list",
        Every = TimeSpan.FromHours(6),
        Container = "default",
        Prefix = "cache",
        LastSuccessfulPrefetch = At,
        NextRoundAt = At.AddHours(6),
        Round = new PrefetchRound
        {
            Number = 3,
            State = "failed",
            StartedAt = At,
            EndedAt = At.AddSeconds(9),
            Succeeded = 1,
            Failed = 1,
            Pending = 0,
            Unchanged = 1,
            BytesSpared = 4_194_304,
            ListError = Error,
            Items =
            [
                new PrefetchItem { Url = "https://example.org/list", File = FileReference.Parse("default/cache/0"), Task = "t1", Outcome = "succeeded", Unchanged = true, IsList = true },
                new PrefetchItem { Url = "entry 2 of the list", Outcome = "refused", Error = Error },
            ],
        },
        Created = true,
    };

    private static TaskRequest Request() => new()
    {
        Id = "photo-1",
        Kind = "download",
        Url = "https://example.org/photo.jpg",
        Method = "GET",
        Headers = One("Authorization", "Bearer a"),
        Source = FileReference.Parse("default/in/a.bin"),
        Destination = new FileReference(null, ContainerPath.Parse("photos/é 1.jpg")),
        Description = "A photo",
        Start = true,
        Priority = 0.5,
        Group = "seasons",
        CompletionGroup = "season-1",
        AskBeforeStart = new AskBeforeStart { When = "everyAttempt", Timeout = TimeSpan.FromMinutes(1), Default = "cancel" },
        EarliestBeginAt = At,
        Deadline = At.AddDays(1),
        ExpectedBytes = new ExpectedBytes { Send = 0, Receive = 4_194_304 },
        Digest = Sha,
        AcceptStatus = ["404"],
        Retry = new RetryConfiguration { First = TimeSpan.FromSeconds(1), Longest = TimeSpan.FromMinutes(5), Statuses = [503] },
        SourceChange = "restart",
        MaxBytes = 10_000_000,
        Parts = Parts,
        Multipart = new MultipartForm { Subtype = "form-data", Boundary = "between" },
        UploadProtocol = "auto",
        Unconstrained = true,
        Notify = Notify,
    };

    private static readonly ContentPart[] Parts =
    [
        new() { Name = "title", Text = "A photo" },
        new() { Name = "photo", FileName = "1.jpg", Headers = One("Content-Type", "image/jpeg"), Source = FileReference.Parse("default/in/a.jpg") },
    ];

    private static AttemptView Attempt() => new()
    {
        Number = 2,
        StartedAt = At,
        EndedAt = At.AddSeconds(9),
        From = 524_288,
        To = 1_048_576,
        Status = 206,
        Decision = "retried",
        Error = Error,
    };

    private static EventView Event() => new()
    {
        Number = 17,
        Type = EventTypes.TaskCompleted,
        At = At,
        Task = "photo-1",
        Data = JsonSerializer.SerializeToElement(One("outcome", "succeeded")),
    };

    private static Dictionary<string, string> One(string name, string value) => new(StringComparer.Ordinal) { [name] = value };
}

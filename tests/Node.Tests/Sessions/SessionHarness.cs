using System.Text.Json;
using Backhaul.Node.Journal;
using Backhaul.Node.Sessions;
using Backhaul.Node.Transfers;
using Backhaul.Protocol;
using Xunit;

namespace Backhaul.Node.Tests.Sessions;

/// <summary>
/// A session without actor and journal: decides, applies, and applies what came through the codec to a replica, so that every test
/// also shows that the journal's form of the events leads to the same state (I5).
/// </summary>
internal sealed class SessionHarness
{
    public static readonly SessionKey Key = SessionKey.Parse("acme/nightly");

    private readonly Session _replica;

    public SessionHarness(SessionOptions? options = null)
    {
        Session = new Session(Key, options ?? new SessionOptions());
        _replica = new Session(Key, options ?? new SessionOptions());
    }

    public Session Session { get; private set; }

    public DateTimeOffset Now { get; set; } = new(2026, 1, 2, 3, 4, 5, TimeSpan.Zero);

    public List<SessionEvent> History { get; } = [];

    public Dictionary<TaskId, TaskState> Archived { get; } = [];

    public static TaskSpec Download(string? id = null, string url = "https://origin.example/a.bin") => new()
    {
        Id = id is null ? null : TaskId.Parse(id),
        Kind = TaskKind.Download,
        Url = url,
        Method = "GET",
    };

    public SessionHarness Opened(SessionConfiguration? configuration = null)
    {
        Assert.IsType<CommandReply.Done>(Do(new SessionCommand.Open(configuration)));
        return this;
    }

    public CommandReply Do(SessionCommand command)
    {
        var before = SessionSnapshot.Of(Session).Encode();
        var decision = SessionDecider.Decide(Session, command, Archived, Now);
        Assert.Equal(before, SessionSnapshot.Of(Session).Encode()); // deciding changes nothing
        Apply(decision.Events);
        // What waits for the end of its task is decided again when that is there.
        return decision.AwaitsEnd && command is SessionCommand.ITaskCommand { Task: var id } && Archived.ContainsKey(id) ? Do(command) : decision.Reply(Session, Conditions());
    }

    public TaskView Task(SessionCommand command) => Body(Do(command), ProtocolJson.Default.TaskView);

    public Problem Problem(SessionCommand command) => Assert.IsType<CommandReply.Refused>(Do(command)).Problem;

    public TaskId Add(TaskSpec? spec = null) => TaskId.Parse(Task(new SessionCommand.AddTask(spec ?? Download())).Id);

    public TaskView View(TaskId id) => TaskViews.View(Session.Tasks.TryFind(id, out var live) ? live : Archived[id], Session, Conditions());

    public int Start(TaskId id)
    {
        Session.Tasks.Promote(Now);
        var started = AttemptDecider.Start(Session, id, Now);
        Apply([started]);
        return started.Attempt;
    }

    public bool Report(TaskId id, int attempt, AttemptReport report, double unit = 0.5)
    {
        var events = AttemptDecider.Report(Session, id, attempt, report, Now, unit);
        Apply(events ?? []);
        return events is not null;
    }

    public void Settle()
    {
        Session.Tasks.Promote(Now);
        while (AttemptDecider.Continue(Session, Now) is { Count: > 0 } events)
            Apply(events);
    }

    public void Apply(IReadOnlyList<SessionEvent> events)
    {
        foreach (var happened in events)
        {
            Session.Apply(happened);
            foreach (var ended in Session.TakeEnded())
                Archived[ended.Id] = SessionStorage.Read(SessionStorage.Archived(Session.Generation, ended));
            var stored = SessionEvent.Codec.Encode(happened);
            var decoded = Assert.IsType<DecodeResult<SessionEvent>.Decoded>(SessionEvent.Codec.Decode(stored.Name, stored.Payload));
            _replica.Apply(decoded.Event);
            _replica.TakeEnded();
            History.Add(happened);
        }
    }

    /// <summary>The fold of the journal, and snapshot plus nothing, both equal the state.</summary>
    public void AssertReplaysEqual()
    {
        var state = SessionSnapshot.Of(Session).Encode();
        Assert.Equal(Text(state), Text(SessionSnapshot.Of(_replica).Encode()));
        var restored = new Session(Key, Session.Options);
        restored.Restore(SessionSnapshot.Decode(SessionSnapshot.Format, state)!);
        Assert.Equal(Text(state), Text(SessionSnapshot.Of(restored).Encode()));
        Session.Tasks.Promote(Now);
        restored.Tasks.Promote(Now);
        Assert.Equal(Session.Tasks.Ready.Count, restored.Tasks.Ready.Count);
        Assert.Equal(Session.Tasks.ActiveCount, restored.Tasks.ActiveCount);
        Assert.Equal(Session.Tasks.NextDue(), restored.Tasks.NextDue());
    }

    public static AttemptReport.Ended Finished(long bytes = 10, FileView? file = null) => new(new AttemptOutcome.Finished(
        new AttemptResponse { Url = "https://origin.example/a.bin", Status = 200, Headers = new Dictionary<string, string>(), Resumable = true, ResumableWhy = "strong ETag", From = 0, Total = bytes },
        bytes, 0, file ?? new FileView { Container = "default", Path = "a.bin", Length = bytes }, Verified: true, Sha256: null));

    public static AttemptReport.Ended Failed(string code = TransferCodes.ConnectionLost, bool retryable = true, TimeSpan? retryAfter = null, string? waitReason = null) =>
        new(new AttemptOutcome.Failed(new AttemptFailure { Code = code, Message = "It broke.", Retryable = retryable, RetryAfter = retryAfter, WaitReason = waitReason }));

    public static AttemptReport.Ended Challenged(bool wasRefused = false, string realm = "files") => new(new AttemptOutcome.Failed(new AttemptFailure
    {
        Code = TransferCodes.Credential,
        Message = "It asks.",
        Retryable = true,
        Status = 401,
        Challenge = new AttemptChallenge { Scheme = "basic", Realm = realm, Host = "origin.example", Port = 443, WasRefused = wasRefused },
    }));

    public static AttemptReport.Ended Stopped() => new(new AttemptOutcome.Stopped(0));

    public static AttemptReport.Checkpointed Checkpoint(long bytes) =>
        new(new PartCheckpoint { Part = "p1", Bytes = bytes, Total = 100, Validator = "\"v1\"" });

    public SessionConditions Conditions() => new(Now, Attached: false, new TransferSlotUse(0, 16, 16), _ => null);

    private static string Text(byte[] json) => System.Text.Encoding.UTF8.GetString(json);

    private static T Body<T>(CommandReply reply, System.Text.Json.Serialization.Metadata.JsonTypeInfo<T> info) =>
        JsonSerializer.Deserialize(Assert.IsType<CommandReply.Done>(reply).Json.Span, info)!;
}

using System.Text.Json;
using System.Text.Json.Serialization;
using Backhaul.Node.Files;
using Backhaul.Node.Journal;
using Backhaul.Node.Transfers;
using Backhaul.Protocol;

namespace Backhaul.Node.Sessions;

/// <summary>
/// What happened to a session. Persisted: the names in <see cref="Codec"/> and the shapes below are append-only; a changed shape is a
/// new version with an upcaster. Events marked as numbered are those that clients see.
/// </summary>
internal abstract record SessionEvent(DateTimeOffset At)
{
    /// <summary>Every event, its stable name, and whether clients see it. Append only; held against a golden file.</summary>
    internal static EventCodec<SessionEvent> Codec { get; } = CreateCodec();

    private static EventCodec<SessionEvent> CreateCodec()
    {
        var json = SessionJson.Default;
        var codec = new EventCodec<SessionEvent>();
        codec.Register("session.created.v1", json.SessionCreated, numbered: true);
        codec.Register("session.configured.v1", json.SessionConfigured, numbered: false);
        codec.Register("session.paused.v1", json.SessionPaused, numbered: false);
        codec.Register("session.unpaused.v1", json.SessionUnpaused, numbered: false);
        codec.Register("session.ending.v1", json.SessionEnding, numbered: false);
        codec.Register("session.forceQuit.v1", json.SessionForceQuitEnded, numbered: false);
        codec.Register("session.invalidated.v1", json.SessionInvalidated, numbered: true);
        codec.Register("task.created.v1", json.TaskCreated, numbered: true);
        codec.Register("task.changed.v1", json.TaskChanged, numbered: false);
        codec.Register("task.suspended.v1", json.TaskSuspended, numbered: false);
        codec.Register("task.released.v1", json.TaskReleased, numbered: false);
        codec.Register("task.cancelRequested.v1", json.TaskCancelRequested, numbered: false);
        codec.Register("task.started.v1", json.TaskStarted, numbered: true);
        codec.Register("task.responded.v1", json.TaskResponded, numbered: false);
        codec.Register("task.continued.v1", json.TaskContinued, numbered: true);
        codec.Register("task.restarted.v1", json.TaskRestarted, numbered: true);
        codec.Register("task.redirected.v1", json.TaskRedirected, numbered: true);
        codec.Register("task.checkpointed.v1", json.TaskCheckpointed, numbered: false);
        codec.Register("task.rangesWanted.v1", json.TaskRangesWanted, numbered: false);
        codec.Register("task.rangesReleased.v1", json.TaskRangesReleased, numbered: false);
        codec.Register("task.rangesDownloaded.v1", json.TaskRangesDownloaded, numbered: true);
        codec.Register("task.attemptEnded.v1", json.TaskAttemptEnded, numbered: false);
        codec.Register("task.waiting.v1", json.TaskWaiting, numbered: true);
        codec.Register("task.finishedFile.v1", json.TaskFinishedFile, numbered: true);
        codec.Register("task.completed.v1", json.TaskCompleted, numbered: true);
        codec.Register("events.acknowledged.v1", json.EventsAcknowledged, numbered: false);
        codec.Register("events.drained.v1", json.EventsDrained, numbered: true);
        codec.Register("command.answered.v1", json.CommandAnswered, numbered: false);
        codec.Register("task.challenged.v1", json.TaskChallenged, numbered: true);
        codec.Register("upload.abandoned.v1", json.UploadAbandoned, numbered: false);
        codec.Register("webhook.delivered.v1", json.WebhookDelivered, numbered: false);
        codec.Register("webhook.failed.v1", json.WebhookFailed, numbered: false);
        codec.Register("webhook.disabled.v1", json.WebhookDisabled, numbered: false);
        codec.Register("webhook.enabled.v1", json.WebhookEnabled, numbered: false);
        codec.Register("push.replayed.v1", json.PushReplayed, numbered: false);
        codec.Register("task.challengeAnswered.v1", json.TaskChallengeAnswered, numbered: false);
        codec.Register("task.delayedRequest.v1", json.TaskDelayedRequest, numbered: true);
        codec.Register("task.requestDecided.v1", json.TaskRequestDecided, numbered: false);
        codec.Register("group.configured.v1", json.GroupConfigured, numbered: false);
        codec.Register("group.acting.v1", json.GroupActing, numbered: false);
        codec.Register("group.acted.v1", json.GroupActed, numbered: false);
        codec.Register("group.completed.v1", json.GroupCompleted, numbered: true);
        codec.Register("task.madeCurrent.v1", json.TaskMadeCurrent, numbered: false);
        codec.Register("completionGroup.opened.v1", json.CompletionOpened, numbered: false);
        codec.Register("completionGroup.enabled.v1", json.CompletionEnabled, numbered: false);
        codec.Register("completionGroup.fired.v1", json.CompletionFired, numbered: true);
        codec.Register("launch.requested.v1", json.LaunchRequested, numbered: false);
        codec.Register("launch.ended.v1", json.LaunchEnded, numbered: false);
        codec.Register("client.attached.v1", json.ClientAttached, numbered: false);
        codec.Register("task.expectationExceeded.v1", json.TaskExpectationExceeded, numbered: true);
        codec.Register("events.expired.v1", json.EventsExpired, numbered: true);
        codec.Register("task.deadlineNear.v1", json.TaskDeadlineNear, numbered: true);
        codec.Register("prefetch.set.v1", json.PrefetchSet, numbered: false);
        codec.Register("prefetch.removed.v1", json.PrefetchRemoved, numbered: false);
        codec.Register("prefetch.began.v1", json.PrefetchBegan, numbered: false);
        codec.Register("prefetch.listed.v1", json.PrefetchListed, numbered: false);
        codec.Register("prefetch.ended.v1", json.PrefetchEnded, numbered: false);
        return codec;
    }
}

/// <summary>An event about one task.</summary>
internal abstract record TaskEvent(TaskId Task, DateTimeOffset At) : SessionEvent(At);

internal sealed record SessionCreated(int Generation, SessionConfiguration Configuration, DateTimeOffset At) : SessionEvent(At)
{
    /// <summary>What the generation before it left unread stays to be read. Null in journals of releases in which a new generation acknowledged all of it.</summary>
    public bool? KeepsUnread { get; init; }
}

internal sealed record SessionConfigured(int Version, SessionConfiguration Configuration, DateTimeOffset At) : SessionEvent(At);

/// <summary>An operator suspended the session: nothing starts, what runs is stopped.</summary>
internal sealed record SessionPaused(DateTimeOffset At) : SessionEvent(At);

internal sealed record SessionUnpaused(DateTimeOffset At) : SessionEvent(At);

/// <summary>An end or a force quit was asked for. Tasks up to <see cref="UpToOrdinal"/> are concerned; they end a few at a time.</summary>
internal sealed record SessionEnding(EndMode Mode, long UpToOrdinal, DateTimeOffset At) : SessionEvent(At);

/// <summary>All tasks of a force quit have ended; the session goes on.</summary>
internal sealed record SessionForceQuitEnded(DateTimeOffset At) : SessionEvent(At);

internal sealed record SessionInvalidated(DateTimeOffset At) : SessionEvent(At);

internal sealed record TaskCreated(
    TaskId Task, long Ordinal, TaskSpec Spec, int ConfigurationVersion, DateTimeOffset At, string? TraceParent = null) : TaskEvent(Task, At)
{
    /// <summary>True for a task that was created while its client handled a launch.</summary>
    public bool? Discretionary { get; init; }

    /// <summary>True for a task that the session created by itself, to prefetch.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool Prefetch { get; init; }

    /// <summary>What the operators' policy said to a task that asked to be unconstrained; null for others.</summary>
    public bool? Unconstrained { get; init; }
}

internal sealed record TaskChanged(TaskId Task, TaskChange Change, DateTimeOffset At) : TaskEvent(Task, At)
{
    /// <summary>What the operators' policy said, when the change asks to be unconstrained.</summary>
    public bool? Unconstrained { get; init; }
}

internal sealed record TaskSuspended(TaskId Task, DateTimeOffset At) : TaskEvent(Task, At);

/// <summary>A suspended task may run again.</summary>
internal sealed record TaskReleased(TaskId Task, DateTimeOffset At) : TaskEvent(Task, At);

/// <summary>A running task is to be cancelled; the attempt ends first. The code says by whom.</summary>
internal sealed record TaskCancelRequested(TaskId Task, string Code, DateTimeOffset At) : TaskEvent(Task, At)
{
    /// <summary>Its part is to be kept for later starts.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool Keep { get; init; }
}

/// <summary>An attempt is to be carried out, from this byte on.</summary>
internal sealed record TaskStarted(TaskId Task, int Attempt, long From, DateTimeOffset At) : TaskEvent(Task, At)
{
    /// <summary>Set by the first start: when the resource time-out strikes.</summary>
    public DateTimeOffset? ResourceDeadline { get; init; }
}

internal sealed record TaskResponded(TaskId Task, int Attempt, AttemptResponse Response, DateTimeOffset At) : TaskEvent(Task, At);

/// <summary>The origin agreed to go on from a byte.</summary>
internal sealed record TaskContinued(TaskId Task, int Attempt, long From, long? Total, DateTimeOffset At) : TaskEvent(Task, At);

/// <summary>The download starts again from zero: the generation goes up.</summary>
internal sealed record TaskRestarted(TaskId Task, int Attempt, int Generation, string Why, DateTimeOffset At) : TaskEvent(Task, At);

/// <summary>A task's bytes are far more than its client expected.</summary>
internal sealed record TaskExpectationExceeded(TaskId Task, long ExpectedBytes, long ActualBytes, DateTimeOffset At) : TaskEvent(Task, At);

/// <summary>A task that has not ended nears its deadline; how far it is.</summary>
internal sealed record TaskDeadlineNear(TaskId Task, DateTimeOffset Deadline, string State, long BytesReceived, long BytesSent, DateTimeOffset At) : TaskEvent(Task, At)
{
    /// <summary>What is to be moved in all, when it is known.</summary>
    public long? Total { get; init; }

    /// <summary>How long it would take still, when it is known.</summary>
    public TimeSpan? Eta { get; init; }
}

internal sealed record TaskRedirected(TaskId Task, int Attempt, string Url, int Status, DateTimeOffset At) : TaskEvent(Task, At);

internal sealed record TaskCheckpointed(TaskId Task, int Attempt, PartCheckpoint Part, DateTimeOffset At) : TaskEvent(Task, At);

/// <summary>A client wants these bytes before the others.</summary>
internal sealed record TaskRangesWanted(TaskId Task, RangeSet Ranges, DateTimeOffset At) : TaskEvent(Task, At)
{
    /// <summary>Opens a deferral: changes are not told before then.</summary>
    public DateTimeOffset? DeferredUntil { get; init; }
}

/// <summary>A deferral ended, by its time or by the client.</summary>
internal sealed record TaskRangesReleased(TaskId Task, DateTimeOffset At) : TaskEvent(Task, At);

/// <summary>These bytes are durable and were not told before.</summary>
internal sealed record TaskRangesDownloaded(TaskId Task, RangeSet Ranges, long? Total, DateTimeOffset At) : TaskEvent(Task, At);

/// <summary>An attempt ended without ending the task. Decision: <c>retried stopped interrupted</c>.</summary>
internal sealed record TaskAttemptEnded(
    TaskId Task, int Attempt, string Decision, long To, int? Status, TaskError? Error, bool DiscardPart, DateTimeOffset At) : TaskEvent(Task, At);

/// <summary>The task waits for a reason that time or the node will lift, or, without a time, for its client.</summary>
internal sealed record TaskWaiting(TaskId Task, string Reason, DateTimeOffset? Until, TaskError? Error, DateTimeOffset At) : TaskEvent(Task, At)
{
    /// <summary>The answer that pauses it, when it waits for that.</summary>
    public AttemptResponse? Response { get; init; }
}

/// <summary>
/// A server or a proxy asked for a credential that the session does not have. The task waits until the question is answered, the task or the
/// session's credentials change, or it is resumed. Attempt and event number name the question.
/// </summary>
internal sealed record TaskChallenged(TaskId Task, int Attempt, AttemptChallenge Challenge, int Count, DateTimeOffset At) : TaskEvent(Task, At);

internal sealed record TaskFinishedFile(TaskId Task, FileView File, DateTimeOffset At) : TaskEvent(Task, At);

/// <summary>The one final event of a task.</summary>
internal sealed record TaskCompleted(
    TaskId Task, string Outcome, TaskError? Error, int? Status, long BytesReceived, long BytesSent, string? Integrity, string? Sha256,
    FileView? File, DateTimeOffset At) : TaskEvent(Task, At)
{
    /// <summary>The last response's head, when no <see cref="TaskResponded"/> of this attempt came before.</summary>
    public AttemptResponse? Response { get; init; }

    /// <summary>The part that was kept, before this event, for later starts.</summary>
    public KeptPart? Kept { get; init; }

    /// <summary>It was to be kept: whether it could be, as a sentence.</summary>
    public string? KeptWhy { get; init; }

    /// <summary>Of a prefetched file: with what the next round asks whether it changed.</summary>
    public FetchedFile? Fetched { get; init; }

    /// <summary>The origin said that it has not changed since it was fetched; it was left as it is.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool Unchanged { get; init; }
}

/// <summary>The target of an upload that will not be finished was told to forget it; or nobody could be told, and its own expiry has to do.</summary>
internal sealed record UploadAbandoned(int Generation, TaskId Task, bool Told, DateTimeOffset At) : SessionEvent(At);

internal sealed record EventsAcknowledged(long Through, DateTimeOffset At) : SessionEvent(At);

/// <summary>Nobody acknowledged these within their retention; they are not delivered any more.</summary>
internal sealed record EventsExpired(long From, long Through, DateTimeOffset At) : SessionEvent(At);

/// <summary>Everything before was acknowledged and no task is left.</summary>
internal sealed record EventsDrained(DateTimeOffset At) : SessionEvent(At);

/// <summary>An event about a webhook of the session.</summary>
internal abstract record WebhookEvent(WebhookTarget Target, DateTimeOffset At) : SessionEvent(At);

/// <summary>It was taken; or, without a status, nothing up to this number had to be sent.</summary>
internal sealed record WebhookDelivered(WebhookTarget Target, long Number, int? Status, DateTimeOffset At) : WebhookEvent(Target, At);

/// <summary>It was not taken. Without a next time it is not sent again.</summary>
internal sealed record WebhookFailed(
    WebhookTarget Target, long Number, int Attempt, int? Status, string Why, DateTimeOffset? NextAt, DateTimeOffset At) : WebhookEvent(Target, At);

/// <summary>Nothing is sent there any more: the receiver said so, it failed for too long, or an operator wants it.</summary>
internal sealed record WebhookDisabled(WebhookTarget Target, string Why, DateTimeOffset At) : WebhookEvent(Target, At);

/// <summary>It is sent again, at once and as often as at first.</summary>
internal sealed record WebhookEnabled(WebhookTarget Target, DateTimeOffset At) : WebhookEvent(Target, At);

/// <summary>An operator wants the events from this number on pushed once more.</summary>
internal sealed record PushReplayed(long From, DateTimeOffset At) : WebhookEvent(WebhookTarget.Push, At)
{
    /// <summary>The last one; null: the newest of that time.</summary>
    public long? Through { get; init; }
}

/// <summary>An absent client is to be launched; the launch of this number is sent until it is taken.</summary>
/// <param name="Number">One more than the last.</param>
/// <param name="Reason">One of <see cref="LaunchReasons"/>.</param>
/// <param name="Through">The newest event now.</param>
/// <param name="Level">Of the limiter: launches in a row, this one included.</param>
/// <param name="At">Now.</param>
internal sealed record LaunchRequested(long Number, string Reason, long Through, int Level, DateTimeOffset At) : WebhookEvent(WebhookTarget.Launch, At);

/// <summary>How: one of <see cref="LaunchEnds"/>.</summary>
internal sealed record LaunchEnded(long Number, string How, DateTimeOffset At) : WebhookEvent(WebhookTarget.Launch, At);

/// <summary>A client came by itself: the limiter rests, and launches that a force quit held back may go.</summary>
internal sealed record ClientAttached(DateTimeOffset At) : WebhookEvent(WebhookTarget.Launch, At);

/// <summary>The answer to a command that carries a key, for its repetitions.</summary>
internal sealed record CommandAnswered(Guid Command, ulong ContentHash, int Status, ReadOnlyMemory<byte> Answer, DateTimeOffset At) : SessionEvent(At);

/// <summary>The JSON of events, snapshots and archived tasks.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    UseStringEnumConverter = true,
    Converters = [typeof(DurationConverter), typeof(TaskIdConverter), typeof(GroupNameConverter)])]
[JsonSerializable(typeof(SessionCreated))]
[JsonSerializable(typeof(SessionConfigured))]
[JsonSerializable(typeof(SessionPaused))]
[JsonSerializable(typeof(SessionUnpaused))]
[JsonSerializable(typeof(SessionEnding))]
[JsonSerializable(typeof(SessionForceQuitEnded))]
[JsonSerializable(typeof(SessionInvalidated))]
[JsonSerializable(typeof(TaskCreated))]
[JsonSerializable(typeof(TaskChanged))]
[JsonSerializable(typeof(TaskSuspended))]
[JsonSerializable(typeof(TaskReleased))]
[JsonSerializable(typeof(TaskCancelRequested))]
[JsonSerializable(typeof(TaskStarted))]
[JsonSerializable(typeof(TaskResponded))]
[JsonSerializable(typeof(TaskContinued))]
[JsonSerializable(typeof(TaskRestarted))]
[JsonSerializable(typeof(TaskRedirected))]
[JsonSerializable(typeof(TaskExpectationExceeded))]
[JsonSerializable(typeof(TaskCheckpointed))]
[JsonSerializable(typeof(TaskRangesWanted))]
[JsonSerializable(typeof(TaskRangesReleased))]
[JsonSerializable(typeof(TaskRangesDownloaded))]
[JsonSerializable(typeof(TaskContent))]
[JsonSerializable(typeof(KeptAnswer))]
[JsonSerializable(typeof(KeptPart))]
[JsonSerializable(typeof(TaskAttemptEnded))]
[JsonSerializable(typeof(TaskWaiting))]
[JsonSerializable(typeof(TaskChallenged))]
[JsonSerializable(typeof(TaskFinishedFile))]
[JsonSerializable(typeof(TaskCompleted))]
[JsonSerializable(typeof(UploadAbandoned))]
[JsonSerializable(typeof(TaskChallengeAnswered))]
[JsonSerializable(typeof(TaskDelayedRequest))]
[JsonSerializable(typeof(TaskRequestDecided))]
[JsonSerializable(typeof(GroupConfigured))]
[JsonSerializable(typeof(GroupActing))]
[JsonSerializable(typeof(GroupActed))]
[JsonSerializable(typeof(GroupCompleted))]
[JsonSerializable(typeof(TaskMadeCurrent))]
[JsonSerializable(typeof(CompletionOpened))]
[JsonSerializable(typeof(CompletionEnabled))]
[JsonSerializable(typeof(CompletionFired))]
[JsonSerializable(typeof(EventsAcknowledged))]
[JsonSerializable(typeof(EventsDrained))]
[JsonSerializable(typeof(WebhookDelivered))]
[JsonSerializable(typeof(WebhookFailed))]
[JsonSerializable(typeof(WebhookDisabled))]
[JsonSerializable(typeof(WebhookEnabled))]
[JsonSerializable(typeof(PushReplayed))]
[JsonSerializable(typeof(LaunchRequested))]
[JsonSerializable(typeof(LaunchEnded))]
[JsonSerializable(typeof(ClientAttached))]
[JsonSerializable(typeof(EventsExpired))]
[JsonSerializable(typeof(TaskDeadlineNear))]
[JsonSerializable(typeof(PrefetchSet))]
[JsonSerializable(typeof(PrefetchRemoved))]
[JsonSerializable(typeof(PrefetchBegan))]
[JsonSerializable(typeof(PrefetchListed))]
[JsonSerializable(typeof(PrefetchEnded))]
[JsonSerializable(typeof(CommandAnswered))]
[JsonSerializable(typeof(SessionSnapshot))]
[JsonSerializable(typeof(TaskState))]
internal sealed partial class SessionJson : JsonSerializerContext;

/// <summary>Task ids as text.</summary>
internal sealed class TaskIdConverter : JsonConverter<TaskId>
{
    public override TaskId Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        TaskId.TryParse(reader.GetString(), out var id) ? id : throw new JsonException(TaskId.Rule);

    public override void Write(Utf8JsonWriter writer, TaskId value, JsonSerializerOptions options) => writer.WriteStringValue(value.ToString());
}

/// <summary>Names of groups as text.</summary>
internal sealed class GroupNameConverter : JsonConverter<GroupName>
{
    public override GroupName Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        GroupName.TryParse(reader.GetString(), out var name) ? name : throw new JsonException(GroupName.Rule);

    public override void Write(Utf8JsonWriter writer, GroupName value, JsonSerializerOptions options) => writer.WriteStringValue(value.ToString());
}

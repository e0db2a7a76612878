using System.Text.Json.Serialization;
using Backhaul.Node.Files;
using Backhaul.Node.Transfers;
using Backhaul.Protocol;

namespace Backhaul.Node.Sessions;

/// <summary>Where a task stands. Persisted by name: append only.</summary>
internal enum TaskPhase : byte
{
    Suspended = 1,
    Waiting = 2,
    Running = 3,
    Canceling = 4,
    Completed = 5,
}

/// <summary>
/// One live task, immutable; <see cref="TaskBook"/> replaces it at every event.
/// <code>
///               released                     started
///   Suspended ───────────► Waiting(reason) ───────────► Running ──finished / final failure──► Completed
///       ▲  ▲                 │   ▲  │                     │  │
///       │  └────suspended────┘   │  └──cancel, expiry──►──┼──┼────────────────────────────►  Completed
///       │                        └──retry, interrupted────┘  │
///       └───────────suspended (attempt winds down)───────────┤
///                                                            └──cancel──► Canceling ──attempt ended──► Completed
/// </code>
/// While <see cref="TaskRun.Active"/> an attempt is under way, whatever the phase: a suspended or canceling task still winds one down.
/// A task that finishes while it is being cancelled has finished: the cancel lost.
/// Ended tasks leave the live state for the archive in the transaction of their last event.
/// </summary>
internal sealed record TaskState
{
    private readonly long _createdTicks;
    private readonly long _notBeforeTicks; // times as UTC ticks, 0 for none: a million of these are in memory

    public required TaskId Id { get; init; }
    public required long Ordinal { get; init; }
    public required TaskSpec Spec { get; init; }
    public required int ConfigurationVersion { get; init; }

    public required DateTimeOffset CreatedAt
    {
        get => new(_createdTicks, TimeSpan.Zero);
        init => _createdTicks = value.UtcTicks;
    }

    public required TaskPhase Phase { get; init; }

    /// <summary>The journaled reason of a waiting task; reasons that only the moment knows (limits) are found when asked.</summary>
    public string? Reason { get; init; }

    /// <summary>Not ready before: a retry, an earliest begin.</summary>
    public DateTimeOffset? NotBefore
    {
        get => _notBeforeTicks == 0 ? null : new DateTimeOffset(_notBeforeTicks, TimeSpan.Zero);
        init => _notBeforeTicks = value?.UtcTicks ?? 0;
    }

    /// <summary>The client, asked before its start, has let the next attempt start.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool Allowed { get; init; }

    /// <summary>The client was told that its deadline is near.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool IsDeadlineNear { get; init; }

    /// <summary>Null until the first attempt: a queued task stays small.</summary>
    public TaskRun? Run { get; init; }
    public TaskEnd? End { get; init; }

    /// <summary>Null until somebody asks for ranges.</summary>
    public TaskRanges? Ranges { get; init; }
    public string? TraceParent { get; init; }

    /// <summary>True when its client created it while it handled a launch: it counts as discretionary.</summary>
    public bool? Discretionary { get; init; }

    /// <summary>The session's own: it prefetches.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool IsPrefetch { get; init; }

    /// <summary>What the operators' policy said when it asked to be unconstrained; null: it did not ask.</summary>
    public bool? Unconstrained { get; init; }

    public bool IsActive => Run is { Active: true };

    /// <summary>Neither time nor a free place lets it go on: its client has to do something.</summary>
    [JsonIgnore]
    public bool WaitsForClient => Phase is TaskPhase.Waiting && WaitReasons.IsForClient(Reason);
}

/// <summary>What the attempts of a task left behind.</summary>
internal sealed record TaskRun
{
    /// <summary>An attempt is under way.</summary>
    public bool Active { get; init; }

    /// <summary>Attempts started so far; reports of another number are late and ignored.</summary>
    public int Attempt { get; init; }

    /// <summary>Failures in a row without a new byte, the exponent of the back-off.</summary>
    public int Failures { get; init; }

    /// <summary>One more at every start from zero.</summary>
    public int Generation { get; init; } = 1;
    public DateTimeOffset StartedAt { get; init; }

    /// <summary>When the resource time-out strikes; null while suspended.</summary>
    public DateTimeOffset? ResourceDeadline { get; init; }

    /// <summary>What is left of the resource time-out while suspended.</summary>
    public TimeSpan? ResourceLeft { get; init; }

    /// <summary>Why the active attempt is to be cancelled.</summary>
    public string? CancelCode { get; init; }

    /// <summary>The part of the task that is to be cancelled is kept for later starts.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool Keep { get; init; }

    /// <summary>The client was told that the bytes are far more than it expected.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool IsExpectationExceeded { get; init; }
    public PartCheckpoint? Part { get; init; }
    public AttemptResponse? Response { get; init; }
    public TaskError? Error { get; init; }

    /// <summary>The answer that pauses it. Its head says nothing about the part, so it is not <see cref="Response"/>.</summary>
    public AttemptResponse? Pausing { get; init; }

    /// <summary>The question asked last. It is open while the task waits with the reason <c>credential</c>.</summary>
    public AttemptChallenge? Challenge { get; init; }

    /// <summary>How often in a row this protection space asked.</summary>
    public int ChallengeCount { get; init; }

    /// <summary>What answers to challenges left; null until there is one, and again when the task has ended.</summary>
    public TaskAccess? Access { get; init; }

    /// <summary>The version whose credentials, proxy and TLS are used, when a later one was given as the answer to a challenge; else the task's.</summary>
    public int? AccessVersion { get; init; }

    /// <summary>The newest attempts, at most <see cref="AttemptsKept"/>.</summary>
    public IReadOnlyList<AttemptView> Attempts { get; init; } = [];

    public const int AttemptsKept = 20;
}

/// <summary>How a task ended.</summary>
internal sealed record TaskEnd
{
    public required string Outcome { get; init; }
    public required DateTimeOffset At { get; init; }
    public TaskError? Error { get; init; }

    /// <summary>As the last event says it; zero when it says none, and null in rows of builds that did not keep it.</summary>
    public int? Status { get; init; }
    public long BytesReceived { get; init; }
    public long BytesSent { get; init; }
    public string? Integrity { get; init; }
    public string? Sha256 { get; init; }
    public FileView? File { get; init; }

    /// <summary>The file lives until this event is acknowledged; null when it has a destination.</summary>
    public bool Temporary { get; init; }

    /// <summary>What later tasks may start from, and why there is nothing.</summary>
    public KeptPart? Kept { get; init; }
    public string? KeptWhy { get; init; }

    /// <summary>Of the answer that ended the task, not of its first one; null when there was none.</summary>
    public int? StatusOf(TaskRun? run) => Status switch
    {
        null => run is { Attempts: [.., var last] } ? last.Status : null,
        0 => null,
        var status => status,
    };
}

/// <summary>The outcomes of tasks.</summary>
internal static class TaskOutcomes
{
    public const string Succeeded = "succeeded";
    public const string Failed = "failed";
    public const string Cancelled = "cancelled";
    public const string Expired = "expired";
}

/// <summary>The reasons of waiting tasks that exist so far; the words of the wire.</summary>
internal static class WaitReasons
{
    public const string EarliestBegin = "earliestBegin";
    public const string Retry = "retry";
    public const string Storage = "storage";
    public const string NoNetwork = "noNetwork";
    public const string Detached = "detached";
    public const string Discretionary = "discretionary";
    public const string CostedNetwork = "costedNetwork";
    public const string ConstrainedNetwork = "constrainedNetwork";
    public const string HostLimit = "hostLimit";
    public const string NodeLimit = "nodeLimit";
    public const string DelayedRequest = "delayedRequest";
    public const string GroupOrder = "groupOrder";
    public const string Paused = "paused";
    public const string Credential = "credential";
    public const string SystemPolicy = "systemPolicy";

    public const string RecoverableStatus = "recoverableStatus";

    /// <summary>True for reasons that the client lifts; for a delayed request time does so too.</summary>
    public static bool IsForClient(string? reason) => reason is Credential or RecoverableStatus or DelayedRequest;
}

using Backhaul.Node.Files;
using Backhaul.Protocol;

namespace Backhaul.Node.Sessions;

/// <summary>
/// What clients and operators ask of a session. Inputs are validated before they get here; what depends on the session's state is
/// decided by it. Queries change nothing and are answered after everything before them is durable.
/// </summary>
internal abstract record SessionCommand
{
    private SessionCommand()
    {
    }

    /// <summary>W3C trace parent of the request, kept with the tasks it creates.</summary>
    public string? TraceParent { get; init; }

    /// <summary>Changes nothing; answered after everything before it is durable.</summary>
    internal abstract record Query : SessionCommand;

    /// <summary>Names one task.</summary>
    internal interface ITaskCommand
    {
        TaskId Task { get; }
    }

    /// <summary>
    /// Decided again it is harmless, and says what is so then. Its answer is not remembered: a client that reads much acknowledges much, and would push out the
    /// answers to commands that must not happen twice.
    /// </summary>
    internal interface IRepeatable;

    /// <summary>PUT: 201 or 200 with a <see cref="SessionView"/>. A null configuration keeps the one in force.</summary>
    internal sealed record Open(SessionConfiguration? Configuration) : SessionCommand;

    /// <summary>200 with a <see cref="SessionView"/>.</summary>
    internal sealed record Describe : SessionCommand;

    /// <summary>DELETE: 202 with a <see cref="SessionView"/>.</summary>
    internal sealed record End(EndMode Mode) : SessionCommand;

    /// <summary>Suspends or resumes every task (operators): 200 with a <see cref="SessionView"/>.</summary>
    internal sealed record SuspendAll(bool Suspend) : SessionCommand;

    /// <summary>One task: 201, or 200 for a repetition, with a <see cref="TaskView"/>.</summary>
    internal sealed record AddTask(TaskSpec Spec) : SessionCommand;

    /// <summary>Many: 200 with a list of <see cref="TaskResult"/>; entries that failed validation come along with their error.</summary>
    internal sealed record AddTasks(IReadOnlyList<BatchEntry> Entries) : SessionCommand;

    /// <summary>200 with a <see cref="TaskView"/>.</summary>
    internal sealed record ChangeTask(TaskId Task, TaskChange Change) : SessionCommand, ITaskCommand;

    /// <summary>202 with a <see cref="TaskView"/>.</summary>
    internal sealed record ResumeTask(TaskId Task) : SessionCommand, ITaskCommand;

    /// <summary>202 with a <see cref="TaskView"/>.</summary>
    internal sealed record SuspendTask(TaskId Task) : SessionCommand, ITaskCommand;

    /// <summary>202 with a <see cref="TaskView"/>.</summary>
    internal sealed record CancelTask(TaskId Task) : SessionCommand, ITaskCommand;

    /// <summary>
    /// An answer to a challenge: 202 with a <see cref="TaskView"/>. The secret is a name, or the sealed text of one that was given. An attempt says which question is meant.
    /// </summary>
    internal sealed record AnswerChallenge(TaskId Task, ChallengeAnswerKind Answer, string? Secret, bool IsToken, int? Attempt) : SessionCommand, ITaskCommand;

    /// <summary>An answer to a delayed request: 202 with a <see cref="TaskView"/>. An attempt says which question is meant.</summary>
    internal sealed record AnswerDelayedRequest(TaskId Task, bool Cancel, string? Url, IReadOnlyDictionary<string, string>? Headers, int? Attempt) : SessionCommand, ITaskCommand;

    /// <summary>202 with a <see cref="TaskView"/>: it and those after it in its group go first.</summary>
    internal sealed record MakeCurrent(TaskId Task) : SessionCommand, ITaskCommand;

    /// <summary>PUT: 201 or 200 with a <see cref="GroupView"/>. A null mode keeps the one it has.</summary>
    internal sealed record PutGroup(GroupName Group, GroupMode? Mode) : SessionCommand;

    /// <summary>202 with a <see cref="GroupView"/>.</summary>
    internal sealed record ActOnGroup(GroupName Group, GroupAct Act) : SessionCommand;

    /// <summary>PUT: 201 or 200 with a <see cref="CompletionGroupView"/>.</summary>
    internal sealed record OpenCompletionGroup(GroupName Group) : SessionCommand;

    /// <summary>200 with a <see cref="CompletionGroupView"/>.</summary>
    internal sealed record EnableCompletionGroup(GroupName Group) : SessionCommand;

    /// <summary>200 with a <see cref="CompletionGroupView"/>.</summary>
    internal sealed record GetCompletionGroup(GroupName Group) : Query;

    /// <summary>200 with a <see cref="GroupView"/>.</summary>
    internal sealed record GetGroup(GroupName Group) : Query;

    /// <summary>200 with a page of <see cref="GroupView"/>, by name.</summary>
    internal sealed record ListGroups(GroupName? After, int Limit) : Query;

    /// <summary>Cancels a download and keeps its part: 200 with a <see cref="KeptAnswer"/>, once it has ended.</summary>
    internal sealed record KeepTask(TaskId Task) : SessionCommand, ITaskCommand;

    /// <summary>Bytes wanted first, a deferral, its release: 202 with a <see cref="RangesView"/>.</summary>
    internal sealed record WantRanges(TaskId Task, RangeSet Ranges, TimeSpan? Deferral, bool Release) : SessionCommand, ITaskCommand;

    /// <summary>200 with a <see cref="RangesView"/>.</summary>
    internal sealed record GetRanges(TaskId Task) : Query, ITaskCommand;

    /// <summary>200 with a <see cref="TaskContent"/>: where the bytes of a task lie.</summary>
    internal sealed record LocateContent(TaskId Task) : Query, ITaskCommand;

    /// <summary>200 with a <see cref="TaskView"/>.</summary>
    internal sealed record GetTask(TaskId Task) : Query, ITaskCommand;

    /// <summary>200 with a <see cref="WhyView"/>.</summary>
    internal sealed record ExplainTask(TaskId Task) : Query, ITaskCommand;

    /// <summary>200 with a page of <see cref="AttemptView"/>.</summary>
    internal sealed record ListAttempts(TaskId Task) : Query, ITaskCommand;

    /// <summary>200 with a page of <see cref="TaskView"/>, in order of creation. State is one of the wire's states or outcomes.</summary>
    internal sealed record ListTasks(
        string? State, TaskKind? Kind, long AfterOrdinal, int Limit, GroupName? Group = null, GroupName? CompletionGroup = null) : Query;

    /// <summary>200 with an <see cref="EventPage"/> of at most <paramref name="Limit"/> events, perhaps empty.</summary>
    internal sealed record ReadEvents(long After, int Limit) : Query;

    /// <summary>200 with a <see cref="HistoryView"/> of the state after event <paramref name="Number"/>, the last one when it is null (operators).</summary>
    internal sealed record ShowHistory(long? Number, int TasksMax) : Query;

    /// <summary>200 with <see cref="FileReferences"/>: which files of these tasks the session still refers to (the sweeper).</summary>
    internal sealed record FindReferenced(IReadOnlyList<TaskStem> Stems) : Query;

    /// <summary>PUT: 201 or 200 with a <see cref="PrefetchView"/>.</summary>
    internal sealed record SetPrefetch(PrefetchSettings Settings) : SessionCommand;

    /// <summary>DELETE: 200 with a <see cref="PrefetchView"/> of what it was.</summary>
    internal sealed record RemovePrefetch : SessionCommand;

    /// <summary>200 with a <see cref="PrefetchView"/>.</summary>
    internal sealed record GetPrefetch : Query;

    /// <summary>200 with a <see cref="LaunchView"/>.</summary>
    internal sealed record CompleteLaunch(long Number) : SessionCommand, IRepeatable;

    /// <summary>200 with a <see cref="WebhookView"/>.</summary>
    internal sealed record GetWebhook(WebhookTarget Target) : Query;

    /// <summary>Sends one message that says nothing, now: 200 with a <see cref="WebhookTestView"/>. It changes nothing, so it may be repeated.</summary>
    internal sealed record TestWebhook(WebhookTarget Target) : Query;

    /// <summary>200 with a <see cref="WebhookView"/>: what was given up, or waits for its next attempt, is sent at once.</summary>
    internal sealed record EnableWebhook(WebhookTarget Target) : SessionCommand;

    /// <summary>200 with a <see cref="WebhookView"/>: nothing is sent until it is enabled.</summary>
    internal sealed record DisableWebhook(WebhookTarget Target, string Why) : SessionCommand;

    /// <summary>Pushes events again that were taken already: 200 with a <see cref="WebhookView"/>.</summary>
    internal sealed record ReplayPush(long From, long? Through) : SessionCommand;

    /// <summary>200 with an <see cref="AckView"/>.</summary>
    internal sealed record Acknowledge(long Through) : SessionCommand, IRepeatable;
}

/// <summary>How a session ends.</summary>
internal enum EndMode
{
    /// <summary>Cancel every task, then invalidate.</summary>
    Cancel = 1,

    /// <summary>Take no more tasks, let the present ones end, then invalidate.</summary>
    Finish = 2,

    /// <summary>Cancel every task with the reason <c>forceQuit</c>; the session stays.</summary>
    ForceQuit = 3,
}

/// <summary>One entry of a batch: a valid spec, or what is wrong with it.</summary>
internal sealed record BatchEntry(long Index, TaskSpec? Spec, Problem? Problem);

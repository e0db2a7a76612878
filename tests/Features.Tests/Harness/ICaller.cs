namespace Backhaul.Features.Tests;

/// <summary>
/// The calls that a client makes. Requests are the wire's JSON, so that a test shows what a client of any language writes; answers are read as the
/// wire's records. A refusal is a <see cref="Refused"/>. On a cluster each call goes to another node.
/// </summary>
internal interface ICaller
{
    Task<SessionView> OpenAsync(string session, string? configuration = null);

    Task<SessionView> SessionAsync(string session);

    Task<IReadOnlyList<SessionListItem>> SessionsAsync(string? state = null);

    /// <param name="session">Its identifier.</param>
    /// <param name="mode"><c>cancel</c>, <c>finish</c> or <c>forceQuit</c>.</param>
    Task<SessionView> EndAsync(string session, string mode);

    Task<TaskView> AddAsync(string session, string task, CommandId? intent = null);

    Task<IReadOnlyList<TaskResult>> AddManyAsync(string session, string tasks);

    Task<TaskView> TaskAsync(string session, string task);

    Task<IReadOnlyList<TaskView>> TasksAsync(string session, string? state = null, string? kind = null, string? group = null, string? completionGroup = null);

    Task<TaskView> ChangeAsync(string session, string task, string change);

    /// <param name="session">Its identifier.</param>
    /// <param name="task">Its id.</param>
    /// <param name="verb"><c>resume</c>, <c>suspend</c>, <c>cancel</c> or <c>make-current</c>.</param>
    Task<TaskView> ActAsync(string session, string task, string verb);

    Task<ResumeDataView> ProduceResumeDataAsync(string session, string task);

    Task<WhyView> WhyAsync(string session, string task);

    Task<IReadOnlyList<AttemptView>> AttemptsAsync(string session, string task);

    Task<TaskView> AnswerChallengeAsync(string session, string task, string answer);

    Task<TaskView> AnswerDelayedRequestAsync(string session, string task, string answer);

    Task<RangesView> RangesAsync(string session, string task);

    Task<RangesView> WantRangesAsync(string session, string task, string ranges);

    /// <summary>The file of a finished download; or bytes <paramref name="from"/> to <paramref name="to"/> (inclusive), also of one under way, as soon as they are durable.</summary>
    Task<byte[]> ContentAsync(string session, string task, long? from = null, long? to = null);

    Task<GroupView> PutGroupAsync(string session, string group, string? mode = null);

    Task<GroupView> GroupAsync(string session, string group);

    Task<IReadOnlyList<GroupView>> GroupsAsync(string session);

    Task<GroupView> ActOnGroupAsync(string session, string group, string verb);

    Task<CompletionGroupView> PutCompletionGroupAsync(string session, string group);

    Task<CompletionGroupView> CompletionGroupAsync(string session, string group);

    Task<CompletionGroupView> EnableAsync(string session, string group);

    /// <summary>A page of events; waits up to <paramref name="waitSeconds"/> for the first.</summary>
    Task<EventPage> EventsAsync(string session, long after = 0, int? limit = null, int waitSeconds = 0);

    /// <summary>The events as they happen, for as long as they are read.</summary>
    IAsyncEnumerable<EventView> StreamAsync(string session, long after, Action<ProgressView>? progress, CancellationToken stop);

    Task<AckView> AcknowledgeAsync(string session, long through);

    Task<LaunchView> CompleteLaunchAsync(string session, long launch);

    Task<PrefetchView> PutPrefetchAsync(string session, string prefetch);

    Task<PrefetchView> PrefetchAsync(string session);

    Task<PrefetchView> RemovePrefetchAsync(string session);

    /// <param name="session">Its identifier.</param>
    /// <param name="target"><c>push</c> or <c>launch</c>.</param>
    Task<WebhookView> WebhookAsync(string session, string target);

    Task<WebhookView> EnableWebhookAsync(string session, string target);

    Task<WebhookView> DisableWebhookAsync(string session, string target);

    Task<WebhookTestView> TestWebhookAsync(string session, string target);

    Task<WebhookView> ReplayAsync(string session, long from, long? through = null);

    Task<FileView> PutFileAsync(string file, byte[] content);

    Task<byte[]> GetFileAsync(string file);

    /// <summary>False: there is no such file.</summary>
    Task<bool> FileExistsAsync(string file);

    /// <summary>False: there was none.</summary>
    Task<bool> DeleteFileAsync(string file);

    Task<FileView> MoveFileAsync(string file, string destination);

    /// <summary>Moves the temporary file of a download to where it stays.</summary>
    Task<FileView> KeepFileAsync(string session, FileView file, string destination);
}

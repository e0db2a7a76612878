using System.Text.Json;
using Backhaul.Client.Bulk;
using Backhaul.Client.Calls;
using Backhaul.Client.Delegates;
using Backhaul.Client.Events;
using Backhaul.Client.Files;
using Backhaul.Client.Tasks;
using Backhaul.Protocol;

namespace Backhaul.Client;

/// <summary>
/// A named, durable owner of tasks. This object is only a handle: the session lives in the cluster, goes on when the process ends,
/// and is found again under its identifier. Methods that change something take an <c>intent</c>: give one that was stored before
/// when the change must happen once even if this process crashes in the middle; otherwise one is made for the call.
/// </summary>
public sealed class BackgroundSession
{
    private readonly Caller _caller;
    private readonly string _path;

    internal BackgroundSession(Caller caller, SessionIdentifier identifier)
    {
        _caller = caller;
        _path = "v1/sessions/" + Uri.EscapeDataString(identifier.ToString());
        Identifier = identifier.ToString();
        Watch = new TaskWatch(this, caller);
    }

    /// <summary>The session's name in the tenant.</summary>
    public string Identifier { get; }

    /// <summary>The webhook that takes the session's events.</summary>
    public SessionWebhook PushWebhook => new(_caller, _path, "push");

    /// <summary>The webhook that launches the session's client.</summary>
    public SessionWebhook LaunchWebhook => new(_caller, _path, "launch");

    /// <summary>What the session fetches again and again by itself.</summary>
    public ContentPrefetcher Prefetcher => new(_caller, _path);

    internal TaskWatch Watch { get; }

    /// <summary>
    /// Creates the session, or re-attaches to the one of this identifier with its tasks and events. Another configuration than the
    /// one in force becomes a new version for tasks created later; null keeps the one in force.
    /// </summary>
    public Task<SessionView> CreateOrAttachAsync(SessionConfiguration? configuration = null, CancellationToken stop = default) =>
        _caller.RunAsync(
            new Call(HttpMethod.Put, _path)
            {
                Body = configuration is null ? null : JsonSerializer.SerializeToUtf8Bytes(configuration, ProtocolJson.Default.SessionConfiguration),
            },
            Caller.ReadAs(ProtocolJson.Default.SessionView),
            stop);

    /// <summary>
    /// Creates the session, or re-attaches to it, and from now on hands its events to <paramref name="handler"/>: those that were not acknowledged
    /// before, then those that happen. Dispose the result, or call its <see cref="AttachedSession.StopAsync"/>, to stop in good order.
    /// </summary>
    public async Task<AttachedSession> CreateOrAttachAsync(
        SessionConfiguration? configuration, ISessionDelegate handler, AttachOptions? options = null, CancellationToken stop = default)
    {
        ArgumentNullException.ThrowIfNull(handler);
        options ??= new AttachOptions();
        AttachOptions.Validate(options);
        return new AttachedSession(this, _caller, await CreateOrAttachAsync(configuration, stop), handler, options);
    }

    /// <summary>
    /// Hands the events that are there to <paramref name="handler"/>, acknowledges them, and returns how many there were, without staying
    /// attached. One client at a time should do this. When it is cancelled, what was handled is acknowledged.
    /// </summary>
    public Task<long> DrainAsync(ISessionDelegate handler, AttachOptions? options = null, CancellationToken stop = default) =>
        DrainAsync(handler, options, stop, stop);

    /// <summary>The same for who can wait for the method that runs, until <paramref name="abort"/>.</summary>
    internal Task<long> DrainAsync(ISessionDelegate handler, AttachOptions? options, CancellationToken stop, CancellationToken abort)
    {
        ArgumentNullException.ThrowIfNull(handler);
        options ??= new AttachOptions();
        AttachOptions.Validate(options);
        return new SessionDrain(this, _caller, handler, options).RunAsync(stop, abort);
    }

    /// <summary>The session with its counters and event numbers.</summary>
    public Task<SessionView> GetAsync(CancellationToken stop = default) => _caller.GetAsync(_path, ProtocolJson.Default.SessionView, stop);

    /// <summary>Ends the session, or (<see cref="SessionEnd.ForceQuit"/>) only all of its tasks.</summary>
    public Task<SessionView> EndAsync(SessionEnd end, CommandId? intent = null, CancellationToken stop = default)
    {
        var mode = end switch
        {
            SessionEnd.Cancel => "cancel",
            SessionEnd.Finish => "finish",
            SessionEnd.ForceQuit => "forceQuit",
            _ => throw new ArgumentOutOfRangeException(nameof(end)),
        };
        return _caller.CommandAsync(HttpMethod.Delete, $"{_path}?mode={mode}", null, ProtocolJson.Default.SessionView, intent, stop);
    }

    /// <summary>Adds one task. When this returns, the task is stored durably and will reach exactly one final state.</summary>
    public Task<TaskView> AddTaskAsync(TaskRequest task, CommandId? intent = null, CancellationToken stop = default) =>
        _caller.CommandAsync(
            HttpMethod.Post,
            $"{_path}/tasks",
            JsonSerializer.SerializeToUtf8Bytes(task, ProtocolJson.Default.TaskRequest),
            ProtocolJson.Default.TaskView,
            intent,
            stop);

    /// <summary>Adds some tasks in one request, with a result for each; a bad one does not hold the others back.</summary>
    public Task<IReadOnlyList<TaskResult>> AddTasksAsync(IReadOnlyCollection<TaskRequest> tasks, CommandId? intent = null, CancellationToken stop = default) =>
        _caller.CommandAsync(
            HttpMethod.Post,
            $"{_path}/tasks",
            JsonSerializer.SerializeToUtf8Bytes([.. tasks], ProtocolJson.Default.TaskRequestArray),
            ProtocolJson.Default.IReadOnlyListTaskResult,
            intent,
            stop);

    /// <summary>
    /// Adds any number of tasks from a source that is read once. Tasks are sent while the source goes on; each answer says which of
    /// them are stored. With an <paramref name="intent"/> and the same source the whole call may be repeated after a crash.
    /// </summary>
    public IAsyncEnumerable<BulkChunk> AddTasksAsync(IAsyncEnumerable<TaskRequest> tasks, CommandId? intent = null, CancellationToken stop = default)
    {
        ArgumentNullException.ThrowIfNull(tasks);
        return new BulkUpload(_caller, $"{_path}/tasks", intent).RunAsync(tasks, stop);
    }

    /// <summary>
    /// Creates a download, suspended: it begins with <see cref="BackgroundTask.ResumeAsync"/>. It is stored durably when this returns. The
    /// <paramref name="rest"/> of its properties, if there are any, is taken as it is.
    /// </summary>
    public async Task<DownloadTask> CreateDownloadTaskAsync(
        Uri url, FileReference? destination = null, TaskRequest? rest = null, CommandId? intent = null, CancellationToken stop = default)
    {
        var request = (rest ?? new TaskRequest()) with { Kind = "download", Url = TextOf(url), Start = false };
        return new DownloadTask(this, await AddTaskAsync(destination is null ? request : request with { Destination = destination }, intent, stop));
    }

    /// <summary>
    /// Creates an upload of a file of a container, suspended: it begins with <see cref="BackgroundTask.ResumeAsync"/>. Stage a local file
    /// there by <see cref="ContainerFiles.UploadFileAsync"/>. A null <paramref name="source"/> needs parts in <paramref name="rest"/>.
    /// </summary>
    public async Task<UploadTask> CreateUploadTaskAsync(
        Uri url, FileReference? source, TaskRequest? rest = null, CommandId? intent = null, CancellationToken stop = default)
    {
        var request = (rest ?? new TaskRequest()) with { Kind = "upload", Url = TextOf(url), Start = false };
        return new UploadTask(this, await AddTaskAsync(source is null ? request : request with { Source = source }, intent, stop));
    }

    /// <summary>All tasks that have not ended, in order of their creation.</summary>
    public IAsyncEnumerable<BackgroundTask> GetAllTasksAsync(CancellationToken stop = default) => LiveTasksAsync<BackgroundTask>(kind: null, group: null, stop);

    /// <summary>The downloads that have not ended, of one group or of all.</summary>
    public IAsyncEnumerable<DownloadTask> GetCurrentDownloadsAsync(string? group = null, CancellationToken stop = default) =>
        LiveTasksAsync<DownloadTask>("download", group, stop);

    /// <summary>The uploads that have not ended, of one group or of all.</summary>
    public IAsyncEnumerable<UploadTask> GetCurrentUploadsAsync(string? group = null, CancellationToken stop = default) =>
        LiveTasksAsync<UploadTask>("upload", group, stop);

    /// <summary>The task of this id as an object, also when another process created it, or when it has ended.</summary>
    public async Task<BackgroundTask> FindTaskAsync(string task, CancellationToken stop = default) => BackgroundTask.Of(this, await GetTaskAsync(task, stop));

    /// <summary>One task.</summary>
    public Task<TaskView> GetTaskAsync(string task, CancellationToken stop = default) =>
        _caller.GetAsync(TaskPath(task), ProtocolJson.Default.TaskView, stop);

    /// <summary>The tasks in order of their creation, also those that have ended.</summary>
    /// <param name="state">One of the states or outcomes, for instance <c>waiting</c> or <c>failed</c>; <c>live</c> is all that have not ended.</param>
    /// <param name="kind"><c>download</c> or <c>upload</c>.</param>
    /// <param name="stop">Ends the enumeration.</param>
    public IAsyncEnumerable<TaskView> ListTasksAsync(string? state = null, string? kind = null, CancellationToken stop = default) =>
        _caller.ListAsync($"{_path}/tasks", new Query().With("state", state).With("kind", kind), ProtocolJson.Default.PageTaskView, stop);

    /// <summary>Changes a suspended or waiting task; fields left out stay.</summary>
    public Task<TaskView> ChangeTaskAsync(string task, TaskChange change, CommandId? intent = null, CancellationToken stop = default) =>
        _caller.CommandAsync(
            HttpMethod.Patch,
            TaskPath(task),
            JsonSerializer.SerializeToUtf8Bytes(change, ProtocolJson.Default.TaskChange),
            ProtocolJson.Default.TaskView,
            intent,
            stop);

    /// <summary>Lets a suspended task run; ends the wait before a retry.</summary>
    public Task<TaskView> ResumeTaskAsync(string task, CommandId? intent = null, CancellationToken stop = default) => ActAsync(task, "resume", intent, stop);

    /// <summary>Stops a task without ending it; a download keeps its bytes.</summary>
    public Task<TaskView> SuspendTaskAsync(string task, CommandId? intent = null, CancellationToken stop = default) => ActAsync(task, "suspend", intent, stop);

    /// <summary>Ends a task as <c>cancelled</c>.</summary>
    public Task<TaskView> CancelTaskAsync(string task, CommandId? intent = null, CancellationToken stop = default) => ActAsync(task, "cancel", intent, stop);

    /// <summary>Lets a task, and those after it in its group, go before the others of the group.</summary>
    public Task<TaskView> MakeCurrentAsync(string task, CommandId? intent = null, CancellationToken stop = default) => ActAsync(task, "make-current", intent, stop);

    /// <summary>Answers the authentication challenge that a task waits with.</summary>
    public Task<TaskView> AnswerChallengeAsync(string task, ChallengeAnswer answer, CommandId? intent = null, CancellationToken stop = default) =>
        _caller.CommandAsync(
            HttpMethod.Post,
            $"{TaskPath(task)}/challenge",
            JsonSerializer.SerializeToUtf8Bytes(answer, ProtocolJson.Default.ChallengeAnswer),
            ProtocolJson.Default.TaskView,
            intent,
            stop);

    /// <summary>Says whether, and how, a task may start that asks before its start.</summary>
    public Task<TaskView> AnswerDelayedRequestAsync(string task, DelayedRequestAnswer answer, CommandId? intent = null, CancellationToken stop = default) =>
        _caller.CommandAsync(
            HttpMethod.Post,
            $"{TaskPath(task)}/delayed-request",
            JsonSerializer.SerializeToUtf8Bytes(answer, ProtocolJson.Default.DelayedRequestAnswer),
            ProtocolJson.Default.TaskView,
            intent,
            stop);

    /// <summary>A group of tasks; nothing is asked of the node until one of its methods is called.</summary>
    public TransferGroup Group(string name) =>
        new(_caller, _path, GroupName.TryParse(name, out var parsed) ? parsed : throw new ArgumentException(GroupName.Rule, nameof(name)));

    /// <summary>A completion group; nothing is asked of the node until one of its methods is called.</summary>
    public CompletionGroup CompletionGroup(string name) =>
        new(_caller, _path, GroupName.TryParse(name, out var parsed) ? parsed : throw new ArgumentException(GroupName.Rule, nameof(name)));

    /// <summary>The groups in order of name.</summary>
    public IAsyncEnumerable<GroupView> ListGroupsAsync(CancellationToken stop = default) =>
        _caller.ListAsync($"{_path}/groups", new Query(), ProtocolJson.Default.PageGroupView, stop);

    /// <summary>Ends a download as <c>cancelled</c> and keeps its part, so that other tasks may start from it by <see cref="TaskRequest.ResumeData"/>.</summary>
    public Task<ResumeDataView> ProduceResumeDataAsync(string task, CommandId? intent = null, CancellationToken stop = default) =>
        _caller.CommandAsync(HttpMethod.Post, $"{TaskPath(task)}/resume-data", null, ProtocolJson.Default.ResumeDataView, intent, stop);

    /// <summary>Which bytes of a download are durable, and which are wanted.</summary>
    public Task<RangesView> GetRangesAsync(string task, CancellationToken stop = default) =>
        _caller.GetAsync($"{TaskPath(task)}/ranges", ProtocolJson.Default.RangesView, stop);

    /// <summary>Asks for bytes of a download with random access before the others; opens or ends a deferral of its events.</summary>
    public Task<RangesView> WantRangesAsync(string task, RangesRequest ranges, CommandId? intent = null, CancellationToken stop = default) =>
        _caller.CommandAsync(
            HttpMethod.Post,
            $"{TaskPath(task)}/ranges",
            JsonSerializer.SerializeToUtf8Bytes(ranges, ProtocolJson.Default.RangesRequest),
            ProtocolJson.Default.RangesView,
            intent,
            stop);

    /// <summary>Why a task is in its state, as one sentence with the numbers behind it.</summary>
    public Task<WhyView> WhyAsync(string task, CancellationToken stop = default) =>
        _caller.GetAsync($"{TaskPath(task)}/why", ProtocolJson.Default.WhyView, stop);

    /// <summary>The attempts of a task, oldest first.</summary>
    public IAsyncEnumerable<AttemptView> ListAttemptsAsync(string task, CancellationToken stop = default) =>
        _caller.ListAsync($"{TaskPath(task)}/attempts", new Query(), ProtocolJson.Default.PageAttemptView, stop);

    /// <summary>Copies the file of a finished download, or what the target of a finished upload answered, into <paramref name="destination"/>, going on after a broken connection.</summary>
    public Task<FileHead> ReadContentAsync(string task, Stream destination, ByteRange? range = null, CancellationToken stop = default) =>
        new FileDownload(_caller, $"{TaskPath(task)}/content", destination, range).RunAsync(stop);

    /// <summary>
    /// Copies bytes of a download, also of one under way: the answer comes when the bytes of the <paramref name="range"/> are durable, or after
    /// <paramref name="wait"/> (60 s at most) with those that are, at least the first one. What is copied begins at the range's start.
    /// </summary>
    public Task<FileHead> ReadContentAsync(string task, Stream destination, ByteRange range, TimeSpan wait, CancellationToken stop = default)
    {
        var query = new Query().With("wait", wait > TimeSpan.Zero ? (long)Math.Ceiling(wait.TotalSeconds) : null);
        return new FileDownload(_caller, $"{TaskPath(task)}/content{query}", destination, range) { LongPoll = wait }.RunAsync(stop);
    }

    /// <summary>
    /// The events after number <paramref name="after"/>, each once, in order and without gaps, for as long as the caller reads: a
    /// broken or silent connection is replaced by a new one that goes on where it ended. When events ended unread with their retention, it goes on with the first
    /// that is kept, and the event <c>eventsExpired</c> says which were lost. Ends after the <c>sessionInvalidated</c> that nothing follows.
    /// </summary>
    /// <exception cref="BackhaulException">The session does not exist, or the key was refused.</exception>
    public IAsyncEnumerable<EventView> ReadEventsAsync(long after = 0, EventStreamOptions? options = null, CancellationToken stop = default)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(after);
        return new EventStream(_caller, $"{_path}/events", options ?? new EventStreamOptions()).ReadAsync(after, stop);
    }

    /// <summary>One page of events after number <paramref name="after"/>; with <paramref name="wait"/> the node waits that long (60 s at most) for the first.</summary>
    public Task<EventPage> ReadEventPageAsync(long after = 0, int? limit = null, TimeSpan wait = default, CancellationToken stop = default)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(after);
        var query = new Query().With("after", after).With("limit", limit).With("wait", wait > TimeSpan.Zero ? (long)Math.Ceiling(wait.TotalSeconds) : null);
        return _caller.GetAsync($"{_path}/events{query}", ProtocolJson.Default.EventPage, wait, stop);
    }

    /// <summary>Says that a launch of this client was handled (the completion handler). Acknowledging everything says so too.</summary>
    public Task<LaunchView> CompleteLaunchAsync(long launch, CommandId? intent = null, CancellationToken stop = default) =>
        _caller.CommandAsync(
            HttpMethod.Post, string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{_path}/launches/{launch}/complete"), null, ProtocolJson.Default.LaunchView, intent, stop);

    /// <summary>Says that every event up to <paramref name="through"/> was handled; they are not delivered again.</summary>
    public Task<AckView> AcknowledgeAsync(long through, CommandId? intent = null, CancellationToken stop = default) =>
        _caller.CommandAsync(
            HttpMethod.Post,
            $"{_path}/events/ack",
            JsonSerializer.SerializeToUtf8Bytes(new AckRequest { Through = through }, ProtocolJson.Default.AckRequest),
            ProtocolJson.Default.AckView,
            intent,
            stop);

    /// <summary>
    /// Hands every event that is not acknowledged yet to <paramref name="handler"/>, one after the other, and acknowledges it after the
    /// handler has returned. An event whose handler threw, or whose acknowledgement did not get through before a crash, is delivered again:
    /// handlers must bear the same number twice. Returns after <c>sessionInvalidated</c> (or <c>eventsDrained</c>, when asked to).
    /// </summary>
    public Task RunAsync(Func<EventView, CancellationToken, ValueTask> handler, EventStreamOptions? options = null, CancellationToken stop = default)
    {
        ArgumentNullException.ThrowIfNull(handler);
        return new EventLoop(this, _caller, handler, options ?? new EventStreamOptions()).RunAsync(stop);
    }

    private async IAsyncEnumerable<TTask> LiveTasksAsync<TTask>(
        string? kind, string? group, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken stop)
        where TTask : BackgroundTask
    {
        var query = new Query().With("state", "live").With("kind", kind).With("group", group);
        await foreach (var view in _caller.ListAsync($"{_path}/tasks", query, ProtocolJson.Default.PageTaskView, stop))
            yield return (TTask)BackgroundTask.Of(this, view);
    }

    private Task<TaskView> ActAsync(string task, string verb, CommandId? intent, CancellationToken stop) =>
        _caller.CommandAsync(HttpMethod.Post, $"{TaskPath(task)}/{verb}", null, ProtocolJson.Default.TaskView, intent, stop);

    internal static string TextOf(Uri url)
    {
        ArgumentNullException.ThrowIfNull(url);
        return url.IsAbsoluteUri ? url.AbsoluteUri : throw new ArgumentException("The url is relative: give an absolute http or https URL.", nameof(url));
    }

    private string TaskPath(string task) => TaskId.TryParse(task, out var id)
        ? $"{_path}/tasks/{Uri.EscapeDataString(id.ToString())}"
        : throw new ArgumentException(TaskId.Rule, nameof(task));
}

using Backhaul.Protocol;

namespace Backhaul.Client;

/// <summary>
/// A task of a session as an object: a <see cref="DownloadTask"/> or an <see cref="UploadTask"/>. Its properties are those of
/// <see cref="View"/>, the newest answer about it that came through this object; <see cref="RefreshAsync"/> asks for another. The task lives in
/// the cluster: losing the object loses nothing.
/// </summary>
public abstract class BackgroundTask
{
    private volatile TaskView _view;

    private protected BackgroundTask(BackgroundSession session, TaskView view)
    {
        Session = session;
        _view = view;
    }

    /// <summary>The session that owns it.</summary>
    public BackgroundSession Session { get; }

    /// <summary>The newest answer about it.</summary>
    public TaskView View => _view;

    /// <summary>Its id in the session.</summary>
    public string Id => View.Id;

    /// <summary>Where it is on its way.</summary>
    public TransferState State => View.State switch
    {
        "suspended" => TransferState.Suspended,
        "waiting" => TransferState.Waiting,
        "running" => TransferState.Running,
        "canceling" => TransferState.Canceling,
        "completed" => TransferState.Completed,
        _ => TransferState.Unknown,
    };

    /// <summary>Why it waits; present exactly while it does.</summary>
    public string? Reason => View.Reason;

    /// <summary><c>succeeded failed cancelled expired</c>; present once it has ended.</summary>
    public string? Outcome => View.Outcome;

    /// <summary>The error that ended it, or the last one that is being retried.</summary>
    public TaskError? Error => View.Error;

    /// <summary>The URL that it was given, or changed to; a query is shown as <c>?...</c>, because it may be a secret.</summary>
    public Uri Url => new(View.Url);

    /// <summary>The URL after redirects, once there was a response.</summary>
    public Uri? CurrentUrl => View.Response is { } response ? new Uri(response.Url) : null;

    /// <summary>The head of the response: final URL, status, headers.</summary>
    public ResponseView? Response => View.Response;

    /// <summary>Bytes, totals where they are known, speed and the time left.</summary>
    public TaskProgress Progress => View.Progress;

    /// <summary>Bytes received.</summary>
    public long BytesReceived => View.Progress.BytesReceived;

    /// <summary>Bytes sent.</summary>
    public long BytesSent => View.Progress.BytesSent;

    /// <summary>All bytes to receive, when known.</summary>
    public long? TotalBytesToReceive => View.Progress.TotalToReceive;

    /// <summary>All bytes to send, when known.</summary>
    public long? TotalBytesToSend => View.Progress.TotalToSend;

    /// <summary>What the client said it expects to receive and send.</summary>
    public ExpectedBytes? ExpectedBytes => View.ExpectedBytes;

    /// <summary>0 to 1, higher first.</summary>
    public double Priority => View.Priority;

    /// <summary>The client's text.</summary>
    public string? Description => View.Description;

    /// <summary>The group that it belongs to.</summary>
    public string? Group => View.Group;

    /// <summary>It does not begin before.</summary>
    public DateTimeOffset? EarliestBeginAt => View.EarliestBeginAt;

    /// <summary>Asks for the newest state.</summary>
    public Task<TaskView> RefreshAsync(CancellationToken stop = default) => SeeAsync(Session.GetTaskAsync(Id, stop));

    /// <summary>Lets it run; ends the wait before a retry.</summary>
    public Task<TaskView> ResumeAsync(CancellationToken stop = default) => SeeAsync(Session.ResumeTaskAsync(Id, stop: stop));

    /// <summary>Stops it without ending it. A download, and an upload by a resumable protocol, keeps its bytes.</summary>
    public Task<TaskView> SuspendAsync(CancellationToken stop = default) => SeeAsync(Session.SuspendTaskAsync(Id, stop: stop));

    /// <summary>Ends it as <c>cancelled</c>. One that finishes meanwhile has finished.</summary>
    public Task<TaskView> CancelAsync(CancellationToken stop = default) => SeeAsync(Session.CancelTaskAsync(Id, stop: stop));

    /// <summary>Lets it, and those after it in its group, go before the others of the group.</summary>
    public Task<TaskView> MakeCurrentAsync(CancellationToken stop = default) => SeeAsync(Session.MakeCurrentAsync(Id, stop: stop));

    /// <summary>Changes several things at once. All but the bandwidth and whom its end is told to need a suspended or waiting task.</summary>
    public Task<TaskView> ChangeAsync(TaskChange change, CancellationToken stop = default) => SeeAsync(Session.ChangeTaskAsync(Id, change, stop: stop));

    /// <summary>Another priority; <see cref="TaskPriority"/> has names.</summary>
    public Task<TaskView> SetPriorityAsync(double priority, CancellationToken stop = default) => ChangeAsync(new TaskChange { Priority = priority }, stop);

    /// <summary>Another text, at most 16 KiB.</summary>
    public Task<TaskView> SetDescriptionAsync(string description, CancellationToken stop = default) => ChangeAsync(new TaskChange { Description = description }, stop);

    /// <summary>Another earliest begin; a time that has passed lets it begin at once.</summary>
    public Task<TaskView> SetEarliestBeginAsync(DateTimeOffset at, CancellationToken stop = default) => ChangeAsync(new TaskChange { EarliestBeginAt = at }, stop);

    /// <summary>Another URL; bytes are kept when validator and length agree there.</summary>
    public Task<TaskView> SetUrlAsync(Uri url, CancellationToken stop = default) =>
        ChangeAsync(new TaskChange { Url = BackgroundSession.TextOf(url) }, stop);

    /// <summary>Other headers, all of them: the view masks secret ones, so that a single one cannot be changed from here.</summary>
    public Task<TaskView> SetHeadersAsync(IReadOnlyDictionary<string, string> headers, CancellationToken stop = default) =>
        ChangeAsync(new TaskChange { Headers = headers }, stop);

    /// <summary>Another bandwidth in bytes per second, also while it runs; null lifts the limit.</summary>
    public Task<TaskView> SetBandwidthAsync(long? bytesPerSecondMax, CancellationToken stop = default) =>
        ChangeAsync(new TaskChange { BytesPerSecondMax = bytesPerSecondMax ?? 0 }, stop);

    /// <summary>Tells others of its end than before, also while it runs; null tells nobody.</summary>
    public Task<TaskView> SetNotifyAsync(TaskNotify? notify, CancellationToken stop = default) => ChangeAsync(new TaskChange { Notify = notify ?? new TaskNotify() }, stop);

    /// <summary>
    /// Asks for freedom of session, discretionary and cost limits, as a suspended or waiting task may. True when the operators' policy grants it; a task that is
    /// denied runs as before.
    /// </summary>
    public async Task<bool> RequestUnconstrainedAsync(CancellationToken stop = default) =>
        (await ChangeAsync(new TaskChange { Unconstrained = true }, stop)).UnconstrainedVerdict == "granted";

    /// <summary>Whether it asked to be unconstrained and was granted it; null when it did not ask.</summary>
    public bool? IsUnconstrained => View.UnconstrainedVerdict is { } verdict ? verdict == "granted" : null;

    /// <summary>Answers the authentication challenge that it waits with.</summary>
    public Task<TaskView> AnswerChallengeAsync(ChallengeAnswer answer, CancellationToken stop = default) =>
        SeeAsync(Session.AnswerChallengeAsync(Id, answer, stop: stop));

    /// <summary>Says whether, and how, it may start, when it asked before its start.</summary>
    public Task<TaskView> AnswerDelayedRequestAsync(DelayedRequestAnswer answer, CancellationToken stop = default) =>
        SeeAsync(Session.AnswerDelayedRequestAsync(Id, answer, stop: stop));

    /// <summary>Why it is in its state, as one sentence with the numbers behind it.</summary>
    public Task<WhyView> WhyAsync(CancellationToken stop = default) => Session.WhyAsync(Id, stop);

    /// <summary>Its attempts, oldest first.</summary>
    public IAsyncEnumerable<AttemptView> ListAttemptsAsync(CancellationToken stop = default) => Session.ListAttemptsAsync(Id, stop);

    /// <summary>
    /// Waits until it has ended, with whatever outcome, and reports its progress on the way. Only watches: events stay for the delegate, and the
    /// task goes on when the wait is cancelled. All waits of one <see cref="BackgroundSession"/> object share one connection.
    /// </summary>
    public Task<TaskView> WaitForCompletionAsync(IProgress<TaskProgress>? progress = null, CancellationToken stop = default) =>
        SeeAsync(Session.Watch.WaitAsync(Id, progress, stop));

    internal static BackgroundTask Of(BackgroundSession session, TaskView view) =>
        view.Kind == "upload" ? new UploadTask(session, view) : new DownloadTask(session, view);

    private async Task<TaskView> SeeAsync(Task<TaskView> answer) => _view = await answer;
}

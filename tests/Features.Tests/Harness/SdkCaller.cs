using System.Net;
using System.Runtime.CompilerServices;
using Backhaul.Client;

namespace Backhaul.Features.Tests;

/// <summary>The same calls by <c>Backhaul.Client</c> alone.</summary>
internal sealed class SdkCaller(IReadOnlyList<BackhaulClient> clients) : ICaller
{
    private int _turn = Random.Shared.Next(clients.Count);

    public Task<SessionView> OpenAsync(string session, string? configuration = null) =>
        AskAsync(session, one => one.CreateOrAttachAsync(configuration is null ? null : Json.Read<SessionConfiguration>(configuration)));

    public Task<SessionView> SessionAsync(string session) => AskAsync(session, one => one.GetAsync());

    public Task<IReadOnlyList<SessionListItem>> SessionsAsync(string? state = null) => ListAsync(Next().ListSessionsAsync(state));

    public Task<SessionView> EndAsync(string session, string mode) => AskAsync(session, one => one.EndAsync(Enum.Parse<SessionEnd>(mode, ignoreCase: true)));

    public Task<TaskView> AddAsync(string session, string task, CommandId? intent = null) =>
        AskAsync(session, one => one.AddTaskAsync(Json.Read<TaskRequest>(task), intent));

    public Task<IReadOnlyList<TaskResult>> AddManyAsync(string session, string tasks) =>
        AskAsync(session, one => one.AddTasksAsync(Json.Read<TaskRequest[]>(tasks)));

    public Task<TaskView> TaskAsync(string session, string task) => AskAsync(session, one => one.GetTaskAsync(task));

    public Task<IReadOnlyList<TaskView>> TasksAsync(
        string session, string? state = null, string? kind = null, string? group = null, string? completionGroup = null)
    {
        var one = Session(session);
        return (state, kind, group, completionGroup) switch
        {
            (_, _, null, { } set) => ListAsync(one.CompletionGroup(set).ListTasksAsync(state, kind)),
            ("live", null, null, null) => ViewsAsync(one.GetAllTasksAsync()),
            ("live", "download", _, null) => ViewsAsync(one.GetCurrentDownloadsAsync(group)),
            ("live", "upload", _, null) => ViewsAsync(one.GetCurrentUploadsAsync(group)),
            (_, _, { } name, null) => ListAsync(one.Group(name).ListTasksAsync(state, kind)),
            (_, _, null, null) => ListAsync(one.ListTasksAsync(state, kind)),
            _ => throw new ArgumentException("A task list is of a group or of a completion group.", nameof(completionGroup)),
        };
    }

    public Task<TaskView> ChangeAsync(string session, string task, string change) =>
        AskAsync(session, one => one.ChangeTaskAsync(task, Json.Read<TaskChange>(change)));

    public Task<TaskView> ActAsync(string session, string task, string verb) => AskAsync(session, one => verb switch
    {
        "resume" => one.ResumeTaskAsync(task),
        "suspend" => one.SuspendTaskAsync(task),
        "cancel" => one.CancelTaskAsync(task),
        "make-current" => one.MakeCurrentAsync(task),
        _ => throw new ArgumentOutOfRangeException(nameof(verb), verb, "not a verb of a task"),
    });

    public Task<ResumeDataView> ProduceResumeDataAsync(string session, string task) => AskAsync(session, async one =>
        await one.FindTaskAsync(task) is DownloadTask download ? await download.CancelProducingResumeDataAsync() : await one.ProduceResumeDataAsync(task));

    public Task<WhyView> WhyAsync(string session, string task) => AskAsync(session, one => one.WhyAsync(task));

    public Task<IReadOnlyList<AttemptView>> AttemptsAsync(string session, string task) => ListAsync(Session(session).ListAttemptsAsync(task));

    public Task<TaskView> AnswerChallengeAsync(string session, string task, string answer) =>
        AskAsync(session, one => one.AnswerChallengeAsync(task, Json.Read<ChallengeAnswer>(answer)));

    public Task<TaskView> AnswerDelayedRequestAsync(string session, string task, string answer) =>
        AskAsync(session, one => one.AnswerDelayedRequestAsync(task, Json.Read<DelayedRequestAnswer>(answer)));

    public Task<RangesView> RangesAsync(string session, string task) => AskAsync(session, one => one.GetRangesAsync(task));

    public Task<RangesView> WantRangesAsync(string session, string task, string ranges) =>
        AskAsync(session, one => one.WantRangesAsync(task, Json.Read<RangesRequest>(ranges)));

    public Task<byte[]> ContentAsync(string session, string task, long? from = null, long? to = null) => AskAsync(session, async one =>
    {
        using var bytes = new MemoryStream();
        if (from is { } first)
            await one.ReadContentAsync(task, bytes, new ByteRange(first, to), TimeSpan.FromSeconds(20));
        else
            await one.ReadContentAsync(task, bytes);
        return bytes.ToArray();
    });

    public Task<GroupView> PutGroupAsync(string session, string group, string? mode = null) => AskAsync(session, one => one.Group(group).CreateAsync(mode));

    public Task<GroupView> GroupAsync(string session, string group) => AskAsync(session, one => one.Group(group).GetAsync());

    public Task<IReadOnlyList<GroupView>> GroupsAsync(string session) => ListAsync(Session(session).ListGroupsAsync());

    public Task<GroupView> ActOnGroupAsync(string session, string group, string verb) => AskAsync(session, one => verb switch
    {
        "resume" => one.Group(group).ResumeAsync(),
        "suspend" => one.Group(group).SuspendAsync(),
        "cancel" => one.Group(group).CancelAsync(),
        _ => throw new ArgumentOutOfRangeException(nameof(verb), verb, "not a verb of a group"),
    });

    public Task<CompletionGroupView> PutCompletionGroupAsync(string session, string group) => AskAsync(session, one => one.CompletionGroup(group).CreateAsync());

    public Task<CompletionGroupView> CompletionGroupAsync(string session, string group) => AskAsync(session, one => one.CompletionGroup(group).GetAsync());

    public Task<CompletionGroupView> EnableAsync(string session, string group) => AskAsync(session, one => one.CompletionGroup(group).EnableAsync());

    public Task<EventPage> EventsAsync(string session, long after = 0, int? limit = null, int waitSeconds = 0) =>
        AskAsync(session, one => one.ReadEventPageAsync(after, limit, TimeSpan.FromSeconds(waitSeconds)));

    public async IAsyncEnumerable<EventView> StreamAsync(
        string session, long after, Action<ProgressView>? progress, [EnumeratorCancellation] CancellationToken stop)
    {
        await foreach (var shown in Session(session).ReadEventsAsync(after, new EventStreamOptions { Progress = progress }, stop))
            yield return shown;
    }

    public Task<AckView> AcknowledgeAsync(string session, long through) => AskAsync(session, one => one.AcknowledgeAsync(through));

    public Task<LaunchView> CompleteLaunchAsync(string session, long launch) => AskAsync(session, one => one.CompleteLaunchAsync(launch));

    public Task<WebhookView> WebhookAsync(string session, string target) => AskAsync(session, one => Webhook(one, target).GetAsync());

    public Task<WebhookView> EnableWebhookAsync(string session, string target) => AskAsync(session, one => Webhook(one, target).EnableAsync());

    public Task<WebhookView> DisableWebhookAsync(string session, string target) => AskAsync(session, one => Webhook(one, target).DisableAsync());

    public Task<WebhookTestView> TestWebhookAsync(string session, string target) => AskAsync(session, one => Webhook(one, target).TestAsync());

    public Task<WebhookView> ReplayAsync(string session, long from, long? through = null) => AskAsync(session, one => one.PushWebhook.ReplayAsync(from, through));

    public Task<PrefetchView> PutPrefetchAsync(string session, string prefetch) =>
        AskAsync(session, one => one.Prefetcher.SetAsync(Json.Read<PrefetchRequest>(prefetch)));

    public Task<PrefetchView> PrefetchAsync(string session) => AskAsync(session, one => one.Prefetcher.GetAsync());

    public Task<PrefetchView> RemovePrefetchAsync(string session) => AskAsync(session, one => one.Prefetcher.RemoveAsync());

    public Task<FileView> PutFileAsync(string file, byte[] content) => AskAsync(async client =>
    {
        using var bytes = new MemoryStream(content);
        return await client.Files.UploadAsync(FileReference.Parse(file), bytes);
    });

    public Task<byte[]> GetFileAsync(string file) => AskAsync(async client =>
    {
        using var bytes = new MemoryStream();
        await client.Files.DownloadAsync(FileReference.Parse(file), bytes);
        return bytes.ToArray();
    });

    public Task<bool> FileExistsAsync(string file) => AskAsync(async client => await client.Files.HeadAsync(FileReference.Parse(file)) is not null);

    public Task<bool> DeleteFileAsync(string file) => AskAsync(client => client.Files.DeleteAsync(FileReference.Parse(file)));

    public Task<FileView> MoveFileAsync(string file, string destination) =>
        AskAsync(client => client.Files.MoveAsync(FileReference.Parse(file), FileReference.Parse(destination)));

    public Task<FileView> KeepFileAsync(string session, FileView file, string destination) =>
        AskAsync(client => client.Files.KeepAsync(SessionIdentifier.Parse(session), file, FileReference.Parse(destination)));

    private static SessionWebhook Webhook(BackgroundSession session, string target) => target == "push" ? session.PushWebhook : session.LaunchWebhook;

    private BackhaulClient Next() => clients[(int)((uint)Interlocked.Increment(ref _turn) % clients.Count)];

    private BackgroundSession Session(string session)
    {
        try
        {
            return Next().Session(session);
        }
        catch (ArgumentException wrong)
        {
            throw new Refused(HttpStatusCode.BadRequest, ProblemCodes.InvalidIdentifier, wrong.Message, null); // the SDK does not even ask
        }
    }

    private Task<T> AskAsync<T>(string session, Func<BackgroundSession, Task<T>> call) => GuardAsync(() => call(Session(session)));

    private Task<T> AskAsync<T>(Func<BackhaulClient, Task<T>> call) => GuardAsync(() => call(Next()));

    private static Task<IReadOnlyList<T>> ListAsync<T>(IAsyncEnumerable<T> items) => GuardAsync(async () =>
    {
        var found = new List<T>();
        await foreach (var item in items)
            found.Add(item);
        return (IReadOnlyList<T>)found;
    });

    private static async Task<IReadOnlyList<TaskView>> ViewsAsync<T>(IAsyncEnumerable<T> tasks)
        where T : BackgroundTask => [.. (await ListAsync(tasks)).Select(task => task.View)];

    private static async Task<T> GuardAsync<T>(Func<Task<T>> call)
    {
        try
        {
            return await call();
        }
        catch (BackhaulException refused)
        {
            throw new Refused((HttpStatusCode)refused.Status, refused.Code, refused.Detail, refused.Field);
        }
    }
}

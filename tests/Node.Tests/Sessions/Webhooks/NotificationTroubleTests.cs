using System.Text.Json;
using Backhaul.Node.Journal;
using Backhaul.Node.Sessions;
using Backhaul.Node.Transfers;
using Backhaul.Protocol;
using Xunit;

namespace Backhaul.Node.Tests.Sessions.Webhooks;

/// <summary>Notifications while the store is away, of tasks that it lost, of very many at once; and what they say of a task that failed in more than one way.</summary>
public sealed class NotificationTroubleTests
{
    private static readonly TimeSpan Weeks = TimeSpan.FromDays(30);

    private readonly SessionWorld _world = new() { Options = new SessionOptions { IdleBeforePassivation = Weeks, NotificationsMax = 3 } };

    [Fact]
    public void A_task_that_cannot_be_read_in_the_archive_is_given_up_and_the_others_are_told() => _world.Run(async () =>
    {
        var store = await OpenAsync();
        store.Found = rows => [.. rows.Select(row => row.Id == TaskId.Parse("damaged") ? row with { Payload = "{"u8.ToArray() } : row)];
        await AddAsync("damaged");
        await AddAsync("whole");
        await _world.UntilAsync(() => Task.FromResult(_world.Webhooks.Sent.Count == 1));
        var shown = (await _world.DescribeAsync()).Notifications!;
        Assert.Equal((0, 1L), (shown.Pending, shown.GivenUp));
        Assert.Equal(("damaged", "What the task came to cannot be read in the archive."), (shown.LastGivenUp![0].Task, shown.LastGivenUp[0].Why));
        store.Found = static _ => throw new JournalStoreException(StoreFailure.Rejected, "A page is damaged.");
        await AddAsync("page");
        await _world.UntilAsync(async () => (await _world.DescribeAsync()).Notifications is { Pending: 0, GivenUp: 2 });
    }, Weeks);

    [Fact]
    public void A_store_that_does_not_answer_is_waited_for_and_holds_back_no_pushed_event() => _world.Run(async () =>
    {
        var asked = 0;
        var store = await OpenAsync(new PushConfiguration { Url = "https://push.example/", Secret = "hooks" });
        store.Found = _ => throw new JournalStoreException(StoreFailure.Transient, $"No connection, {++asked} times.");
        await AddAsync("waits");
        await Task.Delay(TimeSpan.FromSeconds(61), _world.World.Time);
        Assert.InRange(asked, 2, 14); // one in five seconds
        var before = _world.Webhooks.Sent.Count;
        var at = _world.World.Time.GetUtcNow();
        await _world.AskAsync(new SessionCommand.AddTask(Download("created")));
        await _world.UntilAsync(() => Task.FromResult(Pushed("created")));
        Assert.InRange(_world.World.Time.GetUtcNow() - at, TimeSpan.Zero, TimeSpan.FromSeconds(1));
        Assert.Equal(2, (await _world.DescribeAsync()).Notifications!.Pending);
        Assert.True(_world.Webhooks.Sent.Count > before);
        store.Found = static rows => rows;
        await _world.UntilAsync(async () => (await _world.DescribeAsync()).Notifications is null);

        bool Pushed(string task) => _world.Webhooks.Sent.Any(sent => sent.Url == "https://push.example/" && JsonDocument.Parse(sent.Body).RootElement is var body
            && body.GetProperty("type").GetString() == "backhaul.taskCompleted" && body.GetProperty("subject").GetString() == $"tasks/{task}");
    }, Weeks);

    [Fact]
    public void Those_over_the_limit_are_told_of_by_one_line_a_turn() => _world.Run(async () =>
    {
        await OpenAsync();
        _world.Webhooks.Held = new TaskCompletionSource();
        var deadline = _world.World.Time.GetUtcNow().AddMinutes(1);
        for (var n = 0; n < 100; n++)
            await _world.AskAsync(new SessionCommand.AddTask(Download($"t{n}") with { Start = false, Deadline = deadline }));
        await _world.UntilAsync(async () => (await _world.DescribeAsync()).Notifications is { Pending: 3, GivenUp: 97 });
        var line = Assert.Single(_world.World.Loggers.Lines, line => line.Text.Contains(" told any more", StringComparison.Ordinal));
        Assert.Contains("97 ends of tasks are not told any more", line.Text, StringComparison.Ordinal);
        Assert.Contains("to https://hooks.example/done?...: 3 others", line.Text, StringComparison.Ordinal);
    }, Weeks);

    [Theory]
    [InlineData(403)]
    [InlineData(null)]
    public void The_status_is_that_of_the_answer_that_ended_the_task_and_not_of_its_first(int? status)
    {
        var harness = new SessionHarness().Opened();
        var task = harness.Add(Download("refused"));
        var first = harness.Start(task);
        harness.Report(task, first, new AttemptReport.Responded(Response(200)));
        harness.Report(task, first, SessionHarness.Failed());
        harness.Now += TimeSpan.FromHours(1);
        harness.Settle();
        harness.Report(task, harness.Start(task), new AttemptReport.Ended(new AttemptOutcome.Failed(
            new AttemptFailure { Code = TransferCodes.HttpStatus, Message = "It was refused.", Retryable = false, Status = status, Response = status is { } of ? Response(of) : null })));
        Assert.Equal(status, harness.History.OfType<TaskCompleted>().Single().Status);
        var ended = harness.Archived[task];
        Assert.Equal(status, Said(ended));
        Assert.Equal(status, Said(ended with { End = ended.End! with { Status = null } })); // of an earlier build
        harness.AssertReplaysEqual();

        static int? Said(TaskState ended) =>
            JsonDocument.Parse(NotificationBody.Write("msg_1", SessionHarness.Key, 7, 1, ended)).RootElement.GetProperty("data").Deserialize(ProtocolJson.Default.TaskNotificationData)!.Status;
    }

    private static AttemptResponse Response(int status) =>
        new() { Url = "https://origin.example/a.bin", Status = status, Headers = new Dictionary<string, string>(), Resumable = true, ResumableWhy = "strong ETag", From = 0, Total = 10 };

    private static TaskSpec Download(string id) => SessionHarness.Download(id) with
    {
        Notify = new TaskNotify { Success = "https://hooks.example/done?key=canary", Failure = "https://hooks.example/done?key=canary", Secret = "hooks" },
    };

    private async Task<ArchiveStore> OpenAsync(PushConfiguration? push = null)
    {
        var store = new ArchiveStore(_world.Store);
        _world.StoreOfSessions = store;
        await _world.StartAsync();
        await _world.AskAsync(new SessionCommand.Open(new SessionConfiguration { SendsLaunchEvents = false, Push = push }));
        _world.Runner.FinishAllWith = SessionHarness.Finished().Outcome;
        return store;
    }

    private async Task AddAsync(string id) => Assert.IsType<CommandReply.Done>(await _world.AskAsync(new SessionCommand.AddTask(Download(id))));
}

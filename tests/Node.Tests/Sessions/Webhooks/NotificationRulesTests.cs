using Backhaul.Node.Delivery;
using Backhaul.Node.Sessions;
using Backhaul.Protocol;
using FsCheck;
using FsCheck.Fluent;
using Xunit;

namespace Backhaul.Node.Tests.Sessions.Webhooks;

/// <summary>Whom ends of tasks are told to, and by which secret, without actor and journal.</summary>
public sealed class NotificationRulesTests
{
    private static readonly LaunchConfiguration Launch = new() { Url = "https://launch.example/", Secret = "launching" };
    private static readonly HashSet<long> None = [];
    private static readonly PushConfiguration Push = new() { Url = "https://push.example/", Secret = "pushing" };

    [Fact]
    public void Its_own_secret_signs_else_that_of_launches_else_that_of_pushed_events()
    {
        Assert.Equal("own", SecretWith("own", Launch, Push));
        Assert.Equal("own", SecretWith("own", null, null));
        Assert.Equal("launching", SecretWith(null, Launch, Push));
        Assert.Equal("pushing", SecretWith(null, null, Push));
    }

    [Fact]
    public void A_task_that_nothing_could_sign_for_is_refused_and_told_what_to_set()
    {
        var harness = new SessionHarness().Opened();
        var problem = harness.Problem(new SessionCommand.AddTask(Spec(null)));
        Assert.Equal((400, ProblemCodes.InvalidField, "notify.secret"), (problem.Status, problem.Code, problem.Field));
        Assert.Contains("secret of the kind webhook", problem.Detail, StringComparison.Ordinal);
        Assert.Contains("launch or push", problem.Detail, StringComparison.Ordinal);
        harness.Add(Spec("own"));
    }

    [Fact]
    public void A_changed_secret_signs_what_is_pending_and_one_that_went_is_still_known_by_the_version_of_the_task()
    {
        var harness = new SessionHarness().Opened(new SessionConfiguration { Launch = Launch });
        var pending = End(harness, harness.Add(Spec(null)));
        harness.Do(new SessionCommand.Open(new SessionConfiguration { Launch = Launch with { Secret = "changed" } }));
        Assert.Equal("changed", NotificationDecider.SecretOf(pending, harness.Session.Configurations));
        harness.Do(new SessionCommand.Open(new SessionConfiguration()));
        Assert.Equal("launching", NotificationDecider.SecretOf(pending, harness.Session.Configurations));
    }

    [Fact]
    public void A_session_that_sleeps_wakes_for_what_it_has_to_tell()
    {
        var harness = new SessionHarness().Opened(new SessionConfiguration { Push = Push with { Types = [] } });
        harness.Do(new SessionCommand.Acknowledge(1));
        var pending = End(harness, harness.Add(Spec(null)));
        harness.Apply([new WebhookFailed(WebhookTarget.Notify, pending.Number, 1, 500, "It answered 500.", harness.Now.AddHours(2), harness.Now)]);
        Assert.Equal(harness.Now.AddHours(2), harness.Session.NextDue());
        harness.AssertReplaysEqual();
    }

    [Fact]
    public void What_came_too_late_means_nothing()
    {
        var harness = new SessionHarness().Opened(new SessionConfiguration { Push = Push });
        var number = End(harness, harness.Add(Spec(null))).Number;
        var (order, _) = Assert.Single(NotificationDecider.Orders(harness.Session, None));
        harness.Apply([new WebhookFailed(WebhookTarget.Notify, number, 1, 500, "It answered 500.", harness.Now, harness.Now)]);
        Assert.Empty(WebhookDecider.Report(harness.Session, new WebhookReport(order, number, ScriptedWebhooks.Taken), harness.Now, 0.5));
        harness.Apply([new WebhookDelivered(WebhookTarget.Notify, number, 200, harness.Now)]);
        Assert.Empty(WebhookDecider.Report(harness.Session, new WebhookReport(order with { Attempt = 2 }, number, ScriptedWebhooks.Gone), harness.Now, 0.5));
        Assert.Equal((0, 0L), (harness.Session.Notifications.Count, harness.Session.Notifications.GivenUpCount));
    }

    [Fact]
    public void Tasks_that_have_not_ended_cost_nothing_and_the_next_of_many_is_found_without_looking_at_all()
    {
        var harness = new SessionHarness().Opened(new SessionConfiguration { Push = Push });
        var created = Enumerable.Range(1, 100_000).Select(ordinal => new TaskCreated(TaskId.FromOrdinal(ordinal), ordinal, Spec(null) with { Start = false }, 1, harness.Now)).ToList();
        foreach (var task in created)
            harness.Session.Apply(task);
        Assert.Empty(NotificationDecider.Orders(harness.Session, None));
        Assert.Null(harness.Session.Notifications.NextDue);
        foreach (var task in created)
            harness.Session.Apply(new TaskCompleted(task.Task, TaskOutcomes.Succeeded, null, 200, 1, 0, null, null, null, harness.Now));
        Assert.Equal(100_000, harness.Session.Notifications.Count);
        var before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Equal(4, NotificationDecider.Orders(harness.Session, None).Count());
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 64 * 1024);
    }

    [Fact]
    public void A_receiver_that_never_answers_holds_up_its_own_only()
    {
        var harness = new SessionHarness().Opened(new SessionConfiguration { Push = Push });
        foreach (var n in Enumerable.Range(0, 50))
            End(harness, harness.Add(To($"https://dead{n % 3}.example/{n}")));
        harness.Now += TimeSpan.FromSeconds(1);
        var alive = End(harness, harness.Add(To("https://alive.example/")));
        var sending = NotificationDecider.Orders(harness.Session, None).ToList();
        Assert.Equal(13, sending.Count); // four to each of three, and it
        Assert.Contains(sending, wanted => wanted.Order.Key == alive.Number);
        var underWay = sending.Select(wanted => wanted.Order.Key).ToHashSet();
        Assert.Empty(NotificationDecider.Orders(harness.Session, underWay));
        harness.Apply([new WebhookDelivered(WebhookTarget.Notify, alive.Number, 200, harness.Now)]);
        underWay.Remove(alive.Number);
        var next = End(harness, harness.Add(To("http://alive.example/")));
        Assert.Equal(next.Number, Assert.Single(NotificationDecider.Orders(harness.Session, underWay)).Order.Key);
        Assert.Equal(harness.Now, Assert.Single(NotificationDecider.Orders(harness.Session, underWay)).Due);
        harness.AssertReplaysEqual();

        static TaskSpec To(string url) => SessionHarness.Download() with { Notify = new TaskNotify { Success = url } };
    }

    /// <summary>Whatever tasks, receivers, time and nodes do: one message id for a task, for none that was cancelled, and each is told, pending or given up.</summary>
    [Fact]
    public void Any_history_gives_at_most_one_notification_for_a_task() => Prop.ForAll<int[]>(steps =>
    {
        var harness = new SessionHarness(new SessionOptions { LiveTasksMax = 8, NotificationsMax = 4 }).Opened(new SessionConfiguration { Push = Push with { Types = [] } });
        Dictionary<long, TaskId> sent = [];
        foreach (var step in steps)
            Step(harness, step == int.MinValue ? 0 : Math.Abs(step), sent);
        harness.AssertReplaysEqual();
        var ends = harness.History.OfType<TaskCompleted>().ToList();
        Assert.Equal(sent.Count, sent.Values.Distinct().Count());
        var told = harness.History.OfType<WebhookDelivered>().Select(delivered => delivered.Number).ToList();
        Assert.Equal(told.Count, told.Distinct().Count());
        Assert.All(sent.Values, task => Assert.NotEqual(TaskOutcomes.Cancelled, ends.Single(end => end.Task == task).Outcome));
        var wanted = ends.Count(end => NotificationDecider.UrlFor(harness.Archived[end.Task]) is not null);
        Assert.Equal(wanted, told.Count + harness.Session.Notifications.Count + harness.Session.Notifications.GivenUpCount);
        Assert.InRange(harness.Session.Notifications.Count, 0, 4);
    }).Check(Config.QuickThrowOnFailure.WithMaxTest(500).WithEndSize(120));

    private static void Step(SessionHarness harness, int choice, Dictionary<long, TaskId> sent)
    {
        var argument = choice / 8;
        var live = harness.Session.Tasks.After(0).ToList();
        var task = live.Count > 0 ? live[argument % live.Count] : null;
        switch (choice % 8)
        {
            case 0 or 1:
                harness.Do(new SessionCommand.AddTask(Spec(argument % 2 == 0 ? "own" : null, success: argument % 3 > 0, failure: argument % 5 > 0)));
                break;
            case 2 or 3 when task is { Phase: TaskPhase.Waiting, IsActive: false }:
                harness.Start(task.Id);
                break;
            case 4 when task is { IsActive: true }:
                harness.Report(task.Id, task.Run!.Attempt, argument % 2 == 0 ? SessionHarness.Finished() : SessionHarness.Failed(retryable: argument % 3 == 0));
                break;
            case 5 when task is not null:
                harness.Do(new SessionCommand.CancelTask(task.Id));
                break;
            case 6:
                harness.Now += TimeSpan.FromMinutes(argument % 200);
                harness.Settle();
                break;
            case 7:
                Send(harness, argument, sent);
                break;
        }
        while (NotificationDecider.Continue(harness.Session, harness.Now) is { Count: > 0 } tooMany)
            harness.Apply(tooMany);
    }

    /// <summary>One is sent; its answer comes, comes twice, or is lost with the node.</summary>
    private static void Send(SessionHarness harness, int argument, Dictionary<long, TaskId> sent)
    {
        if (NotificationDecider.Orders(harness.Session, None).FirstOrDefault(wanted => wanted.Due <= harness.Now).Order is not { } order)
            return;
        Assert.True(harness.Session.Notifications.TryFind(order.Key, out var pending));
        sent[order.Key] = pending.Task;
        WebhookAnswer[] answers = [ScriptedWebhooks.Taken, ScriptedWebhooks.Failed, ScriptedWebhooks.Gone, ScriptedWebhooks.Failed];
        for (var times = argument % 3; times > 0; times--)
            harness.Apply(WebhookDecider.Report(harness.Session, new WebhookReport(order, order.Key, answers[argument / 3 % 4]), harness.Now, 0.5));
    }

    private static TaskSpec Spec(string? secret, bool success = true, bool failure = true) => SessionHarness.Download() with
    {
        Notify = success || failure
            ? new TaskNotify { Success = success ? "https://hooks.example/done" : null, Failure = failure ? "https://hooks.example/failed" : null, Secret = secret }
            : null,
    };

    private static string? SecretWith(string? own, LaunchConfiguration? launch, PushConfiguration? push)
    {
        var harness = new SessionHarness().Opened(new SessionConfiguration { Launch = launch, Push = push });
        return NotificationDecider.SecretOf(End(harness, harness.Add(Spec(own))), harness.Session.Configurations);
    }

    private static Notification End(SessionHarness harness, TaskId task)
    {
        harness.Report(task, harness.Start(task), SessionHarness.Finished());
        return harness.Session.Notifications.Next(None, int.MaxValue, int.MaxValue).Single(pending => pending.Task == task);
    }
}

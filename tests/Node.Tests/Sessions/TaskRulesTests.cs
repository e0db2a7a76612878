using Backhaul.Node.Sessions;
using Backhaul.Node.Transfers;
using Backhaul.Protocol;
using Xunit;

namespace Backhaul.Node.Tests.Sessions;

public sealed class TaskRulesTests
{
    private readonly SessionHarness _session = new SessionHarness().Opened();

    [Fact]
    public void What_the_node_has_no_way_out_for_waits_for_the_node_and_says_until_when()
    {
        var id = _session.Add();
        _session.Report(id, _session.Start(id), SessionHarness.Failed(TransferCodes.HeldBack, waitReason: "nodeLimit"));
        var why = TaskViews.Why(_session.Session.Tasks[id], _session.Session, _session.Conditions());
        Assert.Equal(("nodeLimit", true), (why.Reason, why.NextEvaluationAt > _session.Now));
        Assert.StartsWith("A limit of the node holds it back until ", why.Sentence, StringComparison.Ordinal);
        Assert.EndsWith("It broke.", why.Sentence, StringComparison.Ordinal);
    }

    /// <summary>It once waited as after failures: for minutes, while ways out had been free for as long.</summary>
    [Fact]
    public void What_the_node_has_no_way_out_for_is_looked_at_again_soon_however_often_that_was_so()
    {
        var id = _session.Add();
        for (var n = 0; n < 12; n++)
        {
            _session.Report(id, _session.Start(id), SessionHarness.Failed(TransferCodes.HeldBack, retryAfter: TimeSpan.FromSeconds(2), waitReason: "nodeLimit"), unit: 0.9);
            Assert.Equal(("waiting", "nodeLimit", _session.Now.AddSeconds(2)), (_session.View(id).State, _session.View(id).Reason, _session.View(id).NextEvaluationAt));
            _session.Now += TimeSpan.FromSeconds(2);
        }
        _session.Report(id, _session.Start(id), SessionHarness.Failed(), unit: 0.9);
        Assert.Equal(_session.Now.AddSeconds(0.9), _session.View(id).NextEvaluationAt); // and its first failure is its first
        _session.AssertReplaysEqual();
    }

    [Fact]
    public void Ids_are_given_in_order_and_an_own_id_repeated_is_the_same_task()
    {
        Assert.Equal("t1", _session.Add().ToString());
        var own = SessionHarness.Download("report");
        Assert.Equal(201, Status(new SessionCommand.AddTask(own)));
        Assert.Equal(200, Status(new SessionCommand.AddTask(own)));
        Assert.Equal(ProblemCodes.TaskExists, _session.Problem(new SessionCommand.AddTask(own with { Url = "https://origin.example/b" })).Code);
        Assert.Equal("t3", _session.Add().ToString());
    }

    [Fact]
    public void An_own_id_of_an_ended_task_is_not_taken_again()
    {
        var own = SessionHarness.Download("once");
        var id = _session.Add(own);
        _session.Report(id, _session.Start(id), SessionHarness.Finished());
        Assert.Equal(200, Status(new SessionCommand.AddTask(own)));
        Assert.Equal(ProblemCodes.TaskExists, _session.Problem(new SessionCommand.AddTask(own with { Priority = 1 })).Code);
    }

    [Fact]
    public void A_recoverable_status_pauses_the_task_until_its_client_says_how_to_go_on()
    {
        var id = _session.Add(SessionHarness.Download() with { RecoverableStatus = ["403"] });
        _session.Report(id, _session.Start(id), SessionHarness.Failed(TransferCodes.HttpStatus, waitReason: WaitReasons.RecoverableStatus));
        Assert.Equal((WaitReasons.RecoverableStatus, (DateTimeOffset?)null), (_session.View(id).Reason, _session.View(id).NextEvaluationAt));
        _session.Now += TimeSpan.FromDays(1);
        _session.Session.Tasks.Promote(_session.Now);
        Assert.Equal(0, _session.Session.Tasks.Ready.Count);
        _session.Do(new SessionCommand.ChangeTask(id, new TaskChange { Url = "https://origin.example/signed-anew" }));
        Assert.Equal(1, _session.Session.Tasks.Ready.Count);
        _session.Report(id, _session.Start(id), SessionHarness.Failed(TransferCodes.HttpStatus, waitReason: WaitReasons.RecoverableStatus));
        _session.Do(new SessionCommand.ResumeTask(id));
        Assert.Equal(1, _session.Session.Tasks.Ready.Count);
        _session.AssertReplaysEqual();
    }

    [Fact]
    public void Bytes_that_were_wrong_three_times_are_not_fetched_again()
    {
        var id = _session.Add();
        for (var i = 0; i < 2; i++)
        {
            _session.Report(id, _session.Start(id), SessionHarness.Failed(TransferCodes.DigestMismatch));
            Assert.Equal("waiting", _session.View(id).State);
            _session.Do(new SessionCommand.ResumeTask(id));
        }
        _session.Report(id, _session.Start(id), SessionHarness.Failed(TransferCodes.DigestMismatch));
        Assert.Equal(TransferCodes.DigestMismatch, _session.View(id).Error!.Code);
        Assert.Equal("failed", _session.View(id).Outcome);
    }

    [Fact]
    public void Two_live_tasks_cannot_own_one_destination()
    {
        var spec = SessionHarness.Download() with { Destination = new FileReference(null, ContainerPath.Parse("a/b")) };
        var first = _session.Add(spec);
        Assert.Equal(ProblemCodes.DestinationTaken, _session.Problem(new SessionCommand.AddTask(spec with
        {
            Destination = new FileReference(ContainerName.Default, ContainerPath.Parse("a/b")),
        })).Code);
        _session.Do(new SessionCommand.CancelTask(first));
        _session.Add(spec);
    }

    [Fact]
    public void A_batch_takes_the_good_entries_and_says_what_is_wrong_with_the_others()
    {
        var destination = new FileReference(null, ContainerPath.Parse("same"));
        var reply = Assert.IsType<CommandReply.Done>(_session.Do(new SessionCommand.AddTasks(
        [
            new BatchEntry(0, SessionHarness.Download("a"), null),
            new BatchEntry(1, null, new Problem { Status = 400, Code = ProblemCodes.InvalidUrl, Detail = "No." }),
            new BatchEntry(2, SessionHarness.Download("a"), null),
            new BatchEntry(3, SessionHarness.Download("a") with { Priority = 1 }, null),
            new BatchEntry(4, SessionHarness.Download() with { Destination = destination }, null),
            new BatchEntry(5, SessionHarness.Download() with { Destination = destination }, null),
            new BatchEntry(6, SessionHarness.Download(), null),
        ])));
        var results = System.Text.Json.JsonSerializer.Deserialize(reply.Json.Span, ProtocolJson.Default.IReadOnlyListTaskResult)!;
        Assert.Equal([201, 400, 200, 409, 201, 409, 201], results.Select(result => result.Status));
        Assert.Equal(["a", null, "a", null, "t2", null, "t3"], results.Select(result => result.Id));
        _session.AssertReplaysEqual();
    }

    [Fact]
    public void A_batch_never_says_of_a_refused_entry_that_it_exists()
    {
        var (a, b) = (SessionHarness.Download("a"), SessionHarness.Download("b"));
        var taken = new FileReference(null, ContainerPath.Parse("same"));
        var reply = Assert.IsType<CommandReply.Done>(_session.Do(new SessionCommand.AddTasks(
        [
            new BatchEntry(0, a with { Destination = taken }, null),
            new BatchEntry(1, b with { Destination = taken }, null),
            new BatchEntry(2, b with { Destination = taken }, null),
        ])));
        var results = System.Text.Json.JsonSerializer.Deserialize(reply.Json.Span, ProtocolJson.Default.IReadOnlyListTaskResult)!;
        Assert.Equal([201, 409, 409], results.Select(result => result.Status));
    }

    [Fact]
    public void A_complete_part_is_not_published_under_another_url()
    {
        var id = _session.Add();
        var attempt = _session.Start(id);
        _session.Report(id, attempt, new AttemptReport.Checkpointed(new PartCheckpoint { Part = "p", Bytes = 9, Total = 9, Validator = "\"v\"", Complete = true }));
        _session.Report(id, attempt, SessionHarness.Failed(TransferCodes.StorageFull));
        _session.Do(new SessionCommand.ChangeTask(id, new TaskChange { Url = "https://b.example/x" }));
        Assert.Null(_session.Session.Tasks[id].Run!.Part);
        _session.AssertReplaysEqual();
    }

    /// <summary>Of a part that has all its bytes another origin only says, by a 416, that it has as many: that is no proof.</summary>
    [Theory]
    [InlineData(99, null, true)]
    [InlineData(100, null, false)]
    [InlineData(100, "00ff", true)]
    public void A_part_with_all_its_bytes_is_kept_for_another_url_only_when_a_digest_proves_it(long bytes, string? sha256, bool isKept)
    {
        var id = _session.Add(SessionHarness.Download() with { Sha256 = sha256 });
        _session.Report(id, _session.Start(id), SessionHarness.Checkpoint(bytes));
        _session.Do(new SessionCommand.SuspendTask(id));
        _session.Report(id, 1, SessionHarness.Stopped());
        _session.Do(new SessionCommand.ChangeTask(id, new TaskChange { Url = "https://b.example/x" }));
        Assert.Equal((isKept, isKept ? 1 : 2), (_session.Session.Tasks[id].Run!.Part is not null, _session.Session.Tasks[id].Run!.Generation));
        _session.AssertReplaysEqual();
    }

    [Fact]
    public void A_failed_attempt_waits_with_a_reason_and_goes_on_from_its_checkpoint()
    {
        var id = _session.Add();
        var first = _session.Start(id);
        Assert.True(_session.Report(id, first, SessionHarness.Checkpoint(40)));
        Assert.True(_session.Report(id, first, SessionHarness.Failed(retryAfter: TimeSpan.FromSeconds(30))));
        var view = _session.View(id);
        Assert.Equal(("waiting", "retry", _session.Now.AddSeconds(30), "connectionLost"), (view.State, view.Reason, view.NextEvaluationAt, view.Error!.Code));
        Assert.False(_session.Session.Tasks.Ready.TryPeek(6, new HashSet<string>(), out _, out _));
        _session.Now += TimeSpan.FromSeconds(31);
        var second = _session.Start(id);
        Assert.Equal(40, _session.History.OfType<TaskStarted>().Last().From);
        Assert.False(_session.Report(id, first, SessionHarness.Finished())); // late: fenced by the attempt's number
        Assert.True(_session.Report(id, second, SessionHarness.Finished(100)));
        Assert.Equal(("completed", "succeeded", 2), (_session.View(id).State, _session.View(id).Outcome, _session.View(id).Attempts));
        Assert.False(_session.Report(id, second, SessionHarness.Finished(100)));
        Assert.Single(_session.History.OfType<TaskCompleted>());
        _session.AssertReplaysEqual();
    }

    [Fact]
    public void Backoff_grows_with_failures_and_new_bytes_reset_it()
    {
        var id = _session.Add();
        TimeSpan Wait()
        {
            var view = _session.View(id);
            var wait = view.NextEvaluationAt!.Value - _session.Now;
            _session.Now += wait;
            return wait;
        }
        for (var n = 0; n < 3; n++)
        {
            _session.Report(id, _session.Start(id), SessionHarness.Failed(), unit: 1);
            Assert.Equal(TimeSpan.FromSeconds(1 << n), Wait());
        }
        var attempt = _session.Start(id);
        _session.Report(id, attempt, SessionHarness.Checkpoint(10));
        _session.Report(id, attempt, SessionHarness.Failed(), unit: 1);
        Assert.Equal(TimeSpan.FromSeconds(1), Wait());
    }

    [Fact]
    public void A_failure_that_cannot_be_retried_ends_the_task()
    {
        var id = _session.Add();
        _session.Report(id, _session.Start(id), SessionHarness.Failed(TransferCodes.HttpStatus, retryable: false));
        Assert.Equal(("failed", "httpStatus"), (_session.View(id).Outcome, _session.View(id).Error!.Code));
    }

    [Fact]
    public void A_cancel_wins_or_loses_once()
    {
        var (wins, loses) = (_session.Add(), _session.Add());
        var (a, b) = (_session.Start(wins), _session.Start(loses));
        Assert.Equal("canceling", _session.Task(new SessionCommand.CancelTask(wins)).State);
        Assert.Equal("canceling", _session.Task(new SessionCommand.CancelTask(loses)).State);
        _session.Report(wins, a, SessionHarness.Failed());
        _session.Report(loses, b, SessionHarness.Finished());
        Assert.Equal((TaskOutcomes.Cancelled, TaskOutcomes.Succeeded), (_session.View(wins).Outcome, _session.View(loses).Outcome));
        Assert.Equal(202, Status(new SessionCommand.CancelTask(wins)));
        Assert.Equal(ProblemCodes.TaskEnded, _session.Problem(new SessionCommand.CancelTask(loses)).Code);
        _session.AssertReplaysEqual();
    }

    [Fact]
    public void A_suspended_task_keeps_its_part_and_its_clock_stands_still()
    {
        var id = _session.Add();
        var attempt = _session.Start(id);
        var deadline = _session.Session.Tasks[id].Run!.ResourceDeadline!.Value;
        _session.Report(id, attempt, SessionHarness.Checkpoint(40));
        Assert.Equal("suspended", _session.Task(new SessionCommand.SuspendTask(id)).State);
        _session.Report(id, attempt, SessionHarness.Stopped());
        Assert.Equal("suspended", _session.View(id).State);
        _session.Now = deadline.AddDays(10);
        _session.Settle();
        Assert.Equal("suspended", _session.View(id).State);
        _session.Do(new SessionCommand.ResumeTask(id));
        Assert.True(_session.Session.Tasks[id].Run!.ResourceDeadline > _session.Now.AddDays(6));
        _session.Start(id);
        Assert.Equal(40, _session.History.OfType<TaskStarted>().Last().From);
        _session.AssertReplaysEqual();
    }

    [Fact]
    public void A_task_resumed_while_its_attempt_winds_down_starts_only_afterwards()
    {
        var id = _session.Add();
        var attempt = _session.Start(id);
        _session.Do(new SessionCommand.SuspendTask(id));
        _session.Do(new SessionCommand.ResumeTask(id));
        Assert.False(_session.Session.Tasks.Ready.TryPeek(6, new HashSet<string>(), out _, out _));
        _session.Report(id, attempt, SessionHarness.Stopped());
        Assert.True(_session.Session.Tasks.Ready.TryPeek(6, new HashSet<string>(), out _, out _));
        _session.AssertReplaysEqual();
    }

    [Fact]
    public void Resuming_a_task_that_waits_for_its_retry_tries_at_once()
    {
        var id = _session.Add();
        _session.Report(id, _session.Start(id), SessionHarness.Failed(retryAfter: TimeSpan.FromHours(1)));
        _session.Do(new SessionCommand.ResumeTask(id));
        Assert.True(_session.Session.Tasks.Ready.TryPeek(6, new HashSet<string>(), out _, out _));
    }

    [Fact]
    public void A_deadline_expires_waiting_and_running_tasks()
    {
        var deadline = _session.Now.AddMinutes(5);
        var (waiting, running) = (_session.Add(SessionHarness.Download() with { Deadline = deadline }), _session.Add(SessionHarness.Download() with { Deadline = deadline }));
        var attempt = _session.Start(running);
        _session.Now = deadline.AddSeconds(-1);
        _session.Settle(); // what it says before is another matter
        Assert.Equal(deadline, _session.Session.Tasks.NextDue());
        _session.Now = deadline;
        _session.Settle();
        Assert.Equal(TaskOutcomes.Expired, _session.View(waiting).Outcome);
        Assert.Equal("canceling", _session.View(running).State);
        _session.Report(running, attempt, SessionHarness.Stopped());
        Assert.Equal(TaskOutcomes.Expired, _session.View(running).Outcome);
        _session.AssertReplaysEqual();
    }

    [Fact]
    public void The_resource_timeout_runs_from_the_first_start_and_fails_the_task()
    {
        var id = _session.Add();
        _session.Now += TimeSpan.FromDays(30);
        _session.Settle();
        Assert.Equal("waiting", _session.View(id).State);
        _session.Report(id, _session.Start(id), SessionHarness.Failed(retryAfter: TimeSpan.FromDays(8)));
        _session.Now += TimeSpan.FromDays(7);
        _session.Settle();
        Assert.Equal((TaskOutcomes.Failed, "timedOut"), (_session.View(id).Outcome, _session.View(id).Error!.Code));
        Assert.Contains("connectionLost", _session.View(id).Error!.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Attempts_under_way_at_a_crash_are_started_again_or_end_as_was_asked()
    {
        var (running, canceling, suspended) = (_session.Add(), _session.Add(), _session.Add());
        foreach (var id in new[] { running, canceling, suspended })
            _session.Start(id);
        _session.Report(running, 1, SessionHarness.Checkpoint(7));
        _session.Do(new SessionCommand.CancelTask(canceling));
        _session.Do(new SessionCommand.SuspendTask(suspended));
        _session.Apply(AttemptDecider.Recover(_session.Session, _session.Now));
        Assert.Equal(("waiting", TaskOutcomes.Cancelled, "suspended"), (_session.View(running).State, _session.View(canceling).Outcome, _session.View(suspended).State));
        Assert.Equal(0, _session.Session.Tasks.ActiveCount);
        Assert.Equal(2, _session.Start(running));
        Assert.Equal(7, _session.History.OfType<TaskStarted>().Last().From);
        Assert.Equal("interrupted", _session.View(running).Attempts is 2 ? _session.Session.Tasks[running].Run!.Attempts[0].Decision : null);
        _session.AssertReplaysEqual();
    }

    [Fact]
    public void An_earliest_begin_holds_until_its_time_and_can_be_moved()
    {
        var id = _session.Add(SessionHarness.Download() with { EarliestBeginAt = _session.Now.AddHours(1) });
        Assert.Equal(("waiting", "earliestBegin"), (_session.View(id).State, _session.View(id).Reason));
        _session.Do(new SessionCommand.ChangeTask(id, new TaskChange { EarliestBeginAt = _session.Now.AddMinutes(1) }));
        _session.Session.Tasks.Promote(_session.Now);
        Assert.Equal(0, _session.Session.Tasks.Ready.Count);
        _session.Now += TimeSpan.FromMinutes(1);
        _session.Session.Tasks.Promote(_session.Now);
        Assert.Equal(1, _session.Session.Tasks.Ready.Count);
        _session.AssertReplaysEqual();
    }

    [Fact]
    public void A_running_task_cannot_be_changed_a_suspended_one_keeps_its_part()
    {
        var id = _session.Add();
        var attempt = _session.Start(id);
        Assert.Equal(ProblemCodes.TaskRunning, _session.Problem(new SessionCommand.ChangeTask(id, new TaskChange { Url = "https://b.example/x" })).Code);
        _session.Report(id, attempt, SessionHarness.Checkpoint(9));
        _session.Do(new SessionCommand.SuspendTask(id));
        _session.Report(id, attempt, SessionHarness.Stopped());
        _session.Do(new SessionCommand.ChangeTask(id, new TaskChange { Url = "https://b.example/x" }));
        Assert.Equal(("https://b.example/x", 9L), (_session.View(id).Url, _session.View(id).Progress.BytesReceived));
    }

    [Fact]
    public void Whom_it_tells_is_replaced_lifted_and_refused_when_nothing_could_sign()
    {
        var id = _session.Add();
        _session.Start(id);
        var notify = new TaskNotify { Failure = "https://hooks.example/", Secret = "hooks" };
        Assert.Equal(notify, _session.Task(new SessionCommand.ChangeTask(id, new TaskChange { Notify = notify })).Notify);
        Assert.Equal("notify.secret", _session.Problem(new SessionCommand.ChangeTask(id, new TaskChange { Notify = notify with { Secret = null } })).Field);
        Assert.Equal(ProblemCodes.TaskRunning, _session.Problem(new SessionCommand.ChangeTask(id, new TaskChange { Notify = notify, Priority = 1 })).Code);
        Assert.Null(_session.Task(new SessionCommand.ChangeTask(id, new TaskChange { Notify = new TaskNotify() })).Notify);
        _session.AssertReplaysEqual();
    }

    [Fact]
    public void While_a_status_pauses_it_a_view_shows_that_answer_and_later_its_first_again()
    {
        var id = _session.Add();
        var attempt = _session.Start(id);
        _session.Report(id, attempt, new AttemptReport.Responded(Answer(206)));
        _session.Report(id, attempt, SessionHarness.Failed());
        _session.Now += TimeSpan.FromHours(1);
        attempt = _session.Start(id);
        _session.Report(id, attempt, new AttemptReport.Ended(new AttemptOutcome.Failed(new AttemptFailure
        {
            Code = TransferCodes.HttpStatus,
            Message = "It answered 403.",
            Retryable = true,
            Status = 403,
            WaitReason = WaitReasons.RecoverableStatus,
            Response = Answer(403),
        })));
        Assert.Equal((WaitReasons.RecoverableStatus, 403), (_session.View(id).Reason, _session.View(id).Response!.Status));
        Assert.Equal("yes", _session.View(id).Resumable!.Verdict); // of what is there, as before
        Assert.Contains("answered with 403", TaskViews.Why(_session.Session.Tasks[id], _session.Session, _session.Conditions()).Sentence, StringComparison.Ordinal);
        _session.AssertReplaysEqual();
        _session.Do(new SessionCommand.ResumeTask(id));
        Assert.Equal(206, _session.View(id).Response!.Status);

        static AttemptResponse Answer(int status) => new()
        {
            Url = "https://origin.example/a.bin",
            Status = status,
            Headers = new Dictionary<string, string>(),
            Resumable = status == 206,
            ResumableWhy = "why",
            From = 0,
        };
    }

    [Fact]
    public void Values_of_headers_that_may_be_secret_are_never_shown()
    {
        var id = _session.Add(SessionHarness.Download() with { Headers = new Dictionary<string, string> { ["X-Api-Key"] = "canary", ["Accept"] = "text/plain" } });
        var headers = _session.View(id).Headers!;
        Assert.DoesNotContain("canary", headers.Values);
        Assert.Equal("text/plain", headers["Accept"]);
    }

    private int Status(SessionCommand command) => Assert.IsType<CommandReply.Done>(_session.Do(command)).Status;

    [Fact]
    public void Only_the_bandwidth_of_a_task_may_change_while_it_runs()
    {
        var id = _session.Add();
        _session.Start(id);
        Assert.Equal(200, Assert.IsType<CommandReply.Done>(_session.Do(new SessionCommand.ChangeTask(id, new TaskChange { BytesPerSecondMax = 5000 }))).Status);
        Assert.Equal(5000, _session.Session.Tasks[id].Spec.BytesPerSecondMax);
        Assert.Equal(
            ProblemCodes.TaskRunning, _session.Problem(new SessionCommand.ChangeTask(id, new TaskChange { BytesPerSecondMax = 9000, Priority = 1 })).Code);
        _session.Do(new SessionCommand.ChangeTask(id, new TaskChange { BytesPerSecondMax = 0 }));
        Assert.Null(_session.Session.Tasks[id].Spec.BytesPerSecondMax);
        _session.AssertReplaysEqual();
    }
}

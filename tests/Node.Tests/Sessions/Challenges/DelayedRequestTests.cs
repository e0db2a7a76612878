using Backhaul.Node.Sessions;
using Backhaul.Protocol;
using Xunit;

namespace Backhaul.Node.Tests.Sessions;

public sealed class DelayedRequestTests
{
    private readonly SessionHarness _session = new SessionHarness().Opened();

    [Fact]
    public void Before_the_start_the_client_is_asked_and_its_word_lets_the_task_start()
    {
        var id = Add(new AskBeforeStart(), begin: TimeSpan.FromHours(1));
        _session.Settle();
        Assert.Equal("earliestBegin", _session.View(id).Reason);
        _session.Now += TimeSpan.FromHours(1);
        _session.Settle();
        Assert.Equal(("delayedRequest", _session.Now.AddMinutes(5)), (_session.View(id).Reason, _session.View(id).NextEvaluationAt!.Value));
        Assert.Equal(["delayedRequest", "taskWaiting"], _session.History.TakeLast(2).Select(EventViews.TypeOf));
        Assert.Equal(LaunchReasons.DelayedRequest, LaunchNeeds.Of(_session.History[^2], _session.Session));
        Assert.False(IsReady());
        _session.AssertReplaysEqual();
        _session.Task(Answer(id));
        Assert.True(IsReady());
        _session.Report(id, _session.Start(id), SessionHarness.Failed());
        _session.Now += TimeSpan.FromHours(1);
        _session.Settle();
        Assert.True(IsReady()); // asked once
        _session.AssertReplaysEqual();
    }

    [Fact]
    public void A_new_request_replaces_url_and_headers()
    {
        var id = Add(new AskBeforeStart());
        _session.Settle();
        var view = _session.Task(Answer(id) with { Url = "https://other.example/signed", Headers = new Dictionary<string, string> { ["Accept"] = "b" } });
        Assert.Equal(("https://other.example/signed", "b"), (view.Url, view.Headers!["Accept"]));
        Assert.True(IsReady());
        _session.AssertReplaysEqual();
    }

    [Fact]
    public void Cancel_ends_the_task()
    {
        var id = Add(new AskBeforeStart());
        _session.Settle();
        Assert.Equal("cancelled", _session.Task(Answer(id) with { Cancel = true }).Outcome);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("continue")]
    [InlineData("cancel")]
    public void Without_an_answer_the_default_holds_when_its_time_is_over(string? otherwise)
    {
        var id = Add(new AskBeforeStart { Timeout = TimeSpan.FromSeconds(30), Default = otherwise });
        _session.Settle();
        Assert.Equal(_session.Now.AddSeconds(30), _session.Session.Tasks.NextDue());
        _session.Now += TimeSpan.FromSeconds(30);
        _session.Settle();
        Assert.Equal(otherwise != "cancel", IsReady());
        Assert.Equal(otherwise == "cancel" ? "cancelled" : null, _session.View(id).Outcome);
        Assert.True(otherwise == "cancel" || _session.Problem(Answer(id)).Code == ProblemCodes.NoQuestion);
        _session.AssertReplaysEqual();
    }

    [Fact]
    public void Every_attempt_is_asked_about_when_the_task_wants_it()
    {
        var id = Add(new AskBeforeStart { When = "everyAttempt" });
        for (var attempt = 1; attempt <= 3; attempt++)
        {
            _session.Settle();
            Assert.Equal(attempt, _session.History.OfType<TaskDelayedRequest>().Last().Attempt);
            Assert.Equal(ProblemCodes.NoQuestion, _session.Problem(Answer(id) with { Attempt = attempt + 1 }).Code);
            _session.Do(Answer(id) with { Attempt = attempt, Url = $"https://origin.example/{attempt}" });
            _session.Report(id, _session.Start(id), SessionHarness.Failed());
            _session.Now += TimeSpan.FromHours(1);
        }
        _session.Settle();
        Assert.Equal(4, _session.History.OfType<TaskDelayedRequest>().Count());
        _session.AssertReplaysEqual();
    }

    [Fact]
    public void Resuming_is_an_answer_and_a_suspended_task_is_asked_when_it_is_resumed()
    {
        var id = Add(new AskBeforeStart());
        _session.Settle();
        _session.Do(new SessionCommand.SuspendTask(id));
        Assert.Equal(ProblemCodes.NoQuestion, _session.Problem(Answer(id)).Code);
        _session.Do(new SessionCommand.ResumeTask(id));
        _session.Settle();
        Assert.Equal(2, _session.History.OfType<TaskDelayedRequest>().Count());
        _session.Do(new SessionCommand.ResumeTask(id));
        Assert.True(IsReady());
        _session.AssertReplaysEqual();
    }

    [Fact]
    public void Another_url_is_an_answer()
    {
        var id = Add(new AskBeforeStart());
        _session.Settle();
        _session.Do(new SessionCommand.ChangeTask(id, new TaskChange { Url = "https://origin.example/b" }));
        Assert.True(IsReady());
        _session.AssertReplaysEqual();
    }

    [Fact]
    public void Few_questions_are_open_at_once_and_other_tasks_pass()
    {
        var ids = Enumerable.Range(0, DelayedRequestDecider.OpenMax + 3).Select(_ => Add(new AskBeforeStart())).ToList();
        _session.Settle();
        Assert.Equal(DelayedRequestDecider.OpenMax, _session.History.OfType<TaskDelayedRequest>().Count());
        Assert.Equal(("delayedRequest", null), (_session.View(ids[^1]).Reason, _session.View(ids[^1]).NextEvaluationAt));
        Assert.False(_session.Session.HasWork); // nothing to do before an answer or a time
        _session.Add();
        Assert.True(IsReady());
        _session.Do(Answer(ids[0]));
        _session.Settle();
        Assert.Equal(DelayedRequestDecider.OpenMax + 1, _session.History.OfType<TaskDelayedRequest>().Count());
        _session.AssertReplaysEqual();
    }

    [Fact]
    public void A_paused_session_asks_nothing()
    {
        _session.Do(new SessionCommand.SuspendAll(true));
        Add(new AskBeforeStart());
        _session.Settle();
        Assert.Empty(_session.History.OfType<TaskDelayedRequest>());
        _session.Do(new SessionCommand.SuspendAll(false));
        _session.Settle();
        Assert.Single(_session.History.OfType<TaskDelayedRequest>());
    }

    [Fact]
    public void The_event_says_what_is_asked_until_when_and_what_holds_otherwise()
    {
        Add(new AskBeforeStart { Default = "cancel" });
        _session.Settle();
        var asked = _session.History.OfType<TaskDelayedRequest>().Single();
        var data = EventViews.View(new Backhaul.Node.Journal.JournalRow(1, 1, "task.delayedRequest.v1", default, 3, null, _session.Now), asked).Data;
        Assert.Equal("""{"attempt":1,"url":"https://origin.example/a.bin","until":"2026-01-02T03:09:05Z","default":"cancel"}""", data.GetRawText());
    }

    private TaskId Add(AskBeforeStart ask, TimeSpan? begin = null) =>
        _session.Add(SessionHarness.Download() with { AskBeforeStart = ask, EarliestBeginAt = begin is { } after ? _session.Now + after : null });

    private static SessionCommand.AnswerDelayedRequest Answer(TaskId id) => new(id, Cancel: false, null, null, null);

    private bool IsReady()
    {
        _session.Session.Tasks.Promote(_session.Now);
        return _session.Session.Tasks.Ready.Count > 0;
    }
}

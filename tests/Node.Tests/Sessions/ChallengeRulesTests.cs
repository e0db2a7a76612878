using Backhaul.Node.Sessions;
using Backhaul.Node.Transfers;
using Backhaul.Protocol;
using Xunit;

namespace Backhaul.Node.Tests.Sessions;

public sealed class ChallengeRulesTests
{
    private static readonly CredentialRule Vendor = new() { Host = "origin.example", Secret = "vendor" };

    private readonly SessionHarness _session = new SessionHarness().Opened();

    [Fact]
    public void A_challenge_waits_for_its_client_and_other_credentials_answer_it()
    {
        var id = Ask();
        var view = _session.View(id);
        Assert.Equal(("waiting", "credential", null), (view.State, view.Reason, view.NextEvaluationAt));
        Assert.Equal(new ChallengeView { Scheme = "basic", Realm = "files", Host = "origin.example", Port = 443, IsProxy = false, WasRefused = false, Count = 1 }, view.Challenge);
        _session.Now += TimeSpan.FromDays(6);
        Assert.False(IsReady());
        _session.Do(new SessionCommand.Open(new SessionConfiguration { RequestTimeout = TimeSpan.FromSeconds(30) }));
        Assert.False(IsReady());
        _session.Do(new SessionCommand.Open(new SessionConfiguration { Credentials = [Vendor], RequestTimeout = TimeSpan.FromSeconds(20) }));
        Assert.True(IsReady());
        Assert.Null(_session.View(id).Challenge);
        _session.Start(id);
        var order = AttemptOrders.Create(_session.Session, _session.Session.Tasks[id], 1, new Trusting());
        Assert.Equal([Vendor], order.Access.Credentials);
        Assert.Equal(TimeSpan.FromSeconds(60), order.IdleTimeout); // everything else stays as it was when the task was created
        _session.AssertReplaysEqual();
    }

    [Fact]
    public void A_challenge_is_an_event_with_its_data_and_a_wait_without_a_time()
    {
        Ask();
        Assert.IsType<TaskAttemptEnded>(_session.History[^3]);
        Assert.Equal(("challenge", "taskWaiting"), (EventViews.TypeOf(_session.History[^2]), EventViews.TypeOf(_session.History[^1])));
        Assert.Null(((TaskWaiting)_session.History[^1]).Until);
    }

    [Fact]
    public void A_task_keeps_the_credentials_it_was_created_under_until_it_is_challenged()
    {
        var id = _session.Add();
        _session.Do(new SessionCommand.Open(new SessionConfiguration { Credentials = [Vendor] }));
        _session.Start(id);
        Assert.Empty(AttemptOrders.Create(_session.Session, _session.Session.Tasks[id], 1, new Trusting()).Access.Credentials);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Another_url_or_other_headers_let_it_go_on(bool url)
    {
        var id = Ask();
        _session.Do(new SessionCommand.ChangeTask(id, new TaskChange { Priority = 1 }));
        Assert.False(IsReady());
        _session.Do(new SessionCommand.ChangeTask(id, url
            ? new TaskChange { Url = "https://origin.example/b" }
            : new TaskChange { Headers = new Dictionary<string, string> { ["Authorization"] = "Bearer b" } }));
        Assert.True(IsReady());
        _session.AssertReplaysEqual();
    }

    [Fact]
    public void Resuming_tries_again_as_it_is_and_questions_in_a_row_are_counted()
    {
        var id = Ask();
        _session.Do(new SessionCommand.ResumeTask(id));
        _session.Report(id, _session.Start(id), SessionHarness.Challenged(wasRefused: true));
        Assert.Equal((2, true), (_session.View(id).Challenge!.Count, _session.View(id).Challenge!.WasRefused));
        _session.Do(new SessionCommand.ResumeTask(id));
        _session.Report(id, _session.Start(id), SessionHarness.Challenged(realm: "other"));
        Assert.Equal(1, _session.View(id).Challenge!.Count);
        Assert.Equal("challenged", _session.Session.Tasks[id].Run!.Attempts[^1].Decision);
        _session.AssertReplaysEqual();
    }

    [Fact]
    public void Why_says_who_asks_and_what_to_do()
    {
        var id = Ask();
        var why = TaskViews.Why(_session.Session.Tasks[id], _session.Session, _session.Conditions());
        Assert.Contains("The server origin.example:443 asks for a credential by basic for the realm \"files\", and the session has none for it", why.Sentence, StringComparison.Ordinal);
        Assert.Null(why.NextEvaluationAt);
    }

    [Fact]
    public void It_can_be_suspended_cancelled_and_its_time_runs_out()
    {
        var suspended = Ask();
        _session.Do(new SessionCommand.SuspendTask(suspended));
        Assert.Equal("suspended", _session.View(suspended).State);
        _session.Do(new SessionCommand.CancelTask(suspended));
        var overdue = Ask();
        _session.Now += TimeSpan.FromDays(8);
        _session.Settle();
        Assert.Equal("timedOut", _session.View(overdue).Error!.Code);
        _session.AssertReplaysEqual();
    }

    private TaskId Ask()
    {
        var id = _session.Add();
        Assert.True(_session.Report(id, _session.Start(id), SessionHarness.Challenged()));
        return id;
    }

    private bool IsReady()
    {
        _session.Session.Tasks.Promote(_session.Now);
        return _session.Session.Tasks.Ready.Count > 0;
    }

    private sealed class Trusting : ITrust
    {
        public bool MayAct => true;
    }
}

using Backhaul.Node.Sessions;
using Backhaul.Node.Transfers;
using Backhaul.Protocol;
using Xunit;

namespace Backhaul.Node.Tests.Sessions;

public sealed class ChallengeAnswerTests
{
    private readonly SessionHarness _session = new SessionHarness().Opened(new SessionConfiguration { Credentials = [new CredentialRule { Secret = "general" }] });

    [Fact]
    public void A_credential_lets_it_go_on_for_the_one_who_asked_and_before_the_sessions_own()
    {
        var id = Ask();
        var view = _session.Task(Answer(id, ChallengeAnswerKind.UseCredential, "vendor"));
        Assert.Equal(("waiting", null), (view.State, view.Challenge));
        _session.Start(id);
        Assert.Equal(
            [new CredentialRule { Host = "origin.example:443", Realm = "files", Scheme = "basic", Secret = "vendor" }, new CredentialRule { Secret = "general" }],
            Access(id).Credentials);
        _session.AssertReplaysEqual();
    }

    [Fact]
    public void Another_credential_for_the_same_space_takes_the_place_of_the_first()
    {
        var id = Ask();
        _session.Do(Answer(id, ChallengeAnswerKind.UseCredential, "wrong"));
        _session.Report(id, _session.Start(id), SessionHarness.Challenged(wasRefused: true));
        _session.Do(Answer(id, ChallengeAnswerKind.UseCredential, "right"));
        _session.Report(id, _session.Start(id), SessionHarness.Challenged(realm: "inner"));
        _session.Do(Answer(id, ChallengeAnswerKind.UseCredential, "other"));
        _session.Start(id);
        Assert.Equal(["other", "right", "general"], Access(id).Credentials.Select(rule => rule.Secret));
        _session.AssertReplaysEqual();
    }

    [Fact]
    public void Default_handling_fails_the_task_with_the_status()
    {
        var id = Ask();
        var view = _session.Task(Answer(id, ChallengeAnswerKind.PerformDefaultHandling));
        Assert.Equal(("completed", "failed", "httpStatus"), (view.State, view.Outcome, view.Error!.Code));
        Assert.Equal(401, ((TaskCompleted)_session.History[^1]).Status);
        _session.AssertReplaysEqual();
    }

    [Fact]
    public void Cancel_ends_the_task_as_cancelled() =>
        Assert.Equal("cancelled", _session.Task(Answer(Ask(), ChallengeAnswerKind.Cancel)).Outcome);

    [Fact]
    public void A_rejected_space_is_not_asked_for_again_another_one_is()
    {
        var id = Ask();
        _session.Do(Answer(id, ChallengeAnswerKind.RejectProtectionSpace));
        var attempt = _session.Start(id);
        Assert.Equal("files", Assert.Single(Access(id).Rejected).Realm);
        _session.Report(id, attempt, SessionHarness.Challenged(realm: "other"));
        Assert.Equal("credential", _session.View(id).Reason);
        _session.Do(new SessionCommand.ResumeTask(id));
        _session.Report(id, _session.Start(id), SessionHarness.Challenged(wasRefused: true));
        Assert.Equal(("failed", "httpStatus"), (_session.View(id).Outcome, _session.View(id).Error!.Code));
        Assert.Null(_session.Archived[id].Run!.Access); // nothing that was given outlives the task
        _session.AssertReplaysEqual();
    }

    [Fact]
    public void Only_the_question_that_is_open_is_answered()
    {
        var id = Ask();
        Assert.Equal(ProblemCodes.NoQuestion, _session.Problem(Answer(id, ChallengeAnswerKind.Cancel) with { Attempt = 2 }).Code);
        _session.Do(new SessionCommand.ResumeTask(id));
        Assert.Equal(ProblemCodes.NoQuestion, _session.Problem(Answer(id, ChallengeAnswerKind.Cancel)).Code);
        _session.Report(id, _session.Start(id), SessionHarness.Challenged());
        Assert.Equal(ProblemCodes.NoQuestion, _session.Problem(Answer(id, ChallengeAnswerKind.Cancel) with { Attempt = 1 }).Code);
        _session.Do(new SessionCommand.SuspendTask(id));
        Assert.Equal(ProblemCodes.NoQuestion, _session.Problem(Answer(id, ChallengeAnswerKind.Cancel)).Code);
        Assert.Equal(ProblemCodes.TaskNotFound, _session.Problem(Answer(TaskId.Parse("t9"), ChallengeAnswerKind.Cancel)).Code);
    }

    [Fact]
    public void A_credential_that_cannot_answer_is_refused()
    {
        var id = Ask();
        Assert.Equal(ProblemCodes.CredentialMisfit, _session.Problem(Answer(id, ChallengeAnswerKind.UseCredential, "token") with { IsToken = true }).Code);
        Assert.Equal("credential", _session.View(id).Reason);
    }

    [Fact]
    public void A_proxy_is_answered_for_the_task_and_only_where_the_session_has_one()
    {
        var proxied = new AttemptReport.Ended(new AttemptOutcome.Failed(new AttemptFailure
        {
            Code = TransferCodes.Credential,
            Message = "It asks.",
            Retryable = true,
            Status = 407,
            Challenge = new AttemptChallenge { Scheme = "basic", Realm = "the gate", Host = "gate.example", Port = 3128, IsProxy = true },
        }));
        var id = _session.Add();
        Assert.True(_session.Report(id, _session.Start(id), proxied));
        Assert.Equal(ProblemCodes.CredentialMisfit, _session.Problem(Answer(id, ChallengeAnswerKind.UseCredential, "user")).Code);
        _session.Do(new SessionCommand.Open(new SessionConfiguration { Proxy = "gate" })); // lets it go on
        Assert.True(_session.Report(id, _session.Start(id), proxied));
        Assert.Equal(ProblemCodes.CredentialMisfit, _session.Problem(Answer(id, ChallengeAnswerKind.UseCredential, "token") with { IsToken = true }).Code);
        _session.Do(Answer(id, ChallengeAnswerKind.UseCredential, "user"));
        var access = Access(id);
        Assert.Equal(("gate", "gate.example:3128", "the gate", "basic", "user"), (access.Proxy, access.ToProxy?.Host, access.ToProxy?.Realm, access.ToProxy?.Scheme, access.ToProxy?.Secret));
        Assert.Empty(access.Credentials); // what is for the proxy is not for a server at the same place
    }

    private TaskId Ask()
    {
        var id = _session.Add();
        Assert.True(_session.Report(id, _session.Start(id), SessionHarness.Challenged()));
        return id;
    }

    private static SessionCommand.AnswerChallenge Answer(TaskId id, ChallengeAnswerKind answer, string? secret = null) => new(id, answer, secret, IsToken: false, null);

    private AccessReferences Access(TaskId id) => AttemptOrders.Create(_session.Session, _session.Session.Tasks[id], 1, new Trusted()).Access;
}

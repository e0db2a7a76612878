using Backhaul.Node.Transfers;
using Backhaul.Protocol;

namespace Backhaul.Node.Sessions;

/// <summary>Authentication challenges: what an attempt that met one leads to, and what its client's answer does. Pure.</summary>
internal static class ChallengeDecider
{
    /// <summary>Realms are cut and cleaned for display; such a one cannot be compared with the server's.</summary>
    private const int RealmMax = 255;

    /// <summary>Nobody but the client can say what is to be sent: no time is set at which it is tried again. What was rejected is not asked again.</summary>
    public static IReadOnlyList<SessionEvent> Ask(
        TaskState task, TaskRun run, AttemptFailure failure, AttemptChallenge challenge, TaskError error, DateTimeOffset now)
    {
        if (run.Access?.Rejected.Contains(Space(challenge)) == true)
            return [End(task, run, $"{error.Message} Its protection space was rejected.", failure.Status, now)];
        var again = run.Challenge is { } last && last with { WasRefused = challenge.WasRefused, Scheme = challenge.Scheme } == challenge;
        return
        [
            new TaskAttemptEnded(task.Id, run.Attempt, AttemptDecisions.Challenged, failure.BytesReceived, failure.Status, error, failure.DiscardPart, now),
            new TaskChallenged(task.Id, run.Attempt, challenge, again ? run.ChallengeCount + 1 : 1, now),
            new TaskWaiting(task.Id, WaitReasons.Credential, Until: null, error, now),
        ];
    }

    public static Decision Answer(Session session, SessionCommand.AnswerChallenge answer, IReadOnlyDictionary<TaskId, TaskState> archived, DateTimeOffset now)
    {
        if (!session.Tasks.TryFind(answer.Task, out var task))
            return TaskDecider.Gone(session, answer.Task, archived);
        if (task is not { Phase: TaskPhase.Waiting, Reason: WaitReasons.Credential, Run: { Challenge: { } challenge } run } || (answer.Attempt ?? run.Attempt) != run.Attempt)
        {
            return Decision.Refuse(409, ProblemCodes.NoQuestion,
                $"Task {answer.Task} does not wait for this answer: it was answered already, or the task went on, or is suspended. Its newest challenge event says what it asks.");
        }
        switch (answer.Answer)
        {
            case ChallengeAnswerKind.Cancel:
                return TaskDecider.Cancel(session, answer.Task, archived, now);
            case ChallengeAnswerKind.PerformDefaultHandling:
                var status = run.Attempts.Count > 0 ? run.Attempts[^1].Status : null;
                var ended = End(task, run, $"{challenge.Host}:{challenge.Port} answered {status?.ToString(System.Globalization.CultureInfo.InvariantCulture) ?? "with a challenge"}, and its challenge was left to the default handling.", status, now);
                return new Decision([ended], (after, conditions) => TaskViews.Reply(202, TaskTransitions.Apply(task, ended), after, conditions));
            case ChallengeAnswerKind.UseCredential:
                if (Misfit(challenge, answer.IsToken, session.Configurations[run.AccessVersion ?? task.ConfigurationVersion].Proxy is not null) is { } why)
                    return Decision.Refuse(409, ProblemCodes.CredentialMisfit, why);
                return Accepted(new TaskChallengeAnswered(answer.Task, answer.Answer, RuleFor(challenge, answer.Secret!), now));
            default:
                return Accepted(new TaskChallengeAnswered(answer.Task, answer.Answer, null, now));
        }
    }

    public static TaskRun Apply(TaskRun run, TaskChallengeAnswered answered)
    {
        var access = run.Access ?? new TaskAccess();
        if (answered.Credential is { } given)
        {
            if (run.Challenge!.IsProxy)
                return run with { Access = access with { ToProxy = given } };
            var others = access.Given.Where(rule => rule with { Secret = given.Secret } != given);
            return run with { Access = access with { Given = [given, .. others.Take(TaskAccess.Max - 1)] } };
        }
        var rejected = Space(run.Challenge!);
        return run with { Access = access with { Rejected = [rejected, .. access.Rejected.Where(other => other != rejected).Take(TaskAccess.Max - 1)] } };
    }

    private static Decision Accepted(TaskChallengeAnswered answered) =>
        new([answered], (after, conditions) => TaskViews.Reply(202, after.Tasks[answered.Task], after, conditions));

    private static TaskCompleted End(TaskState task, TaskRun run, string message, int? status, DateTimeOffset now)
    {
        var (isUpload, bytes) = (task.Spec.Kind is TaskKind.Upload, run.Part?.Bytes ?? 0);
        return new TaskCompleted(
            task.Id, TaskOutcomes.Failed, new TaskError { Code = TransferCodes.HttpStatus, Message = message }, status, isUpload ? 0 : bytes, isUpload ? bytes : 0, null, null, null, now);
    }

    /// <summary>A credential is for the one who asked, and never goes out by a weaker scheme than was asked for.</summary>
    private static CredentialRule RuleFor(AttemptChallenge challenge, string secret) => new()
    {
        Host = challenge.Host.Contains(':', StringComparison.Ordinal) ? $"[{challenge.Host.Trim('[', ']')}]:{challenge.Port}" : $"{challenge.Host}:{challenge.Port}",
        Realm = challenge.Realm is { Length: <= RealmMax } realm && !realm.Contains('?', StringComparison.Ordinal) ? realm : null,
        Scheme = challenge.Scheme,
        Secret = secret,
    };

    private static string? Misfit(AttemptChallenge challenge, bool isToken, bool hasProxy)
    {
        if (challenge.IsProxy && !hasProxy)
            return "The server asks as a proxy does, and the session has none: a credential for a proxy would go nowhere. Put the session with a proxy, or answer otherwise.";
        return (challenge.Scheme, isToken) switch
        {
            ("bearer", _) when challenge.IsProxy => "The proxy asks by bearer, which is not spoken with proxies: a user and password answer one that asks by basic or digest.",
            ("basic" or "digest", false) or ("bearer", true) => null,
            ("basic" or "digest" or "bearer", _) => $"The {(challenge.IsProxy ? "proxy" : "server")} asks by {challenge.Scheme}, which {(isToken ? "a token" : "a user and password")} cannot answer.",
            _ => $"The {(challenge.IsProxy ? "proxy" : "server")} names no scheme that can be answered (basic, digest, bearer). Change the task's headers, or answer otherwise.",
        };
    }

    /// <summary>A protection space and a scheme, whatever was sent there before.</summary>
    private static AttemptChallenge Space(AttemptChallenge challenge) => challenge with { WasRefused = false };
}

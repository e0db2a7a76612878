using Backhaul.Node.Transfers;
using Backhaul.Protocol;

namespace Backhaul.Node.Sessions;

/// <summary>What a client answered. Persisted by name: append only. The two that end the task are its end and no event of their own.</summary>
internal enum ChallengeAnswerKind
{
    UseCredential = 1,
    RejectProtectionSpace = 2,
    PerformDefaultHandling = 3,
    Cancel = 4,
}

/// <summary>A challenge was answered and the task goes on. The secret of the credential is a name, or sealed text: never a value.</summary>
internal sealed record TaskChallengeAnswered(TaskId Task, ChallengeAnswerKind Answer, CredentialRule? Credential, DateTimeOffset At) : TaskEvent(Task, At);

/// <summary>What answers to challenges left with a task. Persisted: append only.</summary>
internal sealed record TaskAccess
{
    public const int Max = 16;

    /// <summary>The newest first; one for each protection space.</summary>
    public IReadOnlyList<CredentialRule> Given { get; init; } = [];

    /// <summary>For the proxy, in place of the user of its secret; null until it asked and was answered.</summary>
    public CredentialRule? ToProxy { get; init; }

    /// <summary>Not to be asked for again.</summary>
    public IReadOnlyList<AttemptChallenge> Rejected { get; init; } = [];
}

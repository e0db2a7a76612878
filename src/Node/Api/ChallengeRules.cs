using Backhaul.Node.Security;
using Backhaul.Node.Sessions;
using Backhaul.Protocol;

namespace Backhaul.Node.Api;

/// <summary>
/// From a client's answer to the command. A credential that is given inline is sealed here, before anything else sees it: neither a session, nor
/// the journal, nor another node ever has it in clear.
/// </summary>
internal static class ChallengeRules
{
    private const int UserMax = 256;
    private const int PasswordMax = 1024;
    private const int TokenMax = 8 * 1024;

    /// <param name="task">Who is asked.</param>
    /// <param name="answer">As the client wrote it.</param>
    /// <param name="find">The kind of the secret of a name that the caller's tenant may use; null when there is none.</param>
    /// <param name="seal">Null without a key to seal with.</param>
    public static Validated<SessionCommand> Validate(
        TaskId task, ChallengeAnswer answer, Func<string, SecretKind?> find, Func<GivenCredential, string>? seal)
    {
        ChallengeAnswerKind? kind = answer.Answer switch
        {
            "useCredential" => ChallengeAnswerKind.UseCredential,
            "performDefaultHandling" => ChallengeAnswerKind.PerformDefaultHandling,
            "cancel" => ChallengeAnswerKind.Cancel,
            "rejectProtectionSpace" => ChallengeAnswerKind.RejectProtectionSpace,
            _ => null,
        };
        if (kind is not { } chosen)
            return Invalid("answer", "must be useCredential, performDefaultHandling, cancel or rejectProtectionSpace.");
        if (answer.Attempt < 1)
            return Invalid("attempt", "must be the attempt that the challenge event names.");
        if (chosen is not ChallengeAnswerKind.UseCredential)
        {
            return answer is { Secret: null, Credential: null }
                ? new SessionCommand.AnswerChallenge(task, chosen, null, false, answer.Attempt)
                : Invalid(answer.Secret is null ? "credential" : "secret", "comes with the answer useCredential only.");
        }
        if (answer is { Secret: { } secret, Credential: null })
        {
            return AccessRules.CheckSecret(secret, "secret", find, SecretKind.Basic, SecretKind.Bearer) is { } unknown
                ? unknown
                : new SessionCommand.AnswerChallenge(task, chosen, secret, find(secret) is SecretKind.Bearer, answer.Attempt);
        }
        if (answer is not { Secret: null, Credential: { } credential })
            return Invalid("secret", "or credential must come with useCredential, one of the two.");
        if (Check(credential) is { } wrong)
            return wrong;
        return seal is null
            ? Invalid("credential", "is given inline, and this cluster has no key to keep it with. Name a secret, or ask an operator to configure Backhaul:Security:SecretKeys.")
            : new SessionCommand.AnswerChallenge(task, chosen, seal(credential), credential.Token is not null, answer.Attempt);
    }

    private static Problem? Check(GivenCredential credential) => credential switch
    {
        { Token: { } token, UserName: null, Password: null } => token.Length is > 0 and <= TokenMax && token.All(static c => c is > ' ' and <= '~')
            ? null
            : Invalid("credential.token", $"must have 1 to {TokenMax} visible ASCII characters."),
        { Token: null, UserName: { } user, Password: { } password } =>
            user.Length is 0 or > UserMax || user.Any(static c => c == ':' || char.IsControl(c))
                ? Invalid("credential.userName", $"must have 1 to {UserMax} characters, no colon and no control characters.")
            : password.Length > PasswordMax || password.Any(char.IsControl)
                ? Invalid("credential.password", $"must have at most {PasswordMax} characters and no control characters.")
            : null,
        _ => Invalid("credential", "must have userName and password, or a token."),
    };

    private static Problem Invalid(string field, string what) => Problems.Create(400, ProblemCodes.InvalidField, $"{field} {what}", field);
}

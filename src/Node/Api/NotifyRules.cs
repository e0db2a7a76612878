using Backhaul.Node.Security;
using Backhaul.Protocol;

namespace Backhaul.Node.Api;

/// <summary>Whom the end of a task is told to. That something can sign it in place of a secret is the session's to say. Pure.</summary>
internal static class NotifyRules
{
    /// <param name="notify">As the client wrote it.</param>
    /// <param name="find">The kind of the secret of a name that the caller's tenant may use; null when there is none.</param>
    public static Problem? Check(TaskNotify? notify, Func<string, SecretKind?> find)
    {
        if (notify is null)
            return null;
        if (notify is { Success: null, Failure: null })
            return Invalid("notify", "names nobody: give it success, failure or both.");
        return (notify.Success is null ? null : UrlRules.Check(notify.Success, "notify.success"))
            ?? (notify.Failure is null ? null : UrlRules.Check(notify.Failure, "notify.failure"))
            ?? (notify.Secret is { } secret ? CheckSecret(secret, find) : null);
    }

    private static Problem? CheckSecret(string secret, Func<string, SecretKind?> find) => WebhookKeys.IsInline(secret)
        ? Invalid("notify.secret", "must be the name of a secret of the kind webhook. A secret itself is given to the session, as launch.secret or push.secret, and signs when this is left out.")
        : AccessRules.CheckSecret(secret, "notify.secret", find, SecretKind.Webhook);

    private static Problem Invalid(string field, string what) => Problems.Create(400, ProblemCodes.InvalidField, $"{field} {what}", field);
}

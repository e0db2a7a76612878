using Backhaul.Node.Security;
using Backhaul.Node.Sessions;
using Backhaul.Protocol;

namespace Backhaul.Node.Api;

/// <summary>
/// Where a session's webhooks go and what signs them. A secret that is given inline is sealed here, before anything else sees it: neither a
/// session, nor the journal, nor another node ever has it in clear.
/// </summary>
internal static class WebhookRules
{
    private const int LaunchesPerHourMax = LaunchLimiter.PerHourMax;

    private static readonly HashSet<string> EventNames = new(
        typeof(EventTypes).GetFields().Select(field => field.GetRawConstantValue()).OfType<string>(), StringComparer.Ordinal);

    /// <param name="configuration">As the client wrote it.</param>
    /// <param name="find">The kind of the secret of a name that the caller's tenant may use; null when there is none.</param>
    /// <param name="canSeal">This node has a key to seal with.</param>
    public static Problem? Check(SessionConfiguration configuration, Func<string, SecretKind?> find, bool canSeal) =>
        (configuration.Push is { } push ? CheckTarget(push.Url, push.Secret, "push", find, canSeal) ?? CheckTypes(push.Types) : null)
        ?? (configuration.Launch is { } launch ? CheckTarget(launch.Url, launch.Secret, "launch", find, canSeal) : null)
        ?? CheckLimit(configuration.LaunchLimit);

    public static SessionConfiguration Seal(SessionConfiguration configuration, SessionKey session, SecretBox box)
    {
        var owner = SecretBox.OwnerOf(session);
        return configuration with
        {
            Launch = configuration.Launch is { } launch ? launch with { Secret = Sealed(launch.Secret!, owner, box) } : null,
            Push = configuration.Push is { } push ? push with { Secret = Sealed(push.Secret!, owner, box) } : null,
        };
    }

    private static string Sealed(string secret, string owner, SecretBox box) => WebhookKeys.IsInline(secret) ? box.Seal(secret, owner) : secret;

    private static Problem? CheckTarget(string? url, string? secret, string field, Func<string, SecretKind?> find, bool canSeal)
    {
        if (UrlRules.Check(url, $"{field}.url") is { } wrong)
            return wrong;
        if (string.IsNullOrEmpty(secret))
            return Invalid($"{field}.secret", $"is missing: a webhook is always signed. Give {WebhookKeys.Rule}, or the name of a secret of the kind webhook.");
        if (!WebhookKeys.IsInline(secret))
            return AccessRules.CheckSecret(secret, $"{field}.secret", find, SecretKind.Webhook);
        if (WebhookKeys.Parse(secret) is null)
            return Invalid($"{field}.secret", $"must be {WebhookKeys.Rule}.");
        return canSeal
            ? null
            : Invalid($"{field}.secret", "is given inline, and this cluster has no key to keep it with. Name a secret of the kind webhook, or ask an operator to configure Backhaul:Security:SecretKeys.");
    }

    private static Problem? CheckLimit(LaunchLimitConfiguration? limit) =>
        limit?.PerHour is { } most && most is < 1 or > LaunchesPerHourMax ? Invalid("launchLimit.perHour", $"must be from 1 to {LaunchesPerHourMax}.")
        : limit?.MinimumSpacing is { } spacing && (spacing < TimeSpan.Zero || spacing > TimeSpan.FromDays(1)) ? Invalid("launchLimit.minimumSpacing", "must be at most PT24H.")
        : null;

    private static Problem? CheckTypes(IReadOnlyList<string?>? types)
    {
        if (types is null)
            return null;
        if (types.Count == 0)
            return Invalid("push.types", "must name at least one type of event; leave it out for all of them.");
        HashSet<string> named = new(StringComparer.Ordinal);
        foreach (var type in types)
        {
            if (type is null || !EventNames.Contains(type))
            {
                var shown = type is { Length: <= 64 } && type.All(char.IsAsciiLetterOrDigit) ? $"\"{type}\"" : "something";
                return Invalid("push.types", $"has {shown}, which is no type of event. There are {string.Join(", ", EventNames.Order(StringComparer.Ordinal))}.");
            }
            if (!named.Add(type))
                return Invalid("push.types", $"names {type} more than once.");
        }
        return null;
    }

    private static Problem Invalid(string field, string what) => Problems.Create(400, ProblemCodes.InvalidField, $"{field} {what}", field);
}

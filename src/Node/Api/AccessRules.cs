using Backhaul.Node.Security;
using Backhaul.Protocol;

namespace Backhaul.Node.Api;

/// <summary>
/// A session's credentials, proxy and TLS: references to secrets that operators configured. What a name stands for is never shown; whether a
/// tenant may use it is all that is asked here.
/// </summary>
internal static class AccessRules
{
    private const int RulesMax = 64;
    private const int RealmMax = 256;

    /// <param name="configuration">As the client wrote it.</param>
    /// <param name="find">The kind of the secret of a name that the caller's tenant may use; null when there is none.</param>
    public static Problem? Check(SessionConfiguration configuration, Func<string, SecretKind?> find)
    {
        var rules = configuration.Credentials ?? [];
        if (rules.Count > RulesMax)
            return Invalid("credentials", $"has more than {RulesMax} entries.");
        for (var i = 0; i < rules.Count; i++)
        {
            if (CheckRule(rules[i], $"credentials[{i}]", find) is { } problem)
                return problem;
        }
        if (configuration.Proxy is { } proxy && CheckSecret(proxy, "proxy", find, SecretKind.Proxy) is { } wrongProxy)
            return wrongProxy;
        if (configuration.Tls is not { } tls)
            return null;
        if (tls.Minimum is not (null or "1.2" or "1.3"))
            return Invalid("tls.minimum", "must be \"1.2\" or \"1.3\".");
        return tls.ClientCertificate is { } certificate ? CheckSecret(certificate, "tls.clientCertificate", find, SecretKind.ClientCertificate) : null;
    }

    private static Problem? CheckRule(CredentialRule rule, string field, Func<string, SecretKind?> find)
    {
        if (rule is null)
            return Invalid(field, "must be an object with the name of a secret.");
        if (string.IsNullOrEmpty(rule.Secret))
            return Invalid($"{field}.secret", "is missing: give the name of a secret of the kind basic, bearer or s3.");
        if (rule.Host is { } host && !IsHost(host))
            return Invalid($"{field}.host", "must be a host or host:port, without a scheme or a path; an IPv6 address stands in brackets.");
        if (rule.Realm is { } realm && (realm.Length > RealmMax || realm.Any(char.IsControl)))
            return Invalid($"{field}.realm", $"must have at most {RealmMax} characters and no control characters.");
        if (rule.Scheme is not (null or "basic" or "digest" or "bearer"))
            return Invalid($"{field}.scheme", "must be basic, digest or bearer.");
        if (CheckSecret(rule.Secret, $"{field}.secret", find, SecretKind.Basic, SecretKind.Bearer, SecretKind.S3) is { } unknown)
            return unknown;
        if (find(rule.Secret) is SecretKind.S3)
            return (rule.Scheme ?? rule.Realm) is null ? null : Invalid(field, $"has a scheme or a realm, but the secret {rule.Secret} answers no challenge: it signs uploads to object stores.");
        var isToken = find(rule.Secret) is SecretKind.Bearer;
        return rule.Scheme is { } scheme && isToken != (scheme == "bearer")
            ? Invalid($"{field}.scheme", $"is {scheme}, which the secret {rule.Secret} cannot answer: {(isToken ? "it is a token for bearer" : "it is a user and password for basic and digest")}.")
            : null;
    }

    public static Problem? CheckSecret(string name, string field, Func<string, SecretKind?> find, params ReadOnlySpan<SecretKind> wanted)
    {
        if (find(name) is not { } kind)
        {
            // Not said back: it may be the secret itself, by mistake.
            return Problems.Create(400, ProblemCodes.UnknownSecret,
                $"{field} names a secret that does not exist or is not for this tenant. Correct the name, or ask an operator to configure it under {SecretTable.Section}.", field);
        }
        return wanted.Contains(kind)
            ? null
            : Problems.Create(400, ProblemCodes.UnknownSecret, $"{field} names the secret \"{name}\", which is of the kind {Word(kind)} and cannot be used here.", field);
    }

    private static string Word(SecretKind kind) => kind switch
    {
        SecretKind.Basic => "basic",
        SecretKind.Bearer => "bearer",
        SecretKind.ClientCertificate => "clientCertificate",
        SecretKind.S3 => "s3",
        SecretKind.Webhook => "webhook",
        _ => "proxy",
    };

    /// <summary>What a URL could have as its authority, without a user.</summary>
    private static bool IsHost(string text) =>
        text.Length is > 0 and <= 261 && text.IndexOfAny(['/', '?', '#', '@', '\\', ' ', '*']) < 0
        && Uri.TryCreate($"https://{text}/", UriKind.Absolute, out var url) && url.Host.Length > 0 && url.PathAndQuery == "/" && !text.EndsWith(':');

    private static Problem Invalid(string field, string what) => Problems.Create(400, ProblemCodes.InvalidField, $"{field} {what}", field);
}

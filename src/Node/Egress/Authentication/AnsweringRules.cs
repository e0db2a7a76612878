using System.Text;
using Backhaul.Node.Security;
using Backhaul.Protocol;

namespace Backhaul.Node.Egress;

/// <summary>
/// Which credential answers which challenge. Pure.
/// <code>
/// strength   Digest with SHA-256 &gt; Digest with MD5 &gt; Bearer &gt; Basic
/// </code>
/// The strongest challenge that a credential fits is answered; among credentials the first of the session's list wins.
/// </summary>
internal static class AnsweringRules
{
    /// <summary>True when the rule is meant for this server. Without a host it is meant for the origin of the task's own URL and no other.</summary>
    public static bool Covers(CredentialRule rule, Uri url, Uri home)
    {
        if (rule.Host is not { } host)
            return RedirectRules.IsSameOrigin(url, home);
        // Read as part of a URL of this scheme: a missing port is the scheme's own, and every spelling of a host compares equal.
        return Uri.TryCreate($"{url.Scheme}://{host}/", UriKind.Absolute, out var meant) && RedirectRules.IsSameOrigin(meant, url);
    }

    public static bool Fits(CredentialRule rule, Challenge challenge, SecretKind kind) =>
        (rule.Realm is null || string.Equals(rule.Realm, challenge.Realm, StringComparison.Ordinal))
        && (rule.Scheme is null || rule.Scheme == challenge.Scheme)
        && CanAnswer(kind, challenge);

    public static bool CanAnswer(SecretKind kind, Challenge challenge) => challenge.Scheme switch
    {
        "basic" => kind is SecretKind.Basic,
        "digest" => kind is SecretKind.Basic && DigestForm.Read(challenge) is not null,
        "bearer" => kind is SecretKind.Bearer,
        _ => false,
    };

    /// <summary>Strongest first; equal ones as the server listed them.</summary>
    public static IReadOnlyList<Challenge> ByStrength(IReadOnlyList<Challenge> challenges) =>
        [.. challenges.OrderByDescending(Strength)];

    public static string Basic(string userName, string password) =>
        $"Basic {Convert.ToBase64String(Encoding.UTF8.GetBytes($"{userName}:{password}"))}";

    public static string Bearer(string token) => $"Bearer {token}";

    private static int Strength(Challenge challenge) => challenge.Scheme switch
    {
        "digest" => DigestForm.Read(challenge) is { IsSha256: true } ? 4 : 3,
        "bearer" => 2,
        "basic" => 1,
        _ => 0,
    };
}

using Backhaul.Node.Egress;

namespace Backhaul.Node.Transfers;

/// <summary>Requests that stay without a credential, as failures. Pure; names and realms only.</summary>
internal static class AccessFailures
{
    public static AttemptFailure Challenged(ChallengeFacts facts, int status) => new()
    {
        Code = TransferCodes.Credential,
        Message = Sentence(facts, status),
        Retryable = true,
        Status = status,
        Challenge = new AttemptChallenge
        {
            Scheme = facts.Scheme,
            Realm = facts.Realm,
            Host = facts.Host,
            Port = facts.Port,
            IsProxy = facts.IsProxy,
            WasRefused = facts.WasRefused,
        },
    };

    public static ChallengeFacts FactsOf(AttemptChallenge challenge) =>
        new(challenge.Scheme, challenge.Realm, challenge.Host, challenge.Port, challenge.IsProxy, challenge.WasRefused);

    /// <summary>The session was accepted with it: an operator took it away, or this node was started without it. Another start may have it.</summary>
    public static AttemptFailure Missing(string secret) => new()
    {
        Code = TransferCodes.SecretMissing,
        Message = $"This node does not have the secret {secret} that the session names. An operator configures it under Backhaul:Secrets.",
        Retryable = true,
    };

    private static string Sentence(ChallengeFacts facts, int status)
    {
        var how = (facts.Scheme is { } scheme ? $" by {scheme}" : "") + (facts.Realm is { } realm ? $" for the realm \"{realm}\"" : "");
        var why = facts.WasRefused ? "It did not accept the one that was sent." : "The session has none for it.";
        return $"{(facts.IsProxy ? "The proxy " : "")}{facts.Host}:{facts.Port} answered {status} and asks for a credential{how}. {why}";
    }
}

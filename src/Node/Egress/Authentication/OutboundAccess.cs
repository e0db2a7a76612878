using System.Security.Cryptography;
using Backhaul.Node.Security;
using Backhaul.Protocol;

namespace Backhaul.Node.Egress;

/// <summary>
/// The credentials of one exchange, over its redirects: what a request carries from the start, and what a 401 or 407 means.
/// <para>
/// Invariants: a credential goes to the servers its rule names and nowhere else, whatever redirects say; a credential that was sent and refused
/// is not sent again in the same exchange, except when the server says that only its nonce was stale; so the number of answers is bounded.
/// </para>
/// Made by <see cref="OutboundClients"/> for the request sender; used by one logical thread.
/// </summary>
internal sealed class OutboundAccess(
    Func<string, Secret?> find, AccessMemory memory, IReadOnlyList<CredentialRule> rules, OutboundRoute route, Uri home, IReadOnlyList<ChallengeFacts> rejected)
{
    /// <summary>Answers to one server that keeps saying that its nonces are stale.</summary>
    private const int StaleMax = 3;

    /// <summary>A password that Digest did not open is not tried again as Basic, in the clear.</summary>
    private readonly HashSet<AccessKey> _refused = [];
    private readonly HashSet<string> _nonces = new(StringComparer.Ordinal);
    private Sent? _toOrigin;
    private Sent? _toProxy;
    private int _stale;

    /// <summary>The connection that a request to this URL takes: a client certificate is for the task's own origin.</summary>
    public OutboundRoute RouteTo(Uri url) =>
        route.Certificate is null || RedirectRules.IsSameOrigin(url, home) ? route : route with { Certificate = null };

    /// <summary>
    /// Adds what the servers are known to accept, or what answers their last challenge. A header of the task's own goes first: it is replaced only
    /// once it was refused.
    /// </summary>
    public void Sign(HttpRequestMessage request, Uri url)
    {
        var method = request.Method.Method;
        _toOrigin = Next(_toOrigin, request.Headers.Contains("Authorization"), () => Preempt(url, OriginCredentials(url)));
        if (_toOrigin is { } origin)
        {
            request.Headers.Remove("Authorization");
            RequestHeaders.TryAdd(request.Headers, "Authorization", Write(origin, method, url.PathAndQuery));
        }
        // Inside a tunnel the proxy sees nothing: it was answered when the tunnel was made.
        if (route.Proxy is not { } proxy || url.Scheme == Uri.UriSchemeHttps)
            return;
        _toProxy = Next(_toProxy, ownHeader: false, () => Preempt(proxy.Url, ProxyCredentials(proxy)));
        if (_toProxy is { } toProxy)
            RequestHeaders.TryAdd(request.Headers, "Proxy-Authorization", Write(toProxy, method, url.PathAndQuery));
    }

    /// <summary>What a response means for the credentials that its request carried.</summary>
    public AccessStep Judge(HttpResponseMessage response, Uri url)
    {
        var status = (int)response.StatusCode;
        if (status == 407)
        {
            var server = route.Proxy?.Url ?? url; // the origin did not see the request: what is meant for it stays as it is
            return Challenged(response, "Proxy-Authenticate", server, isProxy: true, route.Proxy is { } proxy ? ProxyCredentials(proxy) : [], ref _toProxy);
        }
        Settle(ref _toProxy, accepted: true);
        if (status == 401)
            return Challenged(response, "WWW-Authenticate", url, isProxy: false, OriginCredentials(url), ref _toOrigin);
        Settle(ref _toOrigin, accepted: true);
        return new AccessStep.Passed();
    }

    private static Sent? Next(Sent? last, bool ownHeader, Func<Sent?> preempt) =>
        last is { IsAnswer: true, IsSettled: false } ? last : ownHeader ? null : preempt();

    private AccessStep Challenged(
        HttpResponseMessage response, string header, Uri server, bool isProxy, IEnumerable<Candidate> candidates, ref Sent? sent)
    {
        var challenges = AnsweringRules.ByStrength(
            response.Headers.NonValidated.TryGetValues(header, out var lines) ? ChallengeParser.Parse(lines) : []);
        var origin = OriginOf(server);
        var wasRefused = sent is not null || (!isProxy && response.RequestMessage?.Headers.Contains("Authorization") == true);
        if (sent is { } refused)
        {
            Settle(ref sent, accepted: false);
            var stale = challenges.Any(challenge => DigestForm.Read(challenge) is { IsStale: true }) && refused.Access.Digest is not null && _stale++ < StaleMax;
            // A nonce that was remembered may have ended without a word: its credential gets one more try, under a new nonce.
            if (!stale && (refused.IsAnswer || refused.Access.Digest is null))
                _refused.Add(refused.Key);
        }
        string? missing = null;
        // What the client rejected is as if the server had not offered it, unless it offers nothing else: then it is what is asked for.
        if (rejected.Count > 0 && challenges.Where(challenge => !IsRejected(challenge, server, isProxy)).ToList() is var left)
        {
            if (left.Count == 0)
                return new AccessStep.Refused(new ChallengeFacts(challenges.Count > 0 ? challenges[0] : null, server, isProxy, wasRefused));
            challenges = left;
        }
        foreach (var challenge in challenges)
        {
            foreach (var candidate in candidates)
            {
                if (candidate.Secret is null)
                {
                    missing ??= SecretBox.IsSealed(candidate.Name) ? GivenSecrets.Name : candidate.Name;
                    continue;
                }
                if (!candidate.Fits(challenge) || _refused.Contains(new AccessKey(candidate.Name, origin)) || !IsNewNonce(challenge))
                    continue;
                sent = Sent.Answer(candidate.Secret, new AccessKey(candidate.Name, origin), challenge);
                return new AccessStep.Again();
            }
        }
        return missing is not null && !wasRefused
            ? new AccessStep.Missing(missing)
            : new AccessStep.Refused(new ChallengeFacts(challenges.Count > 0 ? challenges[0] : null, server, isProxy, wasRefused));
    }

    private bool IsRejected(Challenge challenge, Uri server, bool isProxy) => rejected.Contains(new ChallengeFacts(challenge, server, isProxy, wasRefused: false));

    /// <summary>One answer for each nonce.</summary>
    private bool IsNewNonce(Challenge challenge) => challenge.Scheme != "digest" || _nonces.Add(challenge.Parameters["nonce"]);

    private void Settle(ref Sent? sent, bool accepted)
    {
        if (sent is not { IsSettled: false } pending)
            return;
        pending.IsSettled = true;
        if (accepted && pending.IsAnswer)
            memory.Remember(pending.Key, pending.Access);
        else if (!accepted && !pending.IsAnswer)
            memory.Forget(pending.Key, pending.Access);
    }

    private Sent? Preempt(Uri server, IEnumerable<Candidate> candidates)
    {
        foreach (var candidate in candidates)
        {
            var key = new AccessKey(candidate.Name, OriginOf(server));
            if (candidate.Secret is { } secret && memory.Find(key) is { } access && candidate.Fits(access.Challenge) && !_refused.Contains(key))
            {
                return Sent.FromMemory(secret, key, access);
            }
        }
        return null;
    }

    private IEnumerable<Candidate> OriginCredentials(Uri url) =>
        rules.Where(rule => AnsweringRules.Covers(rule, url, home)).Select(rule => new Candidate(rule, find(rule.Secret!)));

    private static IEnumerable<Candidate> ProxyCredentials(Secret.Proxy proxy) =>
        proxy.User is { } user ? [new Candidate((proxy.Given ?? new CredentialRule()) with { Secret = user.Name }, user)] : [];

    private static string Write(Sent sent, string method, string target) => sent.Secret switch
    {
        Secret.Bearer bearer => AnsweringRules.Bearer(bearer.Token),
        Secret.Basic basic when sent.Access.Digest is { } digest => digest.Answer(basic.UserName, basic.Password, method, target),
        Secret.Basic basic => AnsweringRules.Basic(basic.UserName, basic.Password),
        _ => throw new InvalidOperationException($"A {sent.Secret.Kind} answers no challenge."),
    };

    internal static string OriginOf(Uri url) => $"{url.Scheme}://{url.IdnHost.ToLowerInvariant()}:{url.Port}";

    /// <summary>A rule and its secret; null when the node does not have it.</summary>
    private readonly record struct Candidate(CredentialRule Rule, Secret? Secret)
    {
        public string Name => Rule.Secret!;

        public bool Fits(Challenge challenge) => AnsweringRules.Fits(Rule, challenge, Secret!.Kind);
    }

    /// <summary>What a request carries for one server, until its response has said whether that was right.</summary>
    private sealed class Sent(Secret secret, AccessKey key, AcceptedAccess access, bool isAnswer)
    {
        public Secret Secret { get; } = secret;
        public AccessKey Key { get; } = key;
        public AcceptedAccess Access { get; } = access;

        /// <summary>It answers a challenge of this exchange, and is not only remembered from an earlier one.</summary>
        public bool IsAnswer { get; } = isAnswer;
        public bool IsSettled { get; set; }

        public static Sent FromMemory(Secret secret, AccessKey key, AcceptedAccess access) => new(secret, key, access, isAnswer: false);

        public static Sent Answer(Secret secret, AccessKey key, Challenge challenge) => new(
            secret, key, new AcceptedAccess(challenge, challenge.Scheme == "digest" ? new DigestSession(challenge, NewNonce()) : null), isAnswer: true);
    }

    /// <summary>Unpredictable, which randomness that can be replayed is not.</summary>
    internal static string NewNonce() => RandomNumberGenerator.GetHexString(32, lowercase: true);
}

/// <summary>What to do after a response.</summary>
internal abstract record AccessStep
{
    private AccessStep()
    {
    }

    /// <summary>It is no question about credentials.</summary>
    internal sealed record Passed : AccessStep;

    /// <summary>Send the request again: there is an answer now.</summary>
    internal sealed record Again : AccessStep;

    /// <summary>Nothing that may be sent is left.</summary>
    internal sealed record Refused(ChallengeFacts Facts) : AccessStep;

    /// <summary>A credential is meant for this server, but this node does not have its secret.</summary>
    internal sealed record Missing(string Secret) : AccessStep;
}

/// <summary>A challenge without an answer: who asks for what. No secrets.</summary>
internal sealed record ChallengeFacts(string? Scheme, string? Realm, string Host, int Port, bool IsProxy, bool WasRefused)
{
    private const int RealmMax = 256;

    public ChallengeFacts(Challenge? challenge, Uri server, bool isProxy, bool wasRefused)
        : this(challenge?.Scheme is { Length: <= 32 } scheme ? scheme : null, Bounded(challenge?.Realm), server.IdnHost, server.Port, isProxy, wasRefused)
    {
    }

    /// <summary>The realm is the server's text: bounded, and without characters that a terminal would act on.</summary>
    private static string? Bounded(string? realm) =>
        realm is null ? null : string.Concat(realm.Take(RealmMax).Select(static c => char.IsControl(c) || char.IsSurrogate(c) ? '?' : c));
}

using System.Globalization;
using System.Text;
using Backhaul.Node.Security;
using Backhaul.Protocol;

namespace Backhaul.Node.Egress;

/// <summary>
/// <c>CONNECT</c> (RFC 9110 9.3.6): a connection through a proxy to a server that then sees nothing of the proxy.
/// <para>
/// A proxy that asks for a credential is answered once, on a connection of its own; what it accepted is remembered, so that the next tunnel is made
/// at the first try. The head of its answer is bounded, and bytes after it would belong to nobody: they are refused.
/// </para>
/// </summary>
/// <param name="proxy">Where it is and who its user is.</param>
/// <param name="memory">What it accepted before.</param>
/// <param name="connect">Opens a connection to the proxy.</param>
/// <param name="userAgent">Named to the proxy.</param>
internal sealed class ProxyTunnel(Secret.Proxy proxy, AccessMemory memory, Func<CancellationToken, ValueTask<Stream>> connect, string userAgent)
{
    private const int HeadBytesMax = 16 * 1024;
    private const int TriesMax = 3;

    private static readonly CredentialRule AnyWay = new();

    private readonly AccessKey _key = new(proxy.Name, OutboundAccess.OriginOf(proxy.Url));

    /// <summary>The stream to <paramref name="host"/>; throws <see cref="OutboundException"/> when the proxy does not give one.</summary>
    public async ValueTask<Stream> OpenAsync(string host, int port, CancellationToken stop)
    {
        var target = string.Create(CultureInfo.InvariantCulture, $"{(host.Contains(':', StringComparison.Ordinal) ? $"[{host}]" : host)}:{port}");
        var access = proxy.User is null ? null : memory.Find(_key);
        for (var tries = 1; ; tries++)
        {
            var (tunnel, head) = await TryAsync(target, access, stop);
            if (tunnel is not null)
            {
                if (access is not null)
                    memory.Remember(_key, access);
                return tunnel;
            }
            if (head!.Status != 407)
                throw new OutboundException(OutboundFault.ProxyRefused, $"The proxy {Shown} answered {head.Status} to a tunnel to {target}.");
            access = Answer(head, access, tries);
        }
    }

    private string Shown => $"{proxy.Url.IdnHost}:{proxy.Url.Port}";

    private AcceptedAccess Answer(TunnelHead head, AcceptedAccess? refused, int tries)
    {
        var challenges = AnsweringRules.ByStrength(ChallengeParser.Parse(head.Challenges));
        var mayTry = proxy.User is not null && tries < TriesMax && (refused is null || IsNewNonce(refused, challenges, tries));
        if (mayTry && challenges.FirstOrDefault(challenge => AnsweringRules.Fits(proxy.Given ?? AnyWay, challenge, SecretKind.Basic)) is { } answerable)
            return new AcceptedAccess(answerable, answerable.Scheme == "digest" ? new DigestSession(answerable, OutboundAccess.NewNonce()) : null);
        if (refused is not null)
            memory.Forget(_key, refused);
        throw new OutboundException(
            OutboundFault.ProxyChallenged,
            $"The proxy {Shown} asks for a credential{(refused is null ? "" : ", and did not accept the one it got")}.",
            new ChallengeFacts(challenges.Count > 0 ? challenges[0] : null, proxy.Url, isProxy: true, wasRefused: refused is not null));
    }

    /// <summary>A remembered nonce may have ended; an answer to the proxy's own challenge that it refuses was wrong, unless it says that the nonce was.</summary>
    private static bool IsNewNonce(AcceptedAccess refused, IReadOnlyList<Challenge> challenges, int tries) =>
        refused.Digest is { } digest
        && challenges.Select(DigestForm.Read).FirstOrDefault(static form => form is not null) is { } form && form.Nonce != digest.Nonce && (tries == 1 || form.IsStale);

    private async ValueTask<(Stream? Tunnel, TunnelHead? Refusal)> TryAsync(string target, AcceptedAccess? access, CancellationToken stop)
    {
        var stream = await connect(stop);
        var keep = false;
        try
        {
            await stream.WriteAsync(Encoding.ASCII.GetBytes(Request(target, access)), stop);
            var head = await ReadHeadAsync(stream, stop);
            keep = head.Status is >= 200 and < 300;
            return keep ? (stream, null) : (null, head);
        }
        catch (IOException broken) when (broken is not OutboundException)
        {
            throw new OutboundException(OutboundFault.ProxyRefused, $"The connection to the proxy {Shown} broke before it answered.", broken);
        }
        finally
        {
            if (!keep)
                await stream.DisposeAsync();
        }
    }

    private string Request(string target, AcceptedAccess? access)
    {
        var user = proxy.User;
        var credential = access is null || user is null ? null
            : access.Digest is { } digest ? digest.Answer(user.UserName, user.Password, "CONNECT", target)
            : AnsweringRules.Basic(user.UserName, user.Password);
        return $"CONNECT {target} HTTP/1.1\r\nHost: {target}\r\nUser-Agent: {userAgent}\r\n{(credential is null ? "" : $"Proxy-Authorization: {credential}\r\n")}\r\n";
    }

    private async ValueTask<TunnelHead> ReadHeadAsync(Stream stream, CancellationToken stop)
    {
        var buffer = new byte[HeadBytesMax];
        for (var filled = 0; ;)
        {
            var count = await stream.ReadAsync(buffer.AsMemory(filled), stop);
            if (count == 0)
                throw NotHttp(filled == buffer.Length ? "a head that is too large" : "an answer that ends in its head");
            filled += count;
            var end = buffer.AsSpan(0, filled).IndexOf("\r\n\r\n"u8);
            if (end < 0)
                continue;
            var head = TunnelHead.Read(Encoding.Latin1.GetString(buffer, 0, end)) ?? throw NotHttp("something that is not HTTP");
            return head.Status is < 200 or >= 300 || end + 4 == filled ? head : throw NotHttp("bytes before the tunnel was used");
        }
    }

    private OutboundException NotHttp(string what) => new(OutboundFault.ProxyRefused, $"The proxy {Shown} sent {what}.");

    /// <summary>What of the answer's head matters.</summary>
    private sealed record TunnelHead(int Status, IReadOnlyList<string> Challenges)
    {
        public static TunnelHead? Read(string text)
        {
            var lines = text.Split("\r\n");
            if (!lines[0].StartsWith("HTTP/1.", StringComparison.Ordinal) || lines[0].Length < 12
                || !int.TryParse(lines[0].AsSpan(9, 3), NumberStyles.None, CultureInfo.InvariantCulture, out var status))
            {
                return null;
            }
            const string name = "Proxy-Authenticate:";
            return new TunnelHead(
                status, [.. lines.Skip(1).Where(line => line.StartsWith(name, StringComparison.OrdinalIgnoreCase)).Select(line => line[name.Length..].Trim())]);
        }
    }
}

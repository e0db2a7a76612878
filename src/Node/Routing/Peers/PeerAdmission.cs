using System.Globalization;
using Backhaul.Node.Security;
using Microsoft.AspNetCore.Http.Features;

namespace Backhaul.Node.Routing.Peers;

/// <summary>
/// Who may ask at the nodes' edge. Every request proves that it comes from a node of this cluster and means this incarnation; one that does
/// not is answered in one sentence, and nothing of it is looked at. The count of hops says that nobody sends on what was sent to him.
/// </summary>
internal sealed class PeerAdmission(PeerIdentity identity, ILogger<PeerAdmission> log)
{
    private const long DeadlineMsMax = 600_000;

    /// <summary>What can be seen without the body. Null: it may be read; whether it is a peer's, <see cref="Admit"/> says.</summary>
    public PeerFrame? Look(HttpRequest request)
    {
        var target = request.Headers[PeerHeaders.Target].ToString();
        if (!long.TryParse(request.Headers[PeerHeaders.Deadline], NumberStyles.None, CultureInfo.InvariantCulture, out var deadlineMs) || deadlineMs is < 1 or > DeadlineMsMax)
            return PeerCodec.Refusal(400, $"{PeerHeaders.Deadline} is from 1 to {DeadlineMsMax}.");
        if (identity.Secret().IsEmpty)
            return PeerCodec.Refusal(409, "This node has not joined the cluster yet.");
        if (request.Headers[PeerHeaders.Signature] is not [{ Length: PeerSignature.Length }])
            return NotSigned(request);
        if (target != identity.Self.ToString())
            return PeerCodec.Refusal(409, "Another incarnation has this address now.");
        return request.Headers[PeerHeaders.Hops] != "1"
            ? PeerCodec.Refusal(400, $"{PeerHeaders.Hops} is 1: a node does not send on what another one sent.")
            : null;
    }

    /// <summary>Null: the request is a peer's, and means this incarnation.</summary>
    public PeerFrame? Admit(HttpRequest request, ReadOnlyMemory<byte> body, out TimeSpan deadline)
    {
        deadline = TimeSpan.Zero;
        if (Look(request) is { } refusal)
            return refusal;
        var deadlineMs = long.Parse(request.Headers[PeerHeaders.Deadline]!, NumberStyles.None, CultureInfo.InvariantCulture);
        if (!PeerSignature.Matches(
            identity.Secret().Span, request.Headers[PeerHeaders.Signature], request.Method, TargetOf(request), identity.Self.ToString(), deadlineMs, body.Span))
        {
            return NotSigned(request);
        }
        deadline = TimeSpan.FromMilliseconds(deadlineMs);
        return null;
    }

    private PeerFrame NotSigned(HttpRequest request)
    {
        log.PeerNotKnown(request.HttpContext.Connection.RemoteIpAddress);
        return PeerCodec.Refusal(401, "The request is not signed by a node of this cluster.");
    }

    /// <summary>As it came over the wire: a path that was read and written again may differ from the one that was signed.</summary>
    private static string TargetOf(HttpRequest request) => request.HttpContext.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget;
}

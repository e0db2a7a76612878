using System.Globalization;
using System.Net;
using Backhaul.Node.Journal;
using Backhaul.Node.Security;

namespace Backhaul.Node.Routing.Peers;

/// <summary>Who this node is to its peers.</summary>
/// <param name="Self">This incarnation.</param>
/// <param name="Secret">The cluster's; empty until the store was opened. What a node without it is asked, it refuses.</param>
internal sealed record PeerIdentity(NodeId Self, Func<ReadOnlyMemory<byte>> Secret);

/// <summary>The headers between nodes.</summary>
internal static class PeerHeaders
{
    public const string Target = "X-Cluster-Target";
    public const string Signature = "X-Cluster-Signature";
    public const string Hops = "X-Cluster-Hops";
    public const string Deadline = "X-Deadline-Ms";
    public const string Answer = "X-Cluster-Answer";

    public const string CommandsPath = "/node/commands";
    public const string FeedPath = "/node/feed/";

    /// <summary>A request to a peer, signed.</summary>
    public static HttpRequestMessage NewRequest(
        HttpMethod method, Uri address, string path, NodeId target, TimeSpan deadline, ReadOnlySpan<byte> secret, ReadOnlySpan<byte> body)
    {
        var deadlineMs = Math.Max(1, (long)deadline.TotalMilliseconds);
        var request = new HttpRequestMessage(method, new Uri(address, path)) { Version = HttpVersion.Version20, VersionPolicy = HttpVersionPolicy.RequestVersionExact };
        request.Headers.Add(Target, target.ToString());
        request.Headers.Add(Hops, "1");
        request.Headers.Add(Deadline, deadlineMs.ToString(CultureInfo.InvariantCulture));
        request.Headers.Add(Signature, PeerSignature.Sign(secret, method.Method, request.RequestUri!.PathAndQuery, target.ToString(), deadlineMs, body));
        return request;
    }
}

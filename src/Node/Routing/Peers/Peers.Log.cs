using System.Net;
using Backhaul.Protocol;

namespace Backhaul.Node.Routing.Peers;

internal static partial class PeersLog
{
    [LoggerMessage(3521, LogLevel.Warning, "A request from {Remote} to the nodes' edge is not signed by a node of this cluster, and was refused")]
    public static partial void PeerNotKnown(this ILogger logger, IPAddress? remote);

    [LoggerMessage(3522, LogLevel.Warning, "A command of another node was refused: {Fault}")]
    public static partial void PeerCommandUnreadable(this ILogger logger, string fault);

    [LoggerMessage(3523, LogLevel.Debug, "The node that asked for {Path} left before the answer")]
    public static partial void PeerLeft(this ILogger logger, string path);

    [LoggerMessage(3524, LogLevel.Debug, "The relay of session {Session} from {Address} broke: {Detail}")]
    public static partial void RelayBroke(this ILogger logger, SessionKey session, string address, string detail);

    [LoggerMessage(3525, LogLevel.Error, "The relay of session {Session} failed, which is a bug; it begins anew")]
    public static partial void RelayFailed(this ILogger logger, Exception bug, SessionKey session);
}

using Backhaul.Node.Sessions;
using Backhaul.Protocol;

namespace Backhaul.Node.Routing;

internal static partial class RoutingLog
{
    [LoggerMessage(3500, LogLevel.Debug, "{Command} of session {Session} was not decided ({Reason}) after {Attempts} tries and {Milliseconds} ms")]
    public static partial void CommandUnavailable(
        this ILogger logger, SessionKey session, string command, UnavailableReason reason, int attempts, double milliseconds);

    [LoggerMessage(3501, LogLevel.Warning, "{Command} of session {Session} had no answer at its deadline, after {Attempts} tries and {Milliseconds} ms; {Loading} sessions load and {Waiting} wait to")]
    public static partial void CommandLate(
        this ILogger logger, SessionKey session, string command, int attempts, double milliseconds, int loading, int waiting);

    [LoggerMessage(3502, LogLevel.Debug, "The connection to the node at {Address} broke with a command on it: {Detail}")]
    public static partial void PeerLost(this ILogger logger, string address, string detail);

    [LoggerMessage(3503, LogLevel.Warning, "The node at {Address} does not take commands of this node: {Detail}")]
    public static partial void PeerRefused(this ILogger logger, string address, string detail);

    [LoggerMessage(3504, LogLevel.Debug, "The node at {Address} was not reached: {Detail}")]
    public static partial void PeerNotReached(this ILogger logger, string address, string detail);

    [LoggerMessage(3505, LogLevel.Information, "Nobody answers at {Address}; its shards have no known owner until the next view")]
    public static partial void AddressDropped(this ILogger logger, string address);

    [LoggerMessage(3506, LogLevel.Warning, "The cluster's view could not be read for commands that wait; the regular look goes on")]
    public static partial void ViewNotRead(this ILogger logger, Exception unreadable);

    [LoggerMessage(3507, LogLevel.Debug, "The node at {Address} was not asked: {Detail}")]
    public static partial void PeerNotAsked(this ILogger logger, string address, string detail);
}

using Backhaul.Node.Sessions;
using Backhaul.Protocol;

namespace Backhaul.Node.Routing;

internal static partial class RoutingLog
{
    [LoggerMessage(3500, LogLevel.Warning, "{Command} of session {Session} was not decided ({Reason}) after {Attempts} tries and {Milliseconds} ms")]
    public static partial void CommandUnavailable(
        this ILogger logger, SessionKey session, string command, UnavailableReason reason, int attempts, double milliseconds);
}

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
}

using Microsoft.Extensions.Logging;

namespace Backhaul.Client.AspNetCore;

/// <summary>What operators of the service read.</summary>
internal static partial class Messages
{
    [LoggerMessage(1, LogLevel.Information, "Attached to session {Session}; {Waiting} events wait.")]
    public static partial void Attached(this ILogger logger, string session, long waiting);

    [LoggerMessage(2, LogLevel.Warning, "Session {Session}: the handler of {Type}, event {Number}, failed {Attempt} times; again in {Wait}.")]
    public static partial void HandlerFailed(this ILogger logger, string session, string type, long number, int attempt, TimeSpan wait, Exception cause);

    [LoggerMessage(3, LogLevel.Information, "Session {Session}: {Reason} Connecting behind event {Last} in {Wait}.")]
    public static partial void Interrupted(this ILogger logger, string session, string reason, long last, TimeSpan wait);

    [LoggerMessage(4, LogLevel.Error, "Session {Session} cannot be attached; again in {Wait}.")]
    public static partial void NotAttached(this ILogger logger, string session, TimeSpan wait, Exception cause);

    [LoggerMessage(5, LogLevel.Information, "Session {Session} has ended.")]
    public static partial void Ended(this ILogger logger, string session);

    [LoggerMessage(6, LogLevel.Information, "Session {Session}: launch {Launch} ({Reason}) was handled; {Handled} events.")]
    public static partial void LaunchHandled(this ILogger logger, string session, long launch, string? reason, long handled);

    [LoggerMessage(7, LogLevel.Warning, "Session {Session}: launch {Launch} was not handled; the node sends another.")]
    public static partial void LaunchAbandoned(this ILogger logger, string session, long launch, Exception cause);

    [LoggerMessage(8, LogLevel.Warning, "A launch was refused: {Verdict}.")]
    public static partial void LaunchRefused(this ILogger logger, WebhookVerdict verdict);

    [LoggerMessage(9, LogLevel.Warning, "A launch for session {Session} was refused: this service has not registered it.")]
    public static partial void LaunchOfStranger(this ILogger logger, string session);
}

using Backhaul.Protocol;

namespace Backhaul.Node.Sessions;

internal static partial class WebhookLog
{
    [LoggerMessage(4020, LogLevel.Debug, "Session {Session}: a webhook ({Target}) was under way when the session stopped; its next owner sends it again.")]
    public static partial void WebhookGivenUp(this ILogger logger, SessionKey session, WebhookTarget target);

    [LoggerMessage(4021, LogLevel.Warning, "Session {Session}: a webhook ({Target}) could not be made or recorded; it is tried again.")]
    public static partial void WebhookBroke(this ILogger logger, SessionKey session, WebhookTarget target, Exception failure);

    [LoggerMessage(4023, LogLevel.Warning, "Session {Session}, task {Task}: its end is not told to {Url} any more, after {Attempts} attempts: {Why}")]
    public static partial void NotificationGivenUp(this ILogger logger, SessionKey session, TaskId task, string url, int attempts, string why);

    [LoggerMessage(4022, LogLevel.Warning, "Session {Session}: webhooks ({Target}) are disabled: {Why} pbm webhook enable, its client, or a re-attach with another URL, secret or types enables them.")]
    public static partial void WebhooksDisabled(this ILogger logger, SessionKey session, WebhookTarget target, string why);

    [LoggerMessage(4024, LogLevel.Warning, "Session {Session}: {Count} ends of tasks are not told any more, the last of them that of {Task} to {Url}: {Most} others wait to be told, which is the limit.")]
    public static partial void NotificationsOverLimit(this ILogger logger, SessionKey session, int count, int most, TaskId task, string url);

    [LoggerMessage(4025, LogLevel.Warning, "Session {Session}, task {Task}: what the archive has of it cannot be read, so its end cannot be told.")]
    public static partial void NotificationUnreadable(this ILogger logger, SessionKey session, TaskId task, Exception damage);
}

namespace Backhaul.Node.Sharding.Membership;

internal static partial class MembershipLog
{
    [LoggerMessage(3100, LogLevel.Warning, "The lease could not be renewed ({Failure}); it is trusted for another {Seconds:0.0} s, and tried again")]
    public static partial void RenewalFailed(this ILogger logger, string failure, double seconds, Exception? exception);

    [LoggerMessage(3101, LogLevel.Error, "The lease is not trusted any more: it was not renewed within {Seconds:0.0} s, or this machine slept. Sessions are suspended until it is renewed")]
    public static partial void TrustLost(this ILogger logger, double seconds);

    [LoggerMessage(3102, LogLevel.Information, "The lease is trusted again after lapse {Lapse}")]
    public static partial void TrustRegained(this ILogger logger, int lapse);

    [LoggerMessage(3103, LogLevel.Warning, "A heartbeat came {Seconds:0.0} s late: this machine is short of CPU, was paused, or its store is slow")]
    public static partial void TickLate(this ILogger logger, double seconds);

    [LoggerMessage(3104, LogLevel.Critical, "The heartbeat broke: this is a bug; the node's trust runs out")]
    public static partial void KeeperBroke(this ILogger logger, Exception bug);

    [LoggerMessage(3105, LogLevel.Critical, "Something on the heartbeat's thread threw: this is a bug; the thread goes on")]
    public static partial void LeaseThreadThrew(this ILogger logger, Exception bug);
}

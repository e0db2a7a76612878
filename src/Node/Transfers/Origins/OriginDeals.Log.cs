namespace Backhaul.Node.Transfers.Origins;

/// <summary>Event ids 5400 to 5409.</summary>
internal static partial class OriginDealsLog
{
    [LoggerMessage(5400, LogLevel.Warning, "What is known of origins could not be dealt with the store; this node goes on with what it holds until that ends. Failed {Times} times in a row.")]
    public static partial void DealFailed(this ILogger logger, int times, Exception failure);

    [LoggerMessage(5401, LogLevel.Information, "What is known of origins is dealt with the store again.")]
    public static partial void DealHealed(this ILogger logger);

    [LoggerMessage(5402, LogLevel.Warning, "What is written about the origin {Origin} cannot be read by this build and is left alone.")]
    public static partial void Unreadable(this ILogger logger, string origin);
}

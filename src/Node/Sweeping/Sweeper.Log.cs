using Backhaul.Protocol;

namespace Backhaul.Node.Sweeping;

internal static partial class SweeperLog
{
    [LoggerMessage(6101, LogLevel.Information, "Container {Container} was swept: {Count} leftovers with {Bytes} bytes removed, {Kept} that sessions refer to kept.")]
    public static partial void Swept(this ILogger logger, ContainerName container, long count, long bytes, long kept);

    [LoggerMessage(6102, LogLevel.Warning, "Container {Container} has {Count} leftovers whose sessions could not be asked; they stay until the next sweep.")]
    public static partial void CouldNotAsk(this ILogger logger, ContainerName container, long count);

    [LoggerMessage(6104, LogLevel.Information, "{Count} files of downloads were removed: their retention had ended.")]
    public static partial void RetentionEnded(this ILogger logger, long count);

    [LoggerMessage(6105, LogLevel.Warning, "A file of container {Container} whose retention ended could not be removed; it is tried again.")]
    public static partial void RetentionFailed(this ILogger logger, Exception refused, ContainerName container);

    [LoggerMessage(6103, LogLevel.Warning, "The sweep of container {Container} ended early; the next one goes on.")]
    public static partial void SweepFailed(this ILogger logger, Exception failed, ContainerName container);
}

namespace Backhaul.Node.Hosting;

internal static partial class SealingLog
{
    [LoggerMessage(9020, LogLevel.Information, "The nodes of this cluster seal clients' secrets with the key {Key} from now on, and no longer with {Before}")]
    public static partial void SealingKeyChanged(this ILogger logger, string before, string key);

    [LoggerMessage(9021, LogLevel.Error, "The other nodes seal clients' secrets with the key {Key}, which Backhaul:Security:SecretKeys of this node lacks: it cannot sign webhooks of sessions configured since, and tasks added since whose URLs or headers are sealed wait with secretMissing. Give it the same keys and start it again")]
    public static partial void SealingKeyMissing(this ILogger logger, string key);
}

namespace Backhaul.Node.Egress;

internal sealed partial class OutboundClients
{
    [LoggerMessage(5500, LogLevel.Warning, "Address policy refused {Host}:{Port}: {Why}")]
    private partial void LogAddressRefused(string host, int port, string why);
}

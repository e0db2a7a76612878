namespace Backhaul.Node.Telemetry;

internal sealed partial class OtlpExport
{
    [LoggerMessage(8400, LogLevel.Information, "Traces and metrics are exported to {Endpoint}")]
    private partial void LogExports(string endpoint);
}

namespace Backhaul.Node.Api;

internal sealed partial class ApiFailures
{
    [LoggerMessage(7000, LogLevel.Error, "A request failed: {Method} on {Endpoint}, trace {Trace}")]
    private partial void LogFailure(Exception failure, string method, string endpoint, string trace);

    [LoggerMessage(7001, LogLevel.Warning, "The journal did not answer a list of sessions")]
    private partial void LogStoreUnavailable(Exception failure);
}

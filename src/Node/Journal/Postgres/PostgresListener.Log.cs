namespace Backhaul.Node.Journal.Postgres;

internal sealed partial class PostgresListener
{
    [LoggerMessage(2220, LogLevel.Debug, "The connection that listens for changes broke ({Message}); until it is back, changes are found by polling")]
    private partial void LogBroken(string message);
}

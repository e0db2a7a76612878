namespace Backhaul.Node.Journal.Postgres;

internal sealed partial class PostgresJournalStore
{
    [LoggerMessage(2210, LogLevel.Error, "The journal holds a session key that cannot be read and is left out of lists: {Key}")]
    private partial void LogUnreadableKey(string key);
}

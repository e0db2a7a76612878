namespace Backhaul.Node.Journal.Sqlite;

internal sealed partial class SqliteJournalStore
{
    [LoggerMessage(2100, LogLevel.Information, "The journal {Path} is open; its {Shards} shards are ours")]
    private partial void LogOpened(string path, int shards);

    [LoggerMessage(2101, LogLevel.Information, "{Shards} shards were given back")]
    private partial void LogReleased(int shards);

    [LoggerMessage(2102, LogLevel.Error, "The journal holds a session key that cannot be read and is left out of lists: {Key}")]
    private partial void LogUnreadableKey(string key);
}

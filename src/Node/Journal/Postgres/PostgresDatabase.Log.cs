namespace Backhaul.Node.Journal.Postgres;

internal sealed partial class PostgresDatabase
{
    [LoggerMessage(2200, LogLevel.Warning,
        "PostgreSQL is set to synchronous_commit=off; connections of kind {Kind} set it to on, because what is acknowledged must be durable")]
    private partial void LogCommitForced(ConnectionKind kind);
}

namespace Backhaul.Node.Journal.Sqlite;

/// <summary>Instants as integer microseconds since 1970.</summary>
internal static class SqliteTime
{
    public static long FromInstant(DateTimeOffset instant) =>
        (instant.UtcTicks - DateTimeOffset.UnixEpoch.UtcTicks) / TimeSpan.TicksPerMicrosecond;

    public static DateTimeOffset ToInstant(long microseconds) => DateTimeOffset.UnixEpoch.AddTicks(microseconds * TimeSpan.TicksPerMicrosecond);
}

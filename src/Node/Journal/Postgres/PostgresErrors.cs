using System.Net.Sockets;
using Npgsql;

namespace Backhaul.Node.Journal.Postgres;

/// <summary>How far a call came.</summary>
internal enum CallStage
{
    /// <summary>Nothing was sent.</summary>
    Connecting = 1,

    /// <summary>The statement was sent and may run.</summary>
    Running = 2,

    /// <summary>Its result was seen; the transaction ends.</summary>
    Ending = 3,
}

/// <summary>
/// From PostgreSQL's and the network's errors to what the journal must know: was it applied? The server executes a statement, answers
/// its rows, commits, and then says that it is ready. So:
/// <code>
///  before anything was sent                          certainly not applied
///  an ERROR in place of the statement's result       the transaction was rolled back: certainly not applied
///  an ERROR or worse after the result                the commit itself: unknown
///  a FATAL or PANIC, a time-out, a broken connection unknown: the server may be past its commit
/// </code>
/// A backend that is told to end answers 57P01 before its commit in every release known, but that is a matter of its code and not of
/// its protocol; looking it up costs one round trip, so it counts as unknown.
/// </summary>
internal static class PostgresErrors
{
    public static JournalStoreException ToStoreException(Exception failure, string doing, CallStage stage, bool writes) => failure switch
    {
        JournalStoreException known => known,
        _ when stage == CallStage.Connecting => Failed(StoreFailure.Transient, doing, failure),
        PostgresException error when stage == CallStage.Running && IsPlainError(error) => Failed(KindOf(error), doing, failure),
        // A value that cannot be put on the wire is noticed before the statement's execution is asked for.
        ArgumentException or InvalidCastException or FormatException or OverflowException => Failed(StoreFailure.Rejected, doing, failure),
        _ => Failed(writes ? StoreFailure.Unknown : StoreFailure.Transient, doing, failure),
    };

    public static bool IsOfStore(Exception failure) => failure is NpgsqlException or IOException or SocketException or TimeoutException
        or ArgumentException or InvalidCastException or FormatException or OverflowException or InvalidOperationException;

    /// <summary>The statement failed, the connection lives.</summary>
    private static bool IsPlainError(PostgresException error) => error.InvariantSeverity is "ERROR";

    /// <summary>What a statement that was rolled back means to the writer. What an operator can mend is worth another try.</summary>
    private static StoreFailure KindOf(PostgresException error) => error.SqlState switch
    {
        PostgresErrorCodes.NotNullViolation when error.TableName == "destination_claim" => StoreFailure.Taken,
        PostgresErrorCodes.CardinalityViolation => StoreFailure.Taken, // two sessions of one batch want one destination
        PostgresErrorCodes.UniqueViolation or PostgresErrorCodes.NotNullViolation => StoreFailure.Conflict,
        PostgresErrorCodes.CheckViolation or PostgresErrorCodes.ForeignKeyViolation => StoreFailure.Rejected,
        PostgresErrorCodes.DataCorrupted or PostgresErrorCodes.IndexCorrupted => StoreFailure.Rejected,
        ['2', '2', ..] => StoreFailure.Rejected,    // the data themselves: not text, out of range
        ['5', '4', ..] => StoreFailure.Rejected,    // larger than the server can hold
        // 40 roll-backs and deadlocks, 53 disk, memory and connections, 55P03 lock, 57014 statement time-out, 25006 a primary that became
        // a standby, 42 rights and tables that are missing, 26 and 0A prepared statements that are gone, 58 input and output, XX000.
        _ => StoreFailure.Transient,
    };

    /// <summary>Errors that come from the connection's own state: the next one must be a new connection.</summary>
    public static bool IsStaleConnection(Exception failure) => failure is PostgresException
    {
        SqlState: PostgresErrorCodes.ReadOnlySqlTransaction or PostgresErrorCodes.InvalidSqlStatementName or PostgresErrorCodes.FeatureNotSupported
    };

    private static JournalStoreException Failed(StoreFailure kind, string doing, Exception failure) =>
        new(kind, $"Could not {doing}. {Sentence(failure)}", failure);

    private static string Sentence(Exception failure) => failure switch
    {
        PostgresException { SqlState: PostgresErrorCodes.DiskFull } => "PostgreSQL's disk is full. Make room; the node goes on by itself.",
        PostgresException { SqlState: PostgresErrorCodes.QueryCanceled } => "PostgreSQL ended the statement after its time and rolled it back.",
        PostgresException { SqlState: PostgresErrorCodes.LockNotAvailable } => "Another statement holds the shard.",
        PostgresException { SqlState: PostgresErrorCodes.ReadOnlySqlTransaction } => "This PostgreSQL is read only: it is no primary any more.",
        PostgresException error => $"PostgreSQL answered: {error.MessageText} ({error.SqlState}).",
        NpgsqlException { InnerException: TimeoutException } or TimeoutException => "PostgreSQL did not answer in time.",
        NpgsqlException { InnerException: { } inner } => $"PostgreSQL cannot be reached: {inner.Message}",
        _ => $"PostgreSQL cannot be reached: {failure.Message}",
    };
}

namespace Backhaul.Node.Journal.Sqlite;

/// <summary>
/// From result codes to what the journal's writer must know: was it applied? Everything before COMMIT was certainly rolled back. An
/// input/output error of COMMIT itself leaves that open: the log may hold the transaction, and a restart would find it there. The
/// re-acquire that follows an unknown outcome is itself a commit at the same place of the log, so after it the question is settled.
/// (The library does not count frames whose flush failed as written: the next commit writes over them, so a failed flush is not
/// mended by flushing again.) A full disk is seen while the log is written, before its commit mark is complete, hence definite. A damaged page
/// counts as broken data of whoever needs it: trying again does not help, and the neighbours in the batch must not share that fate.
/// </summary>
internal static class SqliteErrors
{
    public static JournalStoreException ToStoreException(SqliteFailure failure, string doing, bool committing)
    {
        var kind = failure switch
        {
            { IsDuplicate: true } => StoreFailure.Conflict,
            { IsInputOutput: true } when committing => StoreFailure.Unknown,
            { IsCorrupt: true } => StoreFailure.Rejected,
            { Code: SQLitePCL.raw.SQLITE_TOOBIG or SQLitePCL.raw.SQLITE_CONSTRAINT or SQLitePCL.raw.SQLITE_MISMATCH } => StoreFailure.Rejected,
            _ => StoreFailure.Transient,
        };
        return new JournalStoreException(kind, $"Could not {doing}. {failure.Message}", failure);
    }
}

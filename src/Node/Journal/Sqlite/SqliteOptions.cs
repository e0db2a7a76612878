namespace Backhaul.Node.Journal.Sqlite;

/// <summary>The embedded store. Bound from <c>Backhaul:Journal:Sqlite</c>, validated at start.</summary>
internal sealed record SqliteOptions
{
    /// <summary>How long a start waits for a node that is just ending to let go of the file, before it is refused.</summary>
    public TimeSpan LockWait { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>
    /// Pages (of 4 KiB) in the write-ahead log before it is folded into the database. More makes commits cheaper on average, and the
    /// one that folds dearer; the log is that large on disk.
    /// </summary>
    public int CheckpointPages { get; init; } = 4000;

    /// <summary>Memory for pages of the database.</summary>
    public int CacheKiB { get; init; } = 2_048;

    /// <summary>
    /// The database file grows no larger; at the limit the node behaves as on a full disk. 0 is no limit. For a journal that shares its
    /// disk with the files it must not starve.
    /// </summary>
    public int SizeMaxMiB { get; init; }

    public IEnumerable<string> Problems()
    {
        if (SizeMaxMiB is < 0 or > 4 * 1024 * 1024)
            yield return "Backhaul:Journal:Sqlite:SizeMaxMiB must lie between 0 (no limit) and 4,194,304.";
        if (LockWait < TimeSpan.Zero || LockWait > TimeSpan.FromMinutes(1))
            yield return "Backhaul:Journal:Sqlite:LockWait must lie between 0 and 1 minute.";
        if (CheckpointPages is < 100 or > 1_000_000)
            yield return "Backhaul:Journal:Sqlite:CheckpointPages must lie between 100 and 1,000,000.";
        if (CacheKiB is < 1024 or > 8 * 1024 * 1024)
            yield return "Backhaul:Journal:Sqlite:CacheKiB must lie between 1,024 and 8,388,608.";
    }
}

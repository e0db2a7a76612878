namespace Backhaul.Node.Journal.Memory;

/// <summary>The documents of origins in memory, beside the rows of a <see cref="MemoryJournalStore"/> and by the same clock.</summary>
internal sealed class MemoryOriginStore(MemoryJournalStore journal) : IOriginStore
{
    private readonly MemoryTables _tables = journal.Tables;

    /// <summary>While true every call fails, and nothing happens.</summary>
    public bool IsAway { get; set; }

    public ValueTask<OriginBook> ReadOriginsAsync(CancellationToken stop) => _tables.NowAsync(
        () =>
        {
            ThrowIfAway();
            return new OriginBook(
                _tables.Time.GetUtcNow(),
                [.. _tables.Origins.Take(IOriginStore.RowsMax).Select(row => new OriginRow(row.Key, row.Value.Version, row.Value.Payload))]);
        },
        stop);

    public ValueTask<bool> WriteOriginAsync(string origin, long seenVersion, string payload, CancellationToken stop) => _tables.NowAsync(
        () =>
        {
            ThrowIfAway();
            if ((_tables.Origins.TryGetValue(origin, out var row) ? row.Version : 0) != seenVersion)
                return false;
            _tables.Origins[origin] = (seenVersion + 1, payload);
            return true;
        },
        stop);

    private void ThrowIfAway()
    {
        if (IsAway)
            throw new JournalStoreException(StoreFailure.Transient, "The store is away.");
    }
}

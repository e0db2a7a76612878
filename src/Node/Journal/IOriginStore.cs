namespace Backhaul.Node.Journal;

/// <summary>
/// What the nodes of a cluster know of origins together: one document for each, and one of the network they are reached by, changed by compare and swap. These are facts of the cluster and
/// belong to no shard, so no fence guards them; the version does. What they say is the transfers' business. The times in them are the store's, which
/// comes with every reading. Throws <see cref="JournalStoreException"/>: Transient when nothing happened, Unknown when perhaps it did (the next
/// reading tells).
/// </summary>
internal interface IOriginStore
{
    /// <summary>How many documents a reading gives at most.</summary>
    const int RowsMax = 10_000;

    ValueTask<OriginBook> ReadOriginsAsync(CancellationToken stop);

    /// <summary>
    /// Writes a document if its version is still the one seen, 0 for one that was not there. Empty text stands for nothing to say: such a document is
    /// forgotten after a day, so that its version cannot come back while somebody remembers it.
    /// </summary>
    ValueTask<bool> WriteOriginAsync(string origin, long seenVersion, string payload, CancellationToken stop);
}

/// <param name="Now">The store's clock, read no later than the documents.</param>
/// <param name="Rows">All documents, those that are empty too.</param>
internal sealed record OriginBook(DateTimeOffset Now, IReadOnlyList<OriginRow> Rows);

internal sealed record OriginRow(string Origin, long Version, string Payload);

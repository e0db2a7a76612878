using Backhaul.Node.Journal;

namespace Backhaul.Node.Transfers.Conditions;

/// <summary>What operators declare of the network, in the store: read and changed by compare and swap. The other nodes learn it with their next deal.</summary>
internal sealed class NetworkBook(IOriginStore store, NodeConditions conditions, TimeProvider time)
{
    /// <summary>Only operators write it.</summary>
    private const int TriesMax = 20;

    public async ValueTask<NetworkRecord> ReadAsync(CancellationToken stop) => (await FindAsync(stop)).Record;

    /// <summary>Durable, and in force on this node, when this returns. Throws <see cref="JournalStoreException"/> when others are always first.</summary>
    /// <param name="node">Null: the whole cluster.</param>
    /// <param name="state">Null: takes the declaration back.</param>
    /// <param name="stop">Ends the asking.</param>
    public async ValueTask<NetworkRecord> DeclareAsync(string? node, NetworkState? state, CancellationToken stop)
    {
        var declared = state is null ? null : state with { Since = time.GetUtcNow() };
        for (var tries = 1; tries <= TriesMax; tries++)
        {
            var (version, record) = await FindAsync(stop);
            var next = record.With(node, declared);
            if (!await store.WriteOriginAsync(NetworkRecord.Name, version, next.Write(), stop))
                continue;
            conditions.Set(next.Of(conditions.Node));
            return next;
        }
        throw new JournalStoreException(StoreFailure.Transient, $"The network's declaration was written by others {TriesMax} times at the same moment.");
    }

    private async ValueTask<(long Version, NetworkRecord Record)> FindAsync(CancellationToken stop)
    {
        var row = (await store.ReadOriginsAsync(stop)).Rows.FirstOrDefault(row => row.Origin == NetworkRecord.Name);
        return row is null
            ? (0, NetworkRecord.Empty)
            : (row.Version, NetworkRecord.Read(row.Payload)
                ?? throw new JournalStoreException(StoreFailure.Transient, "A later build wrote the network's declaration; change it there."));
    }
}

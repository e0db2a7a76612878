using System.Text.Json;
using System.Text.Json.Serialization;
using Backhaul.Node.Journal;
using Backhaul.Node.Security;

namespace Backhaul.Node.Hosting;

/// <summary>
/// The nodes of a cluster open what each of them sealed. Which key they seal with stands in the store, by its id, which says nothing of the key: a node that does
/// not have that key does not join, and those that run seal with it from the next reading on. So secrets of clients are never kept where the owner
/// of their session cannot open them, and the same secret gives the same text on all nodes, whatever the order of their keys.
/// <code>
///   nothing is written   no key of one's own: join   a key: write it
///   a key is written     the first of one's own: join   one of the others: write the first, a rotation   not among them: refuse, unless it was lost
/// </code>
/// Called before the node joins, while its schema is there and nobody counts on it yet.
/// </summary>
internal sealed class SealingAgreement(IOriginStore store, SecretBox box, bool isLost, ILogger logger)
{
    private const int TriesMax = 20;

    /// <summary>Throws <see cref="NodeStartException"/> when this node may not join.</summary>
    public async ValueTask AgreeAsync(CancellationToken stop)
    {
        for (var tries = 1; tries <= TriesMax; tries++)
        {
            var row = (await store.ReadOriginsAsync(stop)).Rows.FirstOrDefault(static row => row.Origin == SealingRecord.Name);
            var written = SealingRecord.Read(row?.Payload);
            var wanted = Decide(written, box.KeyIds, isLost);
            if (wanted is null || wanted == written || await store.WriteOriginAsync(SealingRecord.Name, row?.Version ?? 0, new SealingRecord(wanted).Write(), stop))
            {
                if (wanted is not null && written is not null && wanted != written)
                    logger.SealingKeyChanged(written, wanted);
                box.SealWith(wanted);
                return;
            }
        }
        throw new JournalStoreException(StoreFailure.Transient, $"The id of the key that seals was written by others {TriesMax} times at the same moment.");
    }

    /// <summary>The key to seal with; null when there is none. Throws when this node's keys are not those of the cluster.</summary>
    /// <param name="written">What the cluster seals with.</param>
    /// <param name="own">Of this node, the one first that it is to seal with.</param>
    /// <param name="isLost">An operator says that the written one is gone for good.</param>
    internal static string? Decide(string? written, IReadOnlyList<string> own, bool isLost)
    {
        if (written is null || own.Contains(written, StringComparer.Ordinal) || (isLost && own.Count > 0))
            return own.Count > 0 ? own[0] : null;
        var has = own.Count == 0 ? "none" : string.Join(", ", own);
        throw new NodeStartException(
            ExitCodes.Configuration,
            $"The nodes of this cluster seal clients' secrets with the key {written}, and Backhaul:Security:SecretKeys of this node has {has} (the ids of keys, not the keys). "
            + "Give every node the same keys: what one of them seals, all of them must open. To change the key, first add the new one behind the old one on every node, then put it first. "
            + "If the old one is gone for good, Backhaul:Security:SecretKeysLost=true starts with the new one alone; sessions whose secrets were sealed with the old one must be configured anew.");
    }
}

/// <summary>Which key a cluster seals with: one document beside those of the origins. Persisted: fields are only ever added.</summary>
internal sealed record SealingRecord(string? Key)
{
    /// <summary>Its name among the origins, which none of them can have.</summary>
    public const string Name = "cluster:sealing";

    public string Write() => JsonSerializer.Serialize(this, SealingJson.Default.SealingRecord);

    /// <summary>The key's id; null when nothing is written.</summary>
    public static string? Read(string? payload) => string.IsNullOrEmpty(payload) ? null : JsonSerializer.Deserialize(payload, SealingJson.Default.SealingRecord)?.Key;
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(SealingRecord))]
internal sealed partial class SealingJson : JsonSerializerContext;

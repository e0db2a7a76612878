using System.Text.Json;
using System.Text.Json.Serialization;

namespace Backhaul.Node.Transfers.Origins;

/// <summary>One node's part in an origin's limits.</summary>
/// <param name="Node">The incarnation.</param>
/// <param name="Until">By the store's clock: afterwards it counts for nothing.</param>
/// <param name="Wanted">What it could use.</param>
/// <param name="Held">What it may use until then, at most.</param>
internal sealed record OriginHolder(Guid Node, DateTimeOffset Until, OriginAmounts Wanted, OriginAmounts Held);

/// <summary>
/// What the nodes of a cluster know of an origin together: an operator's words, the time before which it asked not to be asked, and who holds
/// which share. One document per origin in the store, changed by compare and swap. Persisted: fields are only ever added.
/// </summary>
internal sealed record OriginRecord
{
    public static readonly OriginRecord Empty = new();

    public bool Paused { get; init; }

    /// <summary>The operator's reason.</summary>
    public string? Why { get; init; }
    public OriginLimits? Limits { get; init; }

    /// <summary>By the store's clock.</summary>
    public DateTimeOffset? ClosedUntil { get; init; }
    public string? ClosedWhy { get; init; }

    /// <summary>One more each time an operator lifts what the origin asked for.</summary>
    public int Reopened { get; init; }
    public IReadOnlyList<OriginHolder> Holders { get; init; } = [];

    /// <summary>Nothing is left to say.</summary>
    public bool IsBlank(DateTimeOffset now) =>
        !Paused && Limits is null && !(ClosedUntil > now) && !Holders.Any(holder => holder.Until > now);

    public string Write() => JsonSerializer.Serialize(this, OriginJson.Default.OriginRecord);

    /// <summary>Null: a later build wrote what this one cannot read.</summary>
    public static OriginRecord? Read(string payload)
    {
        if (payload.Length == 0)
            return Empty;
        try
        {
            return JsonSerializer.Deserialize(payload, OriginJson.Default.OriginRecord);
        }
        catch (JsonException)
        {
            return null;
        }
    }
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingDefault)]
[JsonSerializable(typeof(OriginRecord))]
internal sealed partial class OriginJson : JsonSerializerContext;

using System.Text.Json.Serialization;
using Backhaul.Node.Transfers;
using Backhaul.Protocol;

namespace Backhaul.Node.Files;

/// <summary>
/// The part that a cancelled download left for later starts: where it lies and which of its bytes are durable. It is what resume data says, signed.
/// Persisted, and in documents that clients hold: append only.
/// </summary>
internal sealed record KeptPart
{
    [JsonConverter(typeof(TenantIdConverter))]
    public required TenantId Tenant { get; init; }

    [JsonConverter(typeof(ContainerNameConverter))]
    public required ContainerName Container { get; init; }

    /// <summary>Names the folder of the kept part among those of its tenant.</summary>
    public required string Id { get; init; }

    /// <summary>File name of the part when it was kept.</summary>
    public required string Part { get; init; }
    public required string Url { get; init; }
    public required long Bytes { get; init; }

    /// <summary>Durable ranges beyond the prefix; null when there are none.</summary>
    public RangeSet? Ranges { get; init; }
    public long? Total { get; init; }
    public required string Validator { get; init; }
    public required DateTimeOffset At { get; init; }

    /// <summary>When it may be removed; said once it is kept.</summary>
    public DateTimeOffset Until { get; init; }

    public static string IdOf(TaskFiles files) => HiddenNames.Stem(files.Session, files.Generation, files.Task);

    [JsonIgnore]
    public RangeSet Durable => Bytes > 0 ? (Ranges ?? RangeSet.Empty).Add(new ByteRange(0, Bytes)) : Ranges ?? RangeSet.Empty;

    [JsonIgnore]
    public long DurableEnd => Math.Max(Bytes, Ranges?.End ?? 0);

    /// <summary>
    /// Bytes go on under another URL only where its origin can prove that they are its own: of a known length, by an entity tag. A date is no proof. Of a part
    /// that has all its bytes an origin says no more than that there are none behind them (416), so that takes the task's digest.
    /// </summary>
    public bool Fits(string url, bool hasDigest) =>
        url == Url || (Total is { } total && (Bytes < total || hasDigest) && Validator.StartsWith('"'));
}

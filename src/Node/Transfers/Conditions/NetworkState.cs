using System.Text.Json.Serialization;

namespace Backhaul.Node.Transfers.Conditions;

/// <summary>What an operator declared of the network of a cluster or of one node. Persisted: fields are only ever added.</summary>
internal sealed record NetworkState
{
    public static readonly NetworkState Good = new();

    public NetworkCost Cost { get; init; } = NetworkCost.Unrestricted;

    /// <summary>Bytes should be spared (Low Data Mode).</summary>
    public bool Constrained { get; init; }
    public bool Cellular { get; init; }

    /// <summary>There is none.</summary>
    public bool Offline { get; init; }

    /// <summary>The operator's reason.</summary>
    public string? Why { get; init; }
    public DateTimeOffset? Since { get; init; }

    /// <summary>The word for its cost, as operators write it.</summary>
    [JsonIgnore]
    public string CostWord => WordOf(Cost);

    public static IReadOnlyList<string> CostWords { get; } = [.. Enum.GetValues<NetworkCost>().Select(WordOf)];

    public static NetworkCost? CostOf(string word)
    {
        foreach (var cost in Enum.GetValues<NetworkCost>())
        {
            if (WordOf(cost) == word)
                return cost;
        }
        return null;
    }

    /// <summary>Both hold back the same.</summary>
    public bool IsLike(NetworkState other) =>
        (Cost, Constrained, Cellular, Offline) == (other.Cost, other.Constrained, other.Cellular, other.Offline);

    private static string WordOf(NetworkCost cost) => cost switch
    {
        NetworkCost.Unrestricted => "unrestricted",
        NetworkCost.Metered => "metered",
        NetworkCost.ApproachingLimit => "approachingLimit",
        NetworkCost.OverLimit => "overLimit",
        NetworkCost.Roaming => "roaming",
        _ => throw new ArgumentOutOfRangeException(nameof(cost), cost, "not a cost"),
    };
}

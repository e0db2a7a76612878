using System.Text.Json;
using System.Text.Json.Serialization;

namespace Backhaul.Node.Transfers.Conditions;

/// <summary>
/// The network of a cluster as operators declared it: of all nodes, and of those that have a declaration of their own, by their names. One document
/// beside those of the origins, so that nodes learn it with the same reading. Persisted: fields are only ever added.
/// </summary>
internal sealed record NetworkRecord
{
    /// <summary>Its name among the origins, which none of them can have; and it sorts before them, so that a long list does not cut it off.</summary>
    public const string Name = "cluster:network";

    public static readonly NetworkRecord Empty = new();

    public NetworkState? Cluster { get; init; }

    public IReadOnlyDictionary<string, NetworkState>? Nodes { get; init; }

    [JsonIgnore]
    public bool IsBlank => Cluster is null && Nodes is not { Count: > 0 };

    /// <summary>A node's own declaration stands in place of the cluster's.</summary>
    public NetworkState Of(string node) => Nodes is { } nodes && nodes.TryGetValue(node, out var own) ? own : Cluster ?? NetworkState.Good;

    /// <param name="node">Null: the cluster's.</param>
    /// <param name="state">Null: none any more.</param>
    public NetworkRecord With(string? node, NetworkState? state)
    {
        if (node is null)
            return this with { Cluster = state };
        var nodes = new SortedDictionary<string, NetworkState>(StringComparer.Ordinal);
        foreach (var (name, own) in Nodes?.Where(known => known.Key != node) ?? [])
            nodes[name] = own;
        if (state is not null)
            nodes[node] = state;
        return this with { Nodes = nodes.Count == 0 ? null : nodes };
    }

    public string Write() => IsBlank ? "" : JsonSerializer.Serialize(this, NetworkJson.Default.NetworkRecord);

    /// <summary>Null: a later build wrote what this one cannot read.</summary>
    public static NetworkRecord? Read(string payload)
    {
        if (payload.Length == 0)
            return Empty;
        try
        {
            return JsonSerializer.Deserialize(payload, NetworkJson.Default.NetworkRecord);
        }
        catch (JsonException)
        {
            return null;
        }
    }
}

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, UseStringEnumConverter = true, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull)]
[JsonSerializable(typeof(NetworkRecord))]
internal sealed partial class NetworkJson : JsonSerializerContext;

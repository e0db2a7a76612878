using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace Backhaul.Deploy.Tests.Models;

/// <summary>
/// Checks objects strictly against Kubernetes' own models (kubernetes.json, made by extract.mjs): unknown fields, missing required ones
/// and wrong types are faults. An API server ignores unknown fields by default, so a misspelt limit would be no limit.
/// </summary>
internal static partial class KubernetesModels
{
    private static readonly JsonObject Types = Read();

    private static readonly Dictionary<string, string> Kinds = new(StringComparer.Ordinal)
    {
        ["v1 ConfigMap"] = "V1ConfigMap",
        ["v1 Namespace"] = "V1Namespace",
        ["v1 PersistentVolumeClaim"] = "V1PersistentVolumeClaim",
        ["v1 Secret"] = "V1Secret",
        ["v1 Service"] = "V1Service",
        ["v1 ServiceAccount"] = "V1ServiceAccount",
        ["apps/v1 Deployment"] = "V1Deployment",
        ["autoscaling/v2 HorizontalPodAutoscaler"] = "V2HorizontalPodAutoscaler",
        ["networking.k8s.io/v1 Ingress"] = "V1Ingress",
        ["networking.k8s.io/v1 NetworkPolicy"] = "V1NetworkPolicy",
        ["policy/v1 PodDisruptionBudget"] = "V1PodDisruptionBudget",
    };

    public static IEnumerable<string> Faults(JsonObject resource)
    {
        var kind = $"{resource["apiVersion"]} {resource["kind"]}";
        return Kinds.TryGetValue(kind, out var type) ? OfObject(resource, type, $"{resource["kind"]} {resource["metadata"]?["name"]}") : [$"{kind} is no kind that is known."];
    }

    private static IEnumerable<string> OfObject(JsonNode node, string type, string path)
    {
        if (node is not JsonObject map)
            return [$"{path} is no object."];
        var fields = Types[type]!.AsObject();
        var missing = fields.Where(field => ((string)field.Value!).EndsWith(" required", StringComparison.Ordinal) && map[field.Key] is null)
            .Select(field => $"{path}.{field.Key} is required.");
        var wrong = map.SelectMany(pair => fields[pair.Key] is { } field
            ? Of(pair.Value, ((string)field!).Replace(" required", "", StringComparison.Ordinal), $"{path}.{pair.Key}")
            : [$"{path}.{pair.Key} is not a field of {type}."]);
        return [.. missing, .. wrong];
    }

    private static IEnumerable<string> Of(JsonNode? node, string type, string path)
    {
        if (node is null)
            return [$"{path} is empty."];
        if (ListOf().Match(type) is { Success: true } list)
            return node is JsonArray items ? items.SelectMany((item, i) => Of(item, list.Groups[1].Value, $"{path}[{i}]")) : [$"{path} is no list."];
        if (MapOf().Match(type) is { Success: true } map)
        {
            return node is JsonObject pairs
                ? pairs.SelectMany(pair => Of(pair.Value, map.Groups[1].Value, $"{path}.{pair.Key}"))
                : [$"{path} is no map."];
        }
        return type switch
        {
            "any" => [],
            "string" or "Date" => Is(node, System.Text.Json.JsonValueKind.String),
            "number" => Is(node, System.Text.Json.JsonValueKind.Number),
            "boolean" => Is(node, System.Text.Json.JsonValueKind.True, System.Text.Json.JsonValueKind.False),
            "IntOrString" => Is(node, System.Text.Json.JsonValueKind.String, System.Text.Json.JsonValueKind.Number),
            _ => OfObject(node, type, path),
        };

        IEnumerable<string> Is(JsonNode value, params System.Text.Json.JsonValueKind[] kinds) =>
            kinds.Contains(value.GetValueKind()) ? [] : [$"{path} is {value.GetValueKind()}; it must be {type}."];
    }

    private static JsonObject Read()
    {
        using var stream = typeof(KubernetesModels).Assembly.GetManifestResourceStream("kubernetes.json")!;
        return JsonNode.Parse(stream)!["types"]!.AsObject();
    }

    [GeneratedRegex("^Array<(.+)>$")]
    private static partial Regex ListOf();

    [GeneratedRegex(@"^\{ \[key: string\]: (.+); \}$")]
    private static partial Regex MapOf();
}

using System.Security.Cryptography;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Backhaul.Deploy.Tests.Rendering;

/// <summary>
/// Renders a kustomization: the subset that deploy/k8s uses, so that its tests need no other tool than the SDK. Resources, generated
/// configuration with its checksum in the name (and merged by an overlay), strategic merge patches, images, a namespace, and the
/// references to a generated name. Whatever else a kustomization says is an error here. That kustomize itself renders the same is a
/// test of its own, on machines that have kubectl.
/// </summary>
internal static class Overlay
{
    private static readonly string[] Known =
        ["apiVersion", "kind", "namespace", "resources", "configMapGenerator", "configurations", "images", "patches"];

    /// <summary>What a list's elements are told apart by when they are merged; the first that they have.</summary>
    private static readonly string[] MergeKeys = ["name", "mountPath", "containerPort"];

    public static IReadOnlyList<JsonObject> Render(string folder)
    {
        var resources = Accumulate(folder);
        foreach (var map in resources.Where(resource => Kind(resource) == "ConfigMap").ToList())
            AddChecksum(map, resources);
        return resources;
    }

    private static List<JsonObject> Accumulate(string folder)
    {
        var file = Yaml.ReadOne(File.ReadAllText(Path.Combine(folder, "kustomization.yaml")));
        if (file.Select(pair => pair.Key).Except(Known).FirstOrDefault() is { } unknown)
            throw new InvalidDataException($"{folder}: '{unknown}' is beyond this renderer.");
        List<JsonObject> resources = [];
        foreach (var path in Texts(file["resources"]).Select(name => Path.GetFullPath(Path.Combine(folder, name))))
            resources.AddRange(Directory.Exists(path) ? Accumulate(path) : Yaml.ReadAll(File.ReadAllText(path)));
        foreach (var generator in Objects(file["configMapGenerator"]))
            Generate(generator, folder, resources);
        foreach (var patch in Objects(file["patches"]))
        {
            foreach (var change in Yaml.ReadAll(File.ReadAllText(Path.Combine(folder, (string)patch["path"]!))))
                Merge(resources.Single(resource => Kind(resource) == Kind(change) && Name(resource) == Name(change)), change);
        }
        foreach (var image in Objects(file["images"]))
            resources.ForEach(resource => SetImage(resource, image));
        if ((string?)file["namespace"] is { } space)
        {
            foreach (var resource in resources.Where(resource => Kind(resource) != "Namespace"))
                resource["metadata"]!["namespace"] = space;
        }
        return resources;
    }

    private static void Generate(JsonObject generator, string folder, List<JsonObject> resources)
    {
        var name = (string)generator["name"]!;
        var data = new SortedDictionary<string, JsonNode?>(StringComparer.Ordinal);
        var before = resources.FirstOrDefault(resource => Kind(resource) == "ConfigMap" && Name(resource) == name);
        if ((string?)generator["behavior"] == "merge" != before is not null)
            throw new InvalidDataException($"The ConfigMap {name} is generated twice, or merged into none.");
        foreach (var (key, value) in before?["data"]!.AsObject() ?? [])
            data[key] = value!.DeepClone();
        var lines = Texts(generator["envs"]).SelectMany(env => File.ReadLines(Path.Combine(folder, env))).Concat(Texts(generator["literals"]));
        foreach (var line in lines.Where(line => line.Length > 0 && line[0] != '#'))
            data[line[..line.IndexOf('=', StringComparison.Ordinal)]] = line[(line.IndexOf('=', StringComparison.Ordinal) + 1)..];
        if (before is not null)
            resources.Remove(before);
        resources.Add(new JsonObject
        {
            ["apiVersion"] = "v1",
            ["kind"] = "ConfigMap",
            ["metadata"] = new JsonObject { ["name"] = name },
            ["data"] = new JsonObject(data),
        });
    }

    /// <summary>As kustomize does it: ten characters of the SHA-256 of the content (without the name), without vowels and look-alikes.</summary>
    private static void AddChecksum(JsonObject map, List<JsonObject> resources)
    {
        var name = Name(map);
        var content = new JsonObject { ["data"] = map["data"]!.DeepClone(), ["kind"] = "ConfigMap", ["name"] = "" };
        var json = content.ToJsonString(new JsonSerializerOptions { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });
        var hash = Convert.ToHexStringLower(SHA256.HashData(System.Text.Encoding.UTF8.GetBytes(json)))[..10]
            .Replace('0', 'g').Replace('1', 'h').Replace('3', 'k').Replace('a', 'm').Replace('e', 't');
        map["metadata"]!["name"] = $"{name}-{hash}";
        foreach (var deployment in resources.Where(resource => Kind(resource) == "Deployment"))
        {
            Refer(deployment, name, $"{name}-{hash}");
            if (deployment["spec"]!["template"]!["metadata"]!["annotations"]?["checksum/config"] is { } annotation && (string?)annotation == name)
                deployment["spec"]!["template"]!["metadata"]!["annotations"]!["checksum/config"] = $"{name}-{hash}";
        }
    }

    private static void Refer(JsonNode? node, string from, string to)
    {
        if (node is JsonArray list)
        {
            foreach (var item in list)
                Refer(item, from, to);
        }
        else if (node is JsonObject map)
        {
            foreach (var (key, value) in map.ToList())
            {
                if (key is "configMapRef" or "configMapKeyRef" or "configMap" && (string?)value!["name"] == from)
                    value!["name"] = to;
                Refer(value, from, to);
            }
        }
    }

    private static void Merge(JsonObject into, JsonObject change)
    {
        foreach (var (key, value) in change)
        {
            if (key == "$patch")
                throw new InvalidDataException("Directives in patches are beyond this renderer.");
            if (value is null)
                into.Remove(key);
            else if (value is JsonObject map && into[key] is JsonObject there)
                Merge(there, map);
            else if (value is JsonArray list && into[key] is JsonArray present && MergeKey(present) is { } by && MergeKey(list) == by)
                MergeList(present, list, by);
            else
                into[key] = value.DeepClone();
        }
    }

    private static void MergeList(JsonArray into, JsonArray change, string by)
    {
        // As kustomize orders it: what the patch names, then the rest.
        var rest = into.OfType<JsonObject>().ToList();
        into.Clear();
        foreach (var item in change.OfType<JsonObject>())
        {
            var same = rest.Find(there => JsonNode.DeepEquals(there[by], item[by]));
            if (same is null)
            {
                into.Add(item.DeepClone());
                continue;
            }
            rest.Remove(same);
            Merge(same, item);
            into.Add((JsonNode)same);
        }
        rest.ForEach(item => into.Add((JsonNode)item));
    }

    private static string? MergeKey(JsonArray list) =>
        list.Count > 0 && list.All(item => item is JsonObject)
            ? list.All(item => item!["mountPath"] is not null) ? "mountPath" : MergeKeys.FirstOrDefault(key => list.All(item => item![key] is not null))
            : null;

    private static void SetImage(JsonObject resource, JsonObject image)
    {
        foreach (var container in Objects(resource["spec"]?["template"]?["spec"]?["containers"]).Where(container => (string?)container["image"] == (string?)image["name"]))
            container["image"] = $"{(string?)image["newName"]}:{(string?)image["newTag"]}";
    }

    private static IEnumerable<JsonObject> Objects(JsonNode? list) => list is null ? [] : list.AsArray().Select(item => item!.AsObject());

    private static IEnumerable<string> Texts(JsonNode? list) => list is null ? [] : list.AsArray().Select(item => (string)item!);

    private static string Kind(JsonObject resource) => (string)resource["kind"]!;

    private static string Name(JsonObject resource) => (string)resource["metadata"]!["name"]!;
}

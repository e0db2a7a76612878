using System.Text.Json.Nodes;
using Backhaul.Deploy.Tests.Rendering;

namespace Backhaul.Deploy.Tests;

/// <summary>The overlays of the tree that this test was built from, rendered once.</summary>
internal static class Rendered
{
    public static string Root { get; } = FindRoot();

    public static IReadOnlyList<JsonObject> Dev { get; } = Overlay.Render(Folder("dev"));

    public static IReadOnlyList<JsonObject> Production { get; } = Overlay.Render(Folder("production"));

    public static IReadOnlyList<JsonObject> Of(string overlay) => overlay == "dev" ? Dev : Production;

    public static string Folder(string overlay) => Path.Combine(Root, "deploy/k8s/overlays", overlay);

    public static string Read(string path) => File.ReadAllText(Path.Combine(Root, path));

    public static JsonObject Find(this IReadOnlyList<JsonObject> resources, string kind, string name) =>
        resources.Single(resource => (string?)resource["kind"] == kind && (string?)resource["metadata"]!["name"] == name);

    public static IEnumerable<JsonObject> OfKind(this IReadOnlyList<JsonObject> resources, string kind) =>
        resources.Where(resource => (string?)resource["kind"] == kind);

    public static JsonNode Node(this IReadOnlyList<JsonObject> resources) => resources.Find("Deployment", "node");

    public static JsonNode Pod(this JsonNode deployment) => deployment["spec"]!["template"]!["spec"]!;

    public static JsonNode Container(this JsonNode deployment) => deployment.Pod()["containers"]!.AsArray().Single()!;

    /// <summary>The Secrets that a node reads options from, in the order in which they lie in its directory.</summary>
    public static IEnumerable<string> KeySecrets(this JsonNode deployment) => deployment.Pod()["volumes"].Items()
        .Single(volume => volume.Text("name") == "keys").At("projected", "sources").Items().Select(source => source.Text("secret", "name")!);

    /// <summary>A path of keys; null when one of them is missing.</summary>
    public static JsonNode? At(this JsonNode? node, params string[] path) => path.Aggregate(node, static (at, key) => at?[key]);

    public static int Number(this JsonNode? node, params string[] path) => (int)(long)node.At(path)!;

    public static string? Text(this JsonNode? node, params string[] path) => (string?)node.At(path);

    public static IEnumerable<JsonNode> Items(this JsonNode? list) => list is null ? [] : list.AsArray().Select(item => item!);

    private static string FindRoot()
    {
        for (var folder = new DirectoryInfo(AppContext.BaseDirectory); folder is not null; folder = folder.Parent)
        {
            if (File.Exists(Path.Combine(folder.FullName, "Cluster.sln")))
                return folder.FullName;
        }
        throw new InvalidOperationException($"No Cluster.sln above {AppContext.BaseDirectory}.");
    }
}

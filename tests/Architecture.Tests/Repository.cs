namespace Backhaul.Architecture.Tests;

/// <summary>The source tree that this test was built from.</summary>
internal static class Repository
{
    private static readonly string[] NotOurs = ["bin", "obj", ".git", "data", "node_modules", "TestResults"];

    public static string Root { get; } = FindRoot();

    public static string Read(string path) => File.ReadAllText(Path.Combine(Root, path));

    /// <summary>Files below a folder by their ending, as paths relative to the root with /.</summary>
    public static IEnumerable<string> Files(string folder, string ending) =>
        Directory.EnumerateFiles(Path.Combine(Root, folder), "*" + ending, new EnumerationOptions { RecurseSubdirectories = true })
            .Select(Relative).Where(IsOurs).Order(StringComparer.Ordinal);

    /// <summary>Direct folders below a folder that hold something of ours.</summary>
    public static IEnumerable<string> Folders(string folder) =>
        Directory.EnumerateDirectories(Path.Combine(Root, folder)).Select(Relative)
            .Where(path => IsOurs(path) && Files(path, "").Any()).Order(StringComparer.Ordinal);

    private static bool IsOurs(string path) => !path.Split('/').Intersect(NotOurs, StringComparer.Ordinal).Any();

    private static string Relative(string path) => Path.GetRelativePath(Root, path).Replace('\\', '/');

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

namespace Backhaul.Bench;

/// <summary>Where the sources and what was built of them lie.</summary>
internal static class Repository
{
    public static string Root { get; } = Find();

    private static string Find()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "Cluster.sln")))
            folder = folder.Parent;
        return folder?.FullName ?? throw new InvalidOperationException("No Cluster.sln above the benchmark.");
    }
}

namespace Backhaul.NodeProcesses;

/// <summary>What was built together with these tests.</summary>
internal static class Build
{
    private static readonly Lazy<string> NodeFolder = new(FindNode);

    public static string Root { get; } = FindRoot();

    public static string Configuration { get; } =
        AppContext.BaseDirectory.Contains("/Release/", StringComparison.Ordinal) ? "Release" : "Debug";

    public static string Node => Path.Combine(NodeFolder.Value, "Backhaul.Node.dll");

    public static string Pbm { get; } = Path.Combine(Root, "src/Pbm/bin", Configuration, "net10.0/pbm.dll");

    /// <summary>The node's output folder, copied to where an ordinary user can read it when it lies under a closed folder such as /root.</summary>
    private static string FindNode()
    {
        var built = Path.Combine(Root, "src/Node/bin", Configuration, "net10.0");
        if (!Machine.IsRoot || IsOpenToOthers(built))
            return built;
        var copy = Directory.CreateTempSubdirectory("backhaul-node-").FullName;
        AppDomain.CurrentDomain.ProcessExit += (_, _) => Directory.Delete(copy, recursive: true);
        foreach (var file in Directory.EnumerateFiles(built, "*", SearchOption.AllDirectories))
        {
            var target = Path.Combine(copy, Path.GetRelativePath(built, file));
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            File.Copy(file, target);
        }
        foreach (var folder in Directory.EnumerateDirectories(copy, "*", SearchOption.AllDirectories).Append(copy))
            File.SetUnixFileMode(folder, (UnixFileMode)0b111_101_101);
        return copy;
    }

    private static bool IsOpenToOthers(string folder)
    {
        for (var at = new DirectoryInfo(folder); at is not null; at = at.Parent)
        {
            if (!at.UnixFileMode.HasFlag(UnixFileMode.OtherExecute))
                return false;
        }
        return true;
    }

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

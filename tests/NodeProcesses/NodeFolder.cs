namespace Backhaul.NodeProcesses;

/// <summary>A data directory for one test, owned by the user that nodes run as; removed at the end.</summary>
internal sealed class NodeFolder : IDisposable
{
    public NodeFolder()
    {
        Root = Directory.CreateTempSubdirectory("backhaul-e2e-").FullName;
        File.SetUnixFileMode(Root, (UnixFileMode)0b111_101_101);
        Data = Path.Combine(Root, "data");
        Directory.CreateDirectory(Data);
        Machine.GiveToNode(Data);
    }

    public string Root { get; }

    public string Data { get; }

    /// <summary>Where the default tenant's files of the default container lie.</summary>
    public string FileOf(string path) => Directory.EnumerateFiles(Data, Path.GetFileName(path), SearchOption.AllDirectories)
        .Single(found => found.EndsWith("/default/" + path, StringComparison.Ordinal));

    public void Dispose() => Directory.Delete(Root, recursive: true);
}

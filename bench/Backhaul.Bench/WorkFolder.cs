namespace Backhaul.Bench;

/// <summary>A folder on the disk under test; removed at the end.</summary>
internal sealed class WorkFolder : IDisposable
{
    private int _made;

    public WorkFolder(string parent)
    {
        Root = Path.Combine(parent, $"backhaul-bench-{Environment.ProcessId}");
        Directory.CreateDirectory(Root);
    }

    public string Root { get; }

    /// <summary>A new, empty folder of this name.</summary>
    public string Fresh(string name)
    {
        var path = Path.Combine(Root, name);
        if (Directory.Exists(path))
            Directory.Delete(path, recursive: true);
        Directory.CreateDirectory(path);
        return path;
    }

    /// <summary>A folder that was never there before.</summary>
    public string New(string name) => Directory.CreateDirectory(Path.Combine(Root, $"{name}-{Interlocked.Increment(ref _made)}")).FullName;

    public void Dispose() => Directory.Delete(Root, recursive: true);
}

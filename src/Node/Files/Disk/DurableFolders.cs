namespace Backhaul.Node.Files.Disk;

/// <summary>
/// Folders whose entries, up to the root, were flushed by this process after they were made. A folder found on disk is not one of
/// them until then: whoever made it may have died before its flush. A folder made again is a new one: what was under way for the old
/// one does not count.
/// </summary>
internal sealed class DurableFolders
{
    private const int FoldersMax = 65_536;
    private const int StripesMax = 256;

    private readonly Lock _gate = new();
    private readonly HashSet<string> _folders = new(StringComparer.Ordinal);
    private readonly long[] _made = new long[StripesMax];

    public bool Contains(string path)
    {
        lock (_gate)
            return _folders.Contains(path);
    }

    /// <summary>Before a flush of the folder's parent.</summary>
    public Claim Begin(string path)
    {
        lock (_gate)
            return new Claim(path, _made[StripeOf(path)]);
    }

    /// <summary>After the flushes of all parents up to the root, or up to a folder that was here.</summary>
    public void Add(IReadOnlyList<Claim> claims)
    {
        lock (_gate)
        {
            // One of them made anew: those below it are in the new one, or gone.
            if (claims.Any(claim => _made[StripeOf(claim.Path)] != claim.Made))
                return;
            // A lost entry costs a flush, never a file.
            if (_folders.Count + claims.Count > FoldersMax)
                _folders.Clear();
            foreach (var claim in claims)
                _folders.Add(claim.Path);
        }
    }

    /// <summary>Before the folder is made.</summary>
    public void Forget(string path)
    {
        lock (_gate)
        {
            _folders.Remove(path);
            _made[StripeOf(path)]++;
        }
    }

    /// <summary>Two paths may share a stripe: then a claim is given up without need, and made again.</summary>
    private static int StripeOf(string path) => (int)((uint)string.GetHashCode(path, StringComparison.Ordinal) % StripesMax);

    /// <summary>A folder as it was when its flush began.</summary>
    internal readonly record struct Claim(string Path, long Made);
}

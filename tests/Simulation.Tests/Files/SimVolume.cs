using Backhaul.Node.Files;
using Backhaul.Node.Transfers;
using Backhaul.Protocol;
using Backhaul.Simulation.Tests.Runs;

namespace Backhaul.Simulation.Tests.Files;

/// <summary>
/// The shared volume: folders of parts and published files. An inode is a row of blocks; a block holds the version of the origin's content that
/// it was written from, so a file is right when all its blocks are of one version. A handle stays good after a rename or an unlink,
/// which is how a late write of a node that lost its shard gets through.
/// </summary>
internal sealed class SimVolume(SimTrace trace)
{
    private readonly Dictionary<string, SortedDictionary<string, SimInode>> _folders = new(StringComparer.Ordinal);
    private readonly Dictionary<string, SimInode> _published = new(StringComparer.Ordinal);
    private readonly Dictionary<string, (ulong Inode, int Version)> _promised = new(StringComparer.Ordinal);
    private ulong _inodes;
    private int _births;

    /// <summary>A fresh part on a new inode; older ones are unlinked, a newer owner's is met with a refusal.</summary>
    public (string Name, SimInode File) Create(TaskFiles files, long epoch, int attempt, int blocks)
    {
        var folder = Folder(files);
        foreach (var name in folder.Keys.ToList())
        {
            RefuseNewer(name, epoch);
            folder.Remove(name);
        }
        var part = new SimPart(epoch, ++_births, epoch, attempt).ToString();
        var file = new SimInode(++_inodes, blocks);
        folder.Add(part, file);
        return (part, file);
    }

    /// <summary>The part of a checkpoint, renamed to the new owner's epoch; null when it is gone or shorter than it should be.</summary>
    public (string Name, SimInode File)? Adopt(TaskFiles files, long epoch, int attempt, PartCheckpoint checkpoint)
    {
        if (!_folders.TryGetValue(Stem(files), out var folder))
            return null;
        var known = SimPart.Parse(checkpoint.Part);
        SimPart? found = null;
        foreach (var name in folder.Keys)
        {
            RefuseNewer(name, epoch);
            if (SimPart.Parse(name) is var present && present.IsSameBirth(known))
                found = present;
        }
        if (found is not { } old)
            return null;
        var own = old with { Epoch = epoch, Attempt = attempt };
        var file = folder[old.ToString()];
        folder.Remove(old.ToString());
        folder[own.ToString()] = file;
        return file.IsDurable(checkpoint.Durable) ? (own.ToString(), file) : null;
    }

    /// <summary>Renames a part into place; refused when somebody renamed or removed it before.</summary>
    public FileView Publish(TaskFiles files, string part, SimInode file, string by)
    {
        if (!_folders.TryGetValue(Stem(files), out var folder) || !folder.Remove(part, out var present) || present != file)
            throw new StorageException(StorageFailure.Failed, $"The part {part} is not there any more.");
        RemoveUpTo(SimPart.Parse(part).Epoch, Stem(files));
        _published[Place(files)] = file;
        trace.Line(by, $"published {Place(files)} inode {file.Id}");
        CheckUnchanged(Place(files));
        return View(files, file);
    }

    public FileView? FindPublished(TaskFiles files, PartCheckpoint checkpoint) =>
        _published.TryGetValue(Place(files), out var file) && file.Id == checkpoint.Identity?.Inode ? View(files, file) : null;

    /// <summary>Parts of owners after this epoch stay.</summary>
    public void Discard(TaskFiles files, long epoch, bool resultToo)
    {
        RemoveUpTo(epoch, Stem(files));
        if (!resultToo)
            return;
        _published.Remove(Stem(files));
        _promised.Remove(Stem(files));
    }

    /// <summary>F1: in the moment in which a download's end becomes durable, its file is in place, whole, flushed, and of one version.</summary>
    public void CheckPublished(SessionKey session, int generation, TaskId task, FileView view)
    {
        if (!_published.TryGetValue(view.Path, out var file))
            throw new InvariantBrokenException("F1", $"{session} {task} has finished, and {view.Path} is not there.");
        if (!file.IsWhole(out var why))
            throw new InvariantBrokenException("F1", $"{session} {task} has finished, and its file (inode {file.Id}) is not right: {why}");
        _promised[view.Path] = (file.Id, file.VersionAt(0));
    }

    /// <summary>F2: a file that was promised to a client does not change.</summary>
    public void CheckUnchanged(string place)
    {
        if (!_promised.TryGetValue(place, out var promised) || !_published.TryGetValue(place, out var file))
            return;
        if (file.Id != promised.Inode || !file.IsOf(promised.Version))
            throw new InvariantBrokenException("F2", $"{place} was given to a client as inode {promised.Inode} of version {promised.Version}, and is inode {file.Id} of version {file.VersionAt(0)} now.");
    }

    public void CheckAllUnchanged()
    {
        foreach (var place in _promised.Keys)
            CheckUnchanged(place);
    }

    /// <summary>
    /// The store was put back: what was promised since then never was, and the operator removes the parts. Their names carry epochs that the
    /// store may give out again, or has yet to reach: until it does, owners would be refused by parts of a future that is lost.
    /// </summary>
    public void OnStoreRestored()
    {
        _promised.Clear();
        _folders.Clear();
    }

    private static FileView View(TaskFiles files, SimInode file) => new() { Container = files.Container.ToString(), Path = Place(files), Length = file.Blocks };

    private static void RefuseNewer(string name, long epoch)
    {
        if (SimPart.Parse(name).Epoch > epoch)
            throw new StorageException(StorageFailure.Denied, $"A newer owner has taken over the part {name}; this one has epoch {epoch}.");
    }

    private void RemoveUpTo(long epoch, string stem)
    {
        if (!_folders.TryGetValue(stem, out var folder))
            return;
        foreach (var older in folder.Keys.Where(name => SimPart.Parse(name).Epoch <= epoch).ToList())
            folder.Remove(older);
        if (folder.Count == 0)
            _folders.Remove(stem);
    }

    private SortedDictionary<string, SimInode> Folder(TaskFiles files)
    {
        if (!_folders.TryGetValue(Stem(files), out var folder))
            _folders.Add(Stem(files), folder = new(StringComparer.Ordinal));
        return folder;
    }

    private static string Stem(TaskFiles files) => $"{files.Session}/{files.Generation}/{files.Task}";

    private static string Place(TaskFiles files) => files.Destination?.ToString() ?? Stem(files);

    private readonly record struct SimPart(long BirthEpoch, int Birth, long Epoch, int Attempt)
    {
        public bool IsSameBirth(SimPart other) => (BirthEpoch, Birth) == (other.BirthEpoch, other.Birth);

        public static SimPart Parse(string name)
        {
            var parts = name.Split('.');
            return new SimPart(long.Parse(parts[0]), int.Parse(parts[1]), long.Parse(parts[2]), int.Parse(parts[3]));
        }

        public override string ToString() => $"{BirthEpoch}.{Birth}.{Epoch}.{Attempt}";
    }
}

/// <summary>A file's content.</summary>
internal sealed class SimInode(ulong id, int blocks)
{
    private const int Hole = -1;

    private readonly int[] _versions = [.. Enumerable.Repeat(Hole, blocks)];
    private readonly bool[] _flushed = new bool[blocks];

    public ulong Id => id;

    public int Blocks => blocks;

    public bool IsDurable(RangeSet ranges) => ranges.End <= blocks && ranges.All(range => _flushed.AsSpan((int)range.From, (int)range.Length).IndexOf(false) < 0);

    public int VersionAt(int block) => _versions.Length == 0 ? 0 : _versions[block];

    public void Write(int block, int version) => (_versions[block], _flushed[block]) = (version, false);

    public void Flush()
    {
        for (var block = 0; block < blocks; block++)
            _flushed[block] |= _versions[block] != Hole;
    }

    /// <summary>Every block is of this version; a late write of the same bytes changes nothing.</summary>
    public bool IsOf(int version) => Array.TrueForAll(_versions, present => present == version);

    public bool IsWhole(out string why)
    {
        why = Array.TrueForAll(_versions, version => version == _versions[0] && version != Hole)
            ? Array.TrueForAll(_flushed, static flushed => flushed) ? "" : "not all of it was flushed"
            : $"its blocks are of the versions {string.Join(' ', _versions)}";
        return why.Length == 0;
    }
}

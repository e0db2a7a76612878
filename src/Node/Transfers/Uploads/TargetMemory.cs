using System.Collections.Frozen;

namespace Backhaul.Node.Transfers.Uploads;

/// <summary>What a target said of itself when it was asked by OPTIONS.</summary>
internal sealed record TargetAbilities
{
    public bool SpeaksTus { get; init; }
    public bool SpeaksResumable { get; init; }

    /// <summary>tus: its extensions and digests, as it named them.</summary>
    public IReadOnlySet<string> Extensions { get; init; } = FrozenSet<string>.Empty;
    public IReadOnlySet<string> Checksums { get; init; } = FrozenSet<string>.Empty;

    /// <summary>The largest source that it takes.</summary>
    public long? BytesMax { get; init; }

    /// <summary>Draft: the interop version that it named.</summary>
    public int? DraftVersion { get; init; }
}

/// <summary>
/// What targets said of themselves, so that not every upload asks. One answer holds for the folder of its URL: a server may take uploads by one
/// protocol under one path and by another under the next. Bounded, and forgotten after an hour, so that a target may change.
/// </summary>
internal sealed class TargetMemory(TimeProvider time, int entriesMax = 1024)
{
    private static readonly TimeSpan Age = TimeSpan.FromHours(1);

    private readonly Lock _lock = new();
    private readonly Dictionary<string, (TargetAbilities Abilities, long Since)> _known = new(StringComparer.Ordinal);
    private readonly Queue<string> _order = new();

    public TargetAbilities? Find(Uri url)
    {
        lock (_lock)
            return _known.TryGetValue(FolderOf(url), out var known) && time.GetElapsedTime(known.Since) < Age ? known.Abilities : null;
    }

    public void Remember(Uri url, TargetAbilities abilities)
    {
        var folder = FolderOf(url);
        lock (_lock)
        {
            if (!_known.ContainsKey(folder))
                _order.Enqueue(folder);
            _known[folder] = (abilities, time.GetTimestamp());
            if (_order.Count > entriesMax)
                _known.Remove(_order.Dequeue());
        }
    }

    private static string FolderOf(Uri url) => url.GetLeftPart(UriPartial.Authority) + url.AbsolutePath[..(url.AbsolutePath.LastIndexOf('/') + 1)];
}

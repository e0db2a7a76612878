namespace Backhaul.Protocol;

/// <summary>What a client wants of the bytes of a download with random access; every field is optional.</summary>
public sealed record RangesRequest
{
    /// <summary>Bytes to fetch before all others, as <c>[from, to]</c> with <c>to</c> exclusive.</summary>
    public IReadOnlyList<IReadOnlyList<long>>? Ranges { get; init; }

    /// <summary>Holds the events <c>rangesDownloaded</c> back for at most this long, or until they are released.</summary>
    public TimeSpan? Deferral { get; init; }

    /// <summary>Ends a deferral: what came meanwhile is told in one event.</summary>
    public bool? Release { get; init; }
}

/// <summary>Which bytes of a download are there, and which are wanted.</summary>
public sealed record RangesView
{
    /// <summary>The task.</summary>
    public required string Id { get; init; }

    /// <summary>Durable bytes, as <c>[from, to]</c> with <c>to</c> exclusive.</summary>
    public required IReadOnlyList<IReadOnlyList<long>> Downloaded { get; init; }

    /// <summary>Asked for and not there yet.</summary>
    public required IReadOnlyList<IReadOnlyList<long>> Wanted { get; init; }

    /// <summary>Length of the file, when it is known.</summary>
    public long? Total { get; init; }

    /// <summary>Goes up when the download starts again from zero.</summary>
    public required int Generation { get; init; }

    /// <summary>Until when the events are held back.</summary>
    public DateTimeOffset? DeferredUntil { get; init; }
}

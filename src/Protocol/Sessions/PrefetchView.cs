namespace Backhaul.Protocol;

/// <summary>What a session prefetches, and how far it is.</summary>
public sealed record PrefetchView
{
    /// <summary>URLs that are fetched.</summary>
    public required IReadOnlyList<string> Urls { get; init; }

    /// <summary>The URL whose answer lists more.</summary>
    public string? ListUrl { get; init; }

    /// <summary>How often a round begins.</summary>
    public required TimeSpan Every { get; init; }

    /// <summary>The container of the files.</summary>
    public required string Container { get; init; }

    /// <summary>The folder of the files. Each is named by the 64 hexadecimal digits of the SHA-256 of its URL.</summary>
    public required string Prefix { get; init; }

    /// <summary>When a round ended last in which everything was fetched.</summary>
    public DateTimeOffset? LastSuccessfulPrefetch { get; init; }

    /// <summary>When the next round begins at the earliest; absent while nothing lets one begin.</summary>
    public DateTimeOffset? NextRoundAt { get; init; }

    /// <summary>The newest round; absent before the first.</summary>
    public PrefetchRound? Round { get; init; }

    /// <summary>True on the answer that created it.</summary>
    public bool? Created { get; init; }
}

/// <summary>One round of prefetching.</summary>
public sealed record PrefetchRound
{
    /// <summary>1 for the first.</summary>
    public required long Number { get; init; }

    /// <summary><c>running</c>, <c>succeeded</c> when everything was fetched, <c>failed</c>, or <c>stopped</c> when another list took its place or the session was quit by force.</summary>
    public required string State { get; init; }

    /// <summary>When it began.</summary>
    public required DateTimeOffset StartedAt { get; init; }

    /// <summary>When its last file was settled.</summary>
    public DateTimeOffset? EndedAt { get; init; }

    /// <summary>Fetched, or there and unchanged.</summary>
    public required int Succeeded { get; init; }

    /// <summary>Ended otherwise, or refused.</summary>
    public required int Failed { get; init; }

    /// <summary>Not ended; of a list that was not read yet nothing is counted.</summary>
    public required int Pending { get; init; }

    /// <summary>Of those that succeeded: files of earlier rounds that were left, because their servers said that they have not changed.</summary>
    public int Unchanged { get; init; }

    /// <summary>The bytes of the files that were left, which did not have to be fetched.</summary>
    public long BytesSpared { get; init; }

    /// <summary>What is wrong with the list.</summary>
    public TaskError? ListError { get; init; }

    /// <summary>Its URLs, the list's own first. Only GET lists them: empty in what answers PUT and DELETE.</summary>
    public required IReadOnlyList<PrefetchItem> Items { get; init; }
}

/// <summary>A URL of a round.</summary>
public sealed record PrefetchItem
{
    /// <summary>The URL; of an entry of the list that is none to fetch, <c>entry 17 of the list</c>, because its text may hold a password.</summary>
    public required string Url { get; init; }

    /// <summary>Where its file is, when this round or an earlier one fetched it; absent of a URL that none can be fetched from.</summary>
    public FileReference? File { get; init; }

    /// <summary>The task that fetches it; it is found under this id until it ends.</summary>
    public string? Task { get; init; }

    /// <summary><c>succeeded failed cancelled expired</c>, once it ended; <c>refused</c> when there was no task for it.</summary>
    public string? Outcome { get; init; }

    /// <summary>True when its server said that it has not changed since an earlier round fetched it: the file is that one.</summary>
    public bool? Unchanged { get; init; }

    /// <summary>Why it was not fetched.</summary>
    public TaskError? Error { get; init; }

    /// <summary>True of the list itself.</summary>
    public bool? IsList { get; init; }
}

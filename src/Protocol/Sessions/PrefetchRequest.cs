namespace Backhaul.Protocol;

/// <summary>What a session fetches again and again by itself, so that it is there before anybody asks.</summary>
public sealed record PrefetchRequest
{
    /// <summary>URLs to fetch: at most 100, together at most 112 KiB.</summary>
    public IReadOnlyList<string>? Urls { get; init; }

    /// <summary>
    /// A URL whose answer lists more: text with one on each line, a JSON array, or <c>&lt;prefetchUris&gt;&lt;uri&gt;…</c>; at most 1 MiB and 1,000 URLs.
    /// </summary>
    public string? ListUrl { get; init; }

    /// <summary>How often a round begins: 15 minutes to 30 days; a day when it is left out.</summary>
    public TimeSpan? Every { get; init; }

    /// <summary>The container of the files; the session's when it is left out.</summary>
    public string? Container { get; init; }

    /// <summary>The folder of the files; <c>prefetch/{session}</c> when it is left out.</summary>
    public string? Prefix { get; init; }
}

using Backhaul.Protocol;

namespace Backhaul.Node.Sessions;

/// <summary>An event about what a session prefetches. Clients see none of them: the view tells.</summary>
internal abstract record PrefetchEvent(DateTimeOffset At) : SessionEvent(At);

/// <summary>Another list takes the place of the one that was; a round of that stops, and one of this begins.</summary>
internal sealed record PrefetchSet(PrefetchSettings Settings, DateTimeOffset At) : PrefetchEvent(At);

internal sealed record PrefetchRemoved(DateTimeOffset At) : PrefetchEvent(At);

/// <summary>A round begins; its tasks are created by the events that follow in the same append, the list's first.</summary>
internal sealed record PrefetchBegan(long Round, TaskId? List, DateTimeOffset At) : PrefetchEvent(At)
{
    /// <summary>URLs that get no task.</summary>
    public IReadOnlyList<PrefetchRefusal>? Refused { get; init; }
}

/// <summary>The list was read up to an entry, whose tasks follow in the same append; or it cannot be read.</summary>
internal sealed record PrefetchListed(long Round, int Through, bool IsLast, DateTimeOffset At) : PrefetchEvent(At)
{
    public IReadOnlyList<PrefetchRefusal>? Refused { get; init; }
    public TaskError? Error { get; init; }
}

/// <summary>Nothing of the round is left to do.</summary>
internal sealed record PrefetchEnded(long Round, bool Succeeded, DateTimeOffset At) : PrefetchEvent(At);

/// <summary>A URL that gets no task. Persisted.</summary>
internal sealed record PrefetchRefusal(string Url, string Name, TaskError Error);

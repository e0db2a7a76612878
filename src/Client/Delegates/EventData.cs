using Backhaul.Protocol;

namespace Backhaul.Client;

/// <summary>Of <c>sessionCreated</c>.</summary>
public sealed record SessionCreatedData
{
    /// <summary>1 for the first session of this name, one more after each invalidation.</summary>
    public int Generation { get; init; }
}

/// <summary>Of <c>taskCreated</c>.</summary>
public sealed record TaskCreatedData
{
    /// <summary><c>download</c> or <c>upload</c>.</summary>
    public string? Kind { get; init; }

    /// <summary>Where it goes.</summary>
    public string? Url { get; init; }

    /// <summary>The client's text.</summary>
    public string? Description { get; init; }
}

/// <summary>Of <c>taskStarted</c>.</summary>
public sealed record TaskStartedData
{
    /// <summary>1, 2, 3 …</summary>
    public int Attempt { get; init; }

    /// <summary>The byte it goes on from.</summary>
    public long From { get; init; }
}

/// <summary>Of <c>taskWaiting</c>.</summary>
public sealed record TaskWaitingData
{
    /// <summary>The machine-readable reason.</summary>
    public string? Reason { get; init; }

    /// <summary>When it is looked at again; absent where only the client can help.</summary>
    public DateTimeOffset? NextEvaluationAt { get; init; }

    /// <summary>The error that is being retried.</summary>
    public TaskError? Error { get; init; }
}

/// <summary>Of <c>challenge</c>.</summary>
public sealed record ChallengeData
{
    /// <summary>The attempt that was asked.</summary>
    public int Attempt { get; init; }

    /// <summary>The strongest scheme that was offered, in lower case.</summary>
    public string? Scheme { get; init; }

    /// <summary>The realm, when it was named.</summary>
    public string? Realm { get; init; }

    /// <summary>Who asks.</summary>
    public string? Host { get; init; }

    /// <summary>Its port.</summary>
    public int Port { get; init; }

    /// <summary>True when the proxy asks.</summary>
    public bool IsProxy { get; init; }

    /// <summary>True when a credential was sent and refused.</summary>
    public bool WasRefused { get; init; }

    /// <summary>How often in a row it asked.</summary>
    public int Count { get; init; }
}

/// <summary>Of <c>delayedRequest</c>.</summary>
public sealed record DelayedRequestData
{
    /// <summary>The attempt that would start.</summary>
    public int Attempt { get; init; }

    /// <summary>Where it would go.</summary>
    public string? Url { get; init; }

    /// <summary>Until when an answer is waited for.</summary>
    public DateTimeOffset? Until { get; init; }

    /// <summary>What holds without an answer.</summary>
    public string? Default { get; init; }
}

/// <summary>Of <c>resumed</c>.</summary>
public sealed record ResumedData
{
    /// <summary>The attempt.</summary>
    public int Attempt { get; init; }

    /// <summary>The byte it goes on from.</summary>
    public long From { get; init; }

    /// <summary>Length of the file, when it is known.</summary>
    public long? Total { get; init; }
}

/// <summary>Of <c>restarted</c>.</summary>
public sealed record RestartedData
{
    /// <summary>The attempt.</summary>
    public int Attempt { get; init; }

    /// <summary>One more at every start from zero.</summary>
    public int Generation { get; init; }

    /// <summary>The reason, as a sentence.</summary>
    public string? Why { get; init; }
}

/// <summary>Of <c>redirected</c>.</summary>
public sealed record RedirectedData
{
    /// <summary>The attempt.</summary>
    public int Attempt { get; init; }

    /// <summary>Where it goes now.</summary>
    public string? Url { get; init; }

    /// <summary>The status that said so.</summary>
    public int Status { get; init; }
}

/// <summary>Of <c>expectationExceeded</c>.</summary>
public sealed record ExpectationExceededData
{
    /// <summary>What the client expected.</summary>
    public long ExpectedBytes { get; init; }

    /// <summary>What it is.</summary>
    public long ActualBytes { get; init; }
}

/// <summary>Of <c>deadlineNear</c>.</summary>
public sealed record DeadlineNearData
{
    /// <summary>When it ends as <c>expired</c>.</summary>
    public DateTimeOffset Deadline { get; init; }

    /// <summary><c>suspended</c>, <c>waiting</c> or <c>running</c>.</summary>
    public string? State { get; init; }

    /// <summary>Bytes received so far.</summary>
    public long BytesReceived { get; init; }

    /// <summary>Bytes sent so far.</summary>
    public long BytesSent { get; init; }

    /// <summary>What is to be moved in all, when it is known.</summary>
    public long? Total { get; init; }

    /// <summary>How long it would take still, of a running task, when it is known.</summary>
    public TimeSpan? Eta { get; init; }
}

/// <summary>Of <c>rangesDownloaded</c>.</summary>
public sealed record RangesDownloadedData
{
    /// <summary>Durable bytes that were not told before, as <c>[from, to]</c> with <c>to</c> exclusive.</summary>
    public IReadOnlyList<IReadOnlyList<long>> Ranges { get; init; } = [];

    /// <summary>Length of the file, when it is known.</summary>
    public long? Total { get; init; }
}

/// <summary>Of <c>taskFinishedFile</c>.</summary>
public sealed record TaskFinishedFileData
{
    /// <summary>The file, in place and flushed.</summary>
    public FileView? File { get; init; }
}

/// <summary>Of <c>taskCompleted</c>.</summary>
public sealed record TaskCompletedData
{
    /// <summary><c>succeeded failed cancelled expired</c>.</summary>
    public string? Outcome { get; init; }

    /// <summary>True when it succeeded.</summary>
    public bool Succeeded => Outcome == "succeeded";

    /// <summary>The error that ended it.</summary>
    public TaskError? Error { get; init; }

    /// <summary>The status of the response.</summary>
    public int? Status { get; init; }

    /// <summary>Bytes received.</summary>
    public long BytesReceived { get; init; }

    /// <summary>Bytes sent.</summary>
    public long BytesSent { get; init; }

    /// <summary><c>verified</c> or <c>unverified</c>, of a download.</summary>
    public string? Integrity { get; init; }

    /// <summary>SHA-256 of the file in lower-case hex, where it was computed.</summary>
    public string? Sha256 { get; init; }

    /// <summary>The file of a download.</summary>
    public FileView? File { get; init; }
}

/// <summary>Of <c>groupCompleted</c> (what ended since the last time) and <c>completionGroupFired</c> (all its tasks), by outcome.</summary>
public sealed record GroupCompletedData
{
    /// <summary>The group's name.</summary>
    public string? Group { get; init; }

    /// <summary>Ended well.</summary>
    public long Succeeded { get; init; }

    /// <summary>Ended with an error.</summary>
    public long Failed { get; init; }

    /// <summary>Ended by a cancel.</summary>
    public long Cancelled { get; init; }

    /// <summary>Ended by their deadline.</summary>
    public long Expired { get; init; }
}

/// <summary>Of <c>eventsExpired</c>: which events nobody acknowledged in time.</summary>
public sealed record EventsExpiredData
{
    /// <summary>The number of the first.</summary>
    public long From { get; init; }

    /// <summary>The number of the last.</summary>
    public long Through { get; init; }
}

namespace Backhaul.Protocol;

/// <summary>The data of a notification: how a task ended. No header and no query of a URL is in it.</summary>
public sealed record TaskNotificationData
{
    /// <summary>The session's identifier.</summary>
    public required string Session { get; init; }

    /// <summary>Its generation.</summary>
    public required int Generation { get; init; }

    /// <summary>The task.</summary>
    public required string Task { get; init; }

    /// <summary>The number of its last event in the session.</summary>
    public required long Event { get; init; }

    /// <summary><c>download</c> or <c>upload</c>.</summary>
    public required string Kind { get; init; }

    /// <summary>Where it went, with <c>?...</c> for a query.</summary>
    public required string Url { get; init; }

    /// <summary>The client's text.</summary>
    public string? Description { get; init; }

    /// <summary><c>succeeded</c>, <c>failed</c> or <c>expired</c>.</summary>
    public required string Outcome { get; init; }

    /// <summary>What ended it, when it did not succeed.</summary>
    public TaskError? Error { get; init; }

    /// <summary>The status of the answer that ended it, as its last event says.</summary>
    public int? Status { get; init; }

    /// <summary>Bytes received.</summary>
    public required long BytesReceived { get; init; }

    /// <summary>Bytes sent.</summary>
    public required long BytesSent { get; init; }

    /// <summary><c>verified</c> or <c>unverified</c>, of a download.</summary>
    public string? Integrity { get; init; }

    /// <summary>SHA-256 of the file in lower-case hex, where it was computed.</summary>
    public string? Sha256 { get; init; }

    /// <summary>The file of a download.</summary>
    public FileView? File { get; init; }

    /// <summary>Attempts made.</summary>
    public required int Attempts { get; init; }

    /// <summary>When it was created.</summary>
    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>When its first attempt started.</summary>
    public DateTimeOffset? StartedAt { get; init; }

    /// <summary>When it ended.</summary>
    public required DateTimeOffset EndedAt { get; init; }
}

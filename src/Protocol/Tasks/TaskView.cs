namespace Backhaul.Protocol;

/// <summary>A task as clients see it.</summary>
public sealed record TaskView
{
    /// <summary>Its id in the session.</summary>
    public required string Id { get; init; }

    /// <summary><c>download</c> or <c>upload</c>.</summary>
    public required string Kind { get; init; }

    /// <summary>Where it goes; a query is shown as <c>?...</c>.</summary>
    public required string Url { get; init; }

    /// <summary>Its method.</summary>
    public required string Method { get; init; }

    /// <summary><c>suspended waiting running canceling completed</c>.</summary>
    public required string State { get; init; }

    /// <summary>Why it waits; present exactly while it does.</summary>
    public string? Reason { get; init; }

    /// <summary>When the reason is looked at again.</summary>
    public DateTimeOffset? NextEvaluationAt { get; init; }

    /// <summary><c>succeeded failed cancelled expired</c>; present once completed.</summary>
    public string? Outcome { get; init; }

    /// <summary>The question it waits to have answered; present while it waits with the reason <c>credential</c>.</summary>
    public ChallengeView? Challenge { get; init; }

    /// <summary>The error that ended it, or the last one that is being retried.</summary>
    public TaskError? Error { get; init; }

    /// <summary>Its headers, values of secret ones masked.</summary>
    public IReadOnlyDictionary<string, string>? Headers { get; init; }

    /// <summary>The file an upload sends.</summary>
    public FileReference? Source { get; init; }

    /// <summary>Where a download's file goes.</summary>
    public FileReference? Destination { get; init; }

    /// <summary>The client's text.</summary>
    public string? Description { get; init; }

    /// <summary>0 to 1.</summary>
    public required double Priority { get; init; }

    /// <summary>The group that it belongs to.</summary>
    public string? Group { get; init; }

    /// <summary>The completion group that it belongs to.</summary>
    public string? CompletionGroup { get; init; }

    /// <summary>Not before this time.</summary>
    public DateTimeOffset? EarliestBeginAt { get; init; }

    /// <summary>Whether the client is asked before it starts, when the task said so.</summary>
    public AskBeforeStart? AskBeforeStart { get; init; }

    /// <summary>Expires at this time.</summary>
    public DateTimeOffset? Deadline { get; init; }

    /// <summary>Where it may run by what bytes cost there, if it said so.</summary>
    public string? CostPolicy { get; init; }

    /// <summary>True when it asked to be free of session, discretionary and cost limits.</summary>
    public bool? Unconstrained { get; init; }

    /// <summary>What the operators' policy said to that: <c>granted</c> or <c>denied</c>. What was said when it asked holds.</summary>
    public string? UnconstrainedVerdict { get; init; }

    /// <summary>True when the session created it by itself, to prefetch.</summary>
    public bool? Prefetch { get; init; }

    /// <summary>The client's expectation.</summary>
    public ExpectedBytes? ExpectedBytes { get; init; }

    /// <summary>The digest demanded, or the one computed.</summary>
    public Digest? Digest { get; init; }

    /// <summary>Size cap.</summary>
    public long? MaxBytes { get; init; }

    /// <summary>Its bandwidth, when it has a limit of its own.</summary>
    public long? BytesPerSecondMax { get; init; }

    /// <summary>Whom its end is told to.</summary>
    public TaskNotify? Notify { get; init; }

    /// <summary>True when ranges may be asked for before the rest.</summary>
    public bool? RandomAccess { get; init; }

    /// <summary>False when it was created suspended.</summary>
    public bool? Start { get; init; }

    /// <summary>The statuses it accepts besides 2xx, when the task named them.</summary>
    public IReadOnlyList<string>? AcceptStatus { get; init; }

    /// <summary>The file that a download's request carries.</summary>
    public FileReference? Body { get; init; }

    /// <summary>The statuses that pause it, when the task named them.</summary>
    public IReadOnlyList<string>? RecoverableStatus { get; init; }

    /// <summary>Its own retry rules, when the task named them.</summary>
    public RetryConfiguration? Retry { get; init; }

    /// <summary>What a changed source leads to, when the task named it: <c>fail</c> or <c>acceptIfDigest</c>; absent it starts again.</summary>
    public string? SourceChange { get; init; }

    /// <summary>The parts of a multipart upload, values of secret headers masked.</summary>
    public IReadOnlyList<ContentPart>? Parts { get; init; }

    /// <summary>Subtype and boundary of a multipart upload, when the task named them.</summary>
    public MultipartForm? Multipart { get; init; }

    /// <summary>How an upload is sent, when the task named it: <c>auto plain tus resumable s3</c>.</summary>
    public string? UploadProtocol { get; init; }

    /// <summary>Bytes moved.</summary>
    public required TaskProgress Progress { get; init; }

    /// <summary>The first response; while the task waits with <c>recoverableStatus</c>, the one that pauses it.</summary>
    public ResponseView? Response { get; init; }

    /// <summary>Whether a break loses bytes, and why.</summary>
    public ResumableView? Resumable { get; init; }

    /// <summary><c>verified</c> or <c>unverified</c>, of a finished download.</summary>
    public string? Integrity { get; init; }

    /// <summary>How many attempts there were.</summary>
    public required int Attempts { get; init; }

    /// <summary>The file of a finished download.</summary>
    public FileView? File { get; init; }

    /// <summary>When it was created.</summary>
    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>When its first attempt started.</summary>
    public DateTimeOffset? StartedAt { get; init; }

    /// <summary>When it ended.</summary>
    public DateTimeOffset? EndedAt { get; init; }
}

/// <summary>What a server or a proxy asked for: an authentication challenge.</summary>
public sealed record ChallengeView
{
    /// <summary>The strongest scheme it offered, in lower case, such as <c>basic</c>, <c>digest</c> or <c>bearer</c>; absent when it named none.</summary>
    public string? Scheme { get; init; }

    /// <summary>The realm, when it named one.</summary>
    public string? Realm { get; init; }

    /// <summary>Who asks: the origin's or the proxy's host.</summary>
    public required string Host { get; init; }

    /// <summary>Its port.</summary>
    public required int Port { get; init; }

    /// <summary>True when the proxy asks.</summary>
    public required bool IsProxy { get; init; }

    /// <summary>True when a credential was sent and refused, false when the session had none for this protection space.</summary>
    public required bool WasRefused { get; init; }

    /// <summary>How often in a row the task was asked by this protection space.</summary>
    public required int Count { get; init; }
}

/// <summary>An error with a stable code.</summary>
public sealed record TaskError
{
    /// <summary>Stable code.</summary>
    public required string Code { get; init; }

    /// <summary>A sentence for people.</summary>
    public required string Message { get; init; }
}

/// <summary>Bytes of a task.</summary>
public sealed record TaskProgress
{
    /// <summary>Received in the current generation.</summary>
    public required long BytesReceived { get; init; }

    /// <summary>Sent in the current attempt.</summary>
    public required long BytesSent { get; init; }

    /// <summary>Total to receive, when known.</summary>
    public long? TotalToReceive { get; init; }

    /// <summary>Total to send, when known.</summary>
    public long? TotalToSend { get; init; }

    /// <summary>Present speed of a running attempt.</summary>
    public long? BytesPerSecond { get; init; }

    /// <summary>Estimated time left of a running attempt.</summary>
    public TimeSpan? Eta { get; init; }

    /// <summary>One more at every start from zero.</summary>
    public required int Generation { get; init; }
}

/// <summary>A response's head.</summary>
public sealed record ResponseView
{
    /// <summary>The URL after redirects; a query is shown as <c>?...</c>.</summary>
    public required string Url { get; init; }

    /// <summary>The status.</summary>
    public required int Status { get; init; }

    /// <summary>The headers, values of secret ones masked.</summary>
    public required IReadOnlyDictionary<string, string> Headers { get; init; }
}

/// <summary>Whether a download can go on after a break.</summary>
public sealed record ResumableView
{
    /// <summary><c>yes</c> or <c>no</c>.</summary>
    public required string Verdict { get; init; }

    /// <summary>The reason, as a sentence.</summary>
    public required string Why { get; init; }
}

/// <summary>One try of a task.</summary>
public sealed record AttemptView
{
    /// <summary>1, 2, 3 …</summary>
    public required int Number { get; init; }

    /// <summary>When it started.</summary>
    public required DateTimeOffset StartedAt { get; init; }

    /// <summary>When it ended.</summary>
    public DateTimeOffset? EndedAt { get; init; }

    /// <summary>The byte it went on from.</summary>
    public required long From { get; init; }

    /// <summary>The byte it reached.</summary>
    public long? To { get; init; }

    /// <summary>The status it got.</summary>
    public int? Status { get; init; }

    /// <summary>How long it took to get a response.</summary>
    public PhasesView? Phases { get; init; }

    /// <summary><c>succeeded retried failed stopped interrupted</c>; absent while it runs.</summary>
    public string? Decision { get; init; }

    /// <summary>What went wrong.</summary>
    public TaskError? Error { get; init; }
}

/// <summary>Where the time to an attempt's response went. A piece that did not happen is absent: a connection that was open already needs no name.</summary>
public sealed record PhasesView
{
    /// <summary>Resolving the name.</summary>
    public TimeSpan? Dns { get; init; }

    /// <summary>Connecting.</summary>
    public TimeSpan? Connect { get; init; }

    /// <summary>The TLS handshake.</summary>
    public TimeSpan? Tls { get; init; }

    /// <summary>From the request to the response's head, with the others in it.</summary>
    public required TimeSpan FirstByte { get; init; }
}

/// <summary>Why a task is in its state.</summary>
public sealed record WhyView
{
    /// <summary>Its id.</summary>
    public required string Id { get; init; }

    /// <summary>Its state.</summary>
    public required string State { get; init; }

    /// <summary>The machine-readable reason of a waiting task.</summary>
    public string? Reason { get; init; }

    /// <summary>One sentence, with the numbers.</summary>
    public required string Sentence { get; init; }

    /// <summary>When it is looked at again.</summary>
    public DateTimeOffset? NextEvaluationAt { get; init; }
}

/// <summary>The answer for one entry of a batch.</summary>
public sealed record TaskResult
{
    /// <summary>Position in the batch, from 0.</summary>
    public required long Index { get; init; }

    /// <summary>201 for accepted, 200 for a repetition, else the status of the error.</summary>
    public required int Status { get; init; }

    /// <summary>The task's id, when accepted.</summary>
    public string? Id { get; init; }

    /// <summary><c>granted</c> or <c>denied</c>, of an accepted task that asked to be unconstrained.</summary>
    public string? UnconstrainedVerdict { get; init; }

    /// <summary>What is wrong with the entry.</summary>
    public TaskError? Error { get; init; }
}

/// <summary>One line of the answer to an NDJSON stream: a chunk of it, stored durably.</summary>
public sealed record BulkChunk
{
    /// <summary>Index of the first entry of the chunk.</summary>
    public required long From { get; init; }

    /// <summary>How many entries the chunk has.</summary>
    public required int Count { get; init; }

    /// <summary>How many were accepted.</summary>
    public required int Accepted { get; init; }

    /// <summary>Ordinal ids given out run from here, when all entries were accepted without ids of their own.</summary>
    public string? FirstId { get; init; }

    /// <summary>To here.</summary>
    public string? LastId { get; init; }

    /// <summary>Results one by one, where they are not all alike.</summary>
    public IReadOnlyList<TaskResult>? Results { get; init; }

    /// <summary>Set when the chunk could not be taken as a whole; nothing after it was read.</summary>
    public TaskError? Error { get; init; }
}

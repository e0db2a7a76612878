namespace Backhaul.Protocol;

/// <summary>A task as a client asks for it. The smallest is <c>{"kind":"download","url":"https://example.org/a.bin"}</c>.</summary>
public sealed record TaskRequest
{
    /// <summary>The client's own id; without it the node gives one out.</summary>
    public string? Id { get; init; }

    /// <summary><c>download</c> or <c>upload</c>.</summary>
    public string? Kind { get; init; }

    /// <summary>An absolute <c>http</c> or <c>https</c> URL.</summary>
    public string? Url { get; init; }

    /// <summary>Default GET for downloads, POST for uploads; uploads may also PUT.</summary>
    public string? Method { get; init; }

    /// <summary>Headers of the request; they replace the session's of the same name.</summary>
    public IReadOnlyDictionary<string, string>? Headers { get; init; }

    /// <summary>The file an upload sends.</summary>
    public FileReference? Source { get; init; }

    /// <summary>The file that a download's request carries as its body; the method must be one that takes one, such as POST.</summary>
    public FileReference? Body { get; init; }

    /// <summary>Where a download's file goes; without it, it lives until its completion event is acknowledged.</summary>
    public FileReference? Destination { get; init; }

    /// <summary>Free text, at most 16 KiB.</summary>
    public string? Description { get; init; }

    /// <summary>False creates the task suspended. Default true.</summary>
    public bool? Start { get; init; }

    /// <summary>0 to 1, higher first. Default 0.5.</summary>
    public double? Priority { get; init; }

    /// <summary>The group that it belongs to, created by its first task when nobody created it before.</summary>
    public string? Group { get; init; }

    /// <summary>The completion group that it belongs to, which must not have been enabled yet; created by its first task.</summary>
    public string? CompletionGroup { get; init; }

    /// <summary>Not before this time.</summary>
    public DateTimeOffset? EarliestBeginAt { get; init; }

    /// <summary>Asks the client before it starts.</summary>
    public AskBeforeStart? AskBeforeStart { get; init; }

    /// <summary>Ends as <c>expired</c> when it has not finished by then.</summary>
    public DateTimeOffset? Deadline { get; init; }

    /// <summary>What the client expects to be moved; used for estimates, never an error.</summary>
    public ExpectedBytes? ExpectedBytes { get; init; }

    /// <summary>The digest that a download's bytes must have.</summary>
    public Digest? Digest { get; init; }

    /// <summary>Statuses besides 2xx whose body is a result; replaces the session's.</summary>
    public IReadOnlyList<string>? AcceptStatus { get; init; }

    /// <summary>Statuses that pause the task until it is resumed, or its URL or headers are changed, such as <c>401</c> or <c>500-599</c>.</summary>
    public IReadOnlyList<string>? RecoverableStatus { get; init; }

    /// <summary>How failures are retried; replaces the session's.</summary>
    public RetryConfiguration? Retry { get; init; }

    /// <summary>What to do when the origin's content changes while resuming: <c>restart</c> (default), <c>fail</c> or <c>acceptIfDigest</c>.</summary>
    public string? SourceChange { get; init; }

    /// <summary>A download that grows beyond this fails with <c>tooLarge</c>.</summary>
    public long? MaxBytes { get; init; }

    /// <summary>True: ranges of a download may be asked for before the rest.</summary>
    public bool? RandomAccess { get; init; }

    /// <summary>Uploads: the parts of a multipart body, instead of a source.</summary>
    public IReadOnlyList<ContentPart>? Parts { get; init; }

    /// <summary>Uploads: subtype and boundary of a multipart body.</summary>
    public MultipartForm? Multipart { get; init; }

    /// <summary>Uploads: <c>plain</c> (default), <c>tus</c>, <c>resumable</c>, <c>s3</c>, or <c>auto</c>, which asks the target.</summary>
    public string? UploadProtocol { get; init; }

    /// <summary>
    /// Downloads: what <c>POST …/resume-data</c> gave for another task of the tenant; it goes on from there. Kind and URL may be left out then.
    /// </summary>
    public string? ResumeData { get; init; }

    /// <summary><c>default</c>, <c>unrestrictedOnly</c> or <c>always</c>, in place of the session's.</summary>
    public string? CostPolicy { get; init; }

    /// <summary>
    /// True asks to be free of session, discretionary and cost limits. The operators' policy grants or denies it, and the task's <c>unconstrainedVerdict</c> says
    /// so; a task that is denied runs as any other.
    /// </summary>
    public bool? Unconstrained { get; init; }

    /// <summary>Bandwidth of this task, at least 1024; may be changed while it runs.</summary>
    public long? BytesPerSecondMax { get; init; }

    /// <summary>Whom to tell once when the task has succeeded, or has failed.</summary>
    public TaskNotify? Notify { get; init; }
}

/// <summary>
/// URLs that are told of a task's end by one signed webhook, until they take it. A cancelled task tells nobody. Without a <see cref="Secret"/> the
/// session's launch secret signs, else its push secret; one of the three there must be.
/// </summary>
public sealed record TaskNotify
{
    /// <summary>Told when the task has succeeded: an absolute <c>http</c> or <c>https</c> URL.</summary>
    public string? Success { get; init; }

    /// <summary>Told when the task has failed or expired: an absolute <c>http</c> or <c>https</c> URL.</summary>
    public string? Failure { get; init; }

    /// <summary>The name of a secret of the kind <c>webhook</c> that operators configured.</summary>
    public string? Secret { get; init; }
}

/// <summary>A client's expectation of sizes.</summary>
public sealed record ExpectedBytes
{
    /// <summary>Bytes sent.</summary>
    public long? Send { get; init; }

    /// <summary>Bytes received.</summary>
    public long? Receive { get; init; }
}

/// <summary>A digest of the stored bytes.</summary>
public sealed record Digest
{
    /// <summary><c>sha-256</c>.</summary>
    public required string Algorithm { get; init; }

    /// <summary>Lower-case hex.</summary>
    public required string Value { get; init; }
}

/// <summary>
/// What may change on a suspended or waiting task, and of a running one <see cref="BytesPerSecondMax"/> and <see cref="Notify"/>; fields left out stay.
/// </summary>
public sealed record TaskChange
{
    /// <summary>Another URL; bytes are kept when the validator and the length agree.</summary>
    public string? Url { get; init; }

    /// <summary>The new headers, all of them.</summary>
    public IReadOnlyDictionary<string, string>? Headers { get; init; }

    /// <summary>0 to 1.</summary>
    public double? Priority { get; init; }

    /// <summary>Free text, at most 16 KiB.</summary>
    public string? Description { get; init; }

    /// <summary>Not before this time.</summary>
    public DateTimeOffset? EarliestBeginAt { get; init; }

    /// <summary>True asks to be unconstrained, by the policy of now; false gives it up.</summary>
    public bool? Unconstrained { get; init; }

    /// <summary>Another bandwidth, 0 to lift the limit; also while the task runs.</summary>
    public long? BytesPerSecondMax { get; init; }

    /// <summary>Whom to tell of its end from now on, in place of whom it named before, also while the task runs; one that names nobody lifts it.</summary>
    public TaskNotify? Notify { get; init; }
}

using System.Text.Json.Serialization;
using Backhaul.Node.Files;
using Backhaul.Protocol;

namespace Backhaul.Node.Sessions;

/// <summary>What kind of transfer. Persisted by number: append only.</summary>
internal enum TaskKind
{
    Download = 1,
    Upload = 2,
}

/// <summary>What to do when the origin's content changed while resuming. Persisted by number: append only.</summary>
internal enum SourceChangePolicy
{
    Restart = 1,
    Fail = 2,
    AcceptIfDigest = 3,
}

/// <summary>How the bytes of an upload reach their target. Persisted by name: append only.</summary>
internal enum UploadProtocol
{
    /// <summary>One PUT or POST with the whole body.</summary>
    Plain = 1,

    /// <summary>Ask the target once, then whichever of the others it speaks.</summary>
    Auto = 2,

    /// <summary>tus 1.0.0.</summary>
    Tus = 3,

    /// <summary>Resumable uploads for HTTP, the draft of the IETF.</summary>
    Resumable = 4,

    /// <summary>Multipart upload of an S3 object.</summary>
    S3 = 5,
}

/// <summary>
/// A validated task as a client asked for it; only the HTTP edge makes it. A million of these wait in memory, so what few tasks ask
/// for lies in a part of its own that the others do not have.
/// </summary>
internal sealed record TaskSpec
{
    private static readonly string[] Methods = ["GET", "PUT", "POST", "HEAD"];

    private readonly string _method = "GET";
    private readonly GroupName _group;
    private readonly GroupName _completionGroup;
    private readonly RareWishes? _rare;

    /// <summary>Null: the session gives one out.</summary>
    public TaskId? Id { get; init; }
    public required TaskKind Kind { get; init; }
    public required string Url { get; init; }

    public required string Method
    {
        get => _method;
        init => _method = Array.Find(Methods, known => known == value) ?? value; // one string for all tasks
    }

    public IReadOnlyDictionary<string, string>? Headers { get; init; }
    public FileReference? Source { get; init; }
    public FileReference? Destination { get; init; }
    public bool Start { get; init; } = true;
    public double Priority { get; init; } = 0.5;

    /// <summary>The group that it belongs to.</summary>
    public GroupName? Group
    {
        get => _group == default ? null : _group;
        init => _group = value ?? default;
    }

    /// <summary>The completion group that it belongs to.</summary>
    public GroupName? CompletionGroup
    {
        get => _completionGroup == default ? null : _completionGroup;
        init => _completionGroup = value ?? default;
    }

    public string? Description
    {
        get => _rare?.Description;
        init => _rare = With(value is null, rare => rare with { Description = value });
    }

    public DateTimeOffset? EarliestBeginAt
    {
        get => _rare?.EarliestBeginAt;
        init => _rare = With(value is null, rare => rare with { EarliestBeginAt = value });
    }

    public AskBeforeStart? AskBeforeStart
    {
        get => _rare?.AskBeforeStart;
        init => _rare = With(value is null, rare => rare with { AskBeforeStart = value });
    }

    public DateTimeOffset? Deadline
    {
        get => _rare?.Deadline;
        init => _rare = With(value is null, rare => rare with { Deadline = value });
    }

    public ExpectedBytes? ExpectedBytes
    {
        get => _rare?.ExpectedBytes;
        init => _rare = With(value is null, rare => rare with { ExpectedBytes = value });
    }

    /// <summary>Lower-case hex.</summary>
    public string? Sha256
    {
        get => _rare?.Sha256;
        init => _rare = With(value is null, rare => rare with { Sha256 = value });
    }

    public IReadOnlyList<string>? AcceptStatus
    {
        get => _rare?.AcceptStatus;
        init => _rare = With(value is null, rare => rare with { AcceptStatus = value });
    }

    public RetryConfiguration? Retry
    {
        get => _rare?.Retry;
        init => _rare = With(value is null, rare => rare with { Retry = value });
    }

    public SourceChangePolicy SourceChange
    {
        get => _rare?.SourceChange ?? SourceChangePolicy.Restart;
        init => _rare = With(value is SourceChangePolicy.Restart, rare => rare with { SourceChange = value });
    }

    public long? MaxBytes
    {
        get => _rare?.MaxBytes;
        init => _rare = With(value is null, rare => rare with { MaxBytes = value });
    }

    /// <summary>The parts of a multipart upload, in place of a source.</summary>
    public IReadOnlyList<ContentPart>? Parts
    {
        get => _rare?.Parts;
        init => _rare = With(value is null, rare => rare with { Parts = value });
    }

    public MultipartForm? Multipart
    {
        get => _rare?.Multipart;
        init => _rare = With(value is null, rare => rare with { Multipart = value });
    }

    /// <summary>Null: plain.</summary>
    public UploadProtocol? UploadProtocol
    {
        get => _rare?.UploadProtocol;
        init => _rare = With(value is null, rare => rare with { UploadProtocol = value });
    }

    /// <summary>The task's bandwidth; null: no limit of its own.</summary>
    public long? BytesPerSecondMax
    {
        get => _rare?.BytesPerSecondMax;
        init => _rare = With(value is null, rare => rare with { BytesPerSecondMax = value });
    }

    /// <summary>Null: the session's.</summary>
    public CostPolicy? CostPolicy
    {
        get => _rare?.CostPolicy;
        init => _rare = With(value is null, rare => rare with { CostPolicy = value });
    }

    /// <summary>Whom its end is told to.</summary>
    public TaskNotify? Notify
    {
        get => _rare?.Notify;
        init => _rare = With(value is null, rare => rare with { Notify = value });
    }

    public IReadOnlyList<string>? RecoverableStatus
    {
        get => _rare?.RecoverableStatus;
        init => _rare = With(value is null, rare => rare with { RecoverableStatus = value });
    }

    /// <summary>Download: what its request carries.</summary>
    public FileReference? Body
    {
        get => _rare?.Body;
        init => _rare = With(value is null, rare => rare with { Body = value });
    }

    public bool RandomAccess
    {
        get => _rare?.RandomAccess ?? false;
        init => _rare = With(!value, rare => rare with { RandomAccess = value });
    }

    /// <summary>It asks to be free of session, discretionary and cost limits.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool Unconstrained
    {
        get => _rare?.Unconstrained ?? false;
        init => _rare = With(!value, rare => rare with { Unconstrained = value });
    }

    /// <summary>What another task left: the first start goes on from there.</summary>
    public KeptPart? Kept
    {
        get => _rare?.Kept;
        init => _rare = With(value is null, rare => rare with { Kept = value });
    }

    /// <summary>What is at its default asks for nothing, unless something was asked for before.</summary>
    private RareWishes? With(bool isDefault, Func<RareWishes, RareWishes> change) => isDefault && _rare is null ? null : change(_rare ?? RareWishes.None);

    private sealed record RareWishes
    {
        public static readonly RareWishes None = new();

        public string? Description { get; init; }
        public DateTimeOffset? EarliestBeginAt { get; init; }
        public AskBeforeStart? AskBeforeStart { get; init; }
        public DateTimeOffset? Deadline { get; init; }
        public ExpectedBytes? ExpectedBytes { get; init; }
        public string? Sha256 { get; init; }
        public IReadOnlyList<string>? AcceptStatus { get; init; }
        public RetryConfiguration? Retry { get; init; }
        public SourceChangePolicy SourceChange { get; init; } = SourceChangePolicy.Restart;
        public long? MaxBytes { get; init; }
        public IReadOnlyList<string>? RecoverableStatus { get; init; }
        public FileReference? Body { get; init; }
        public bool RandomAccess { get; init; }
        public bool Unconstrained { get; init; }
        public IReadOnlyList<ContentPart>? Parts { get; init; }
        public MultipartForm? Multipart { get; init; }
        public UploadProtocol? UploadProtocol { get; init; }
        public long? BytesPerSecondMax { get; init; }
        public KeptPart? Kept { get; init; }
        public CostPolicy? CostPolicy { get; init; }
        public TaskNotify? Notify { get; init; }
    }
}

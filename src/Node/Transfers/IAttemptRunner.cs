using System.Text.Json.Serialization;
using Backhaul.Node.Files;
using Backhaul.Node.Sessions;
using Backhaul.Node.Transfers.Origins;
using Backhaul.Protocol;

namespace Backhaul.Node.Transfers;

/// <summary>Carries out one attempt of a task, start to end. It never throws for what a network, a server or a disk may do.</summary>
internal interface IAttemptRunner
{
    /// <summary>
    /// Runs until the attempt is finished, failed or stopped. <paramref name="stop"/> asks it to checkpoint and end within 10 s.
    /// A finished download's file is in place and flushed when this returns.
    /// </summary>
    Task<AttemptOutcome> RunAsync(AttemptOrder order, IAttemptReports reports, CancellationToken stop);

    /// <summary>
    /// Removes what a task left: its part, and its temporary file when <paramref name="resultToo"/>. Missing files are fine. Parts of an owner after
    /// <paramref name="epoch"/>, the caller's, stay.
    /// </summary>
    Task DiscardAsync(TaskFiles files, long epoch, bool resultToo);

    /// <summary>
    /// Keeps a part for later starts before its task ends; idempotent. Refused, with a sentence, when there is nothing to keep, no way to, or no room.
    /// </summary>
    Task<KeepOutcome> KeepAsync(TaskFiles files, long epoch, ITrust trust, KeptPart kept) =>
        Task.FromResult(KeepOutcome.Refused("Parts are not kept here."));

    /// <summary>A URL that is known in clear here only, as sessions and their journal may know it.</summary>
    string SealUrl(TenantId tenant, string url) => url;

    /// <summary>A small file of a container, whole; null when there is none, or a larger one. Throws <see cref="IOException"/> when its store refuses.</summary>
    Task<byte[]?> ReadFileAsync(TenantId tenant, FileReference file, int bytesMax) => Task.FromResult<byte[]?>(null);

    /// <summary>
    /// Tells the target of an upload that will not be finished (<see cref="AttemptOrder.Resume"/> has its <see cref="UploadState"/>) to forget it, where
    /// its protocol has a word for that. Tried a few times within a limit and then left to the target's own expiry (false); never throws for what a network does.
    /// </summary>
    Task<bool> AbandonUploadAsync(AttemptOrder order);
}

/// <summary>Where the reports of an attempt go. Calls come from one logical thread, in order.</summary>
internal interface IAttemptReports
{
    /// <summary>The head of a final response (after redirects). Completes when it is journaled; false ends the attempt (it is not wanted any more).</summary>
    ValueTask<bool> RespondedAsync(AttemptResponse response);

    /// <summary>The part was flushed up to an offset. Completes when it is journaled; false ends the attempt.</summary>
    ValueTask<bool> CheckpointAsync(PartCheckpoint checkpoint);

    /// <summary>A redirect was followed.</summary>
    ValueTask<bool> RedirectedAsync(string toUrl, int status);

    /// <summary>The download starts again from zero, with a sentence that says why.</summary>
    ValueTask<bool> RestartedAsync(string why);

    /// <summary>How far it is; may be called often, is never journaled and never waits.</summary>
    void Progress(long bytesReceived, long bytesSent, long? totalToReceive, long? totalToSend);
}

/// <summary>Whether this node may still act on the outside. Checked before every chunk.</summary>
internal interface ITrust
{
    bool MayAct { get; }
}

/// <summary>What identifies a task's files: the part and the temporary result carry these in their names.</summary>
internal sealed record TaskFiles(SessionKey Session, int Generation, TaskId Task, ContainerName Container, ContainerPath? Destination);

/// <summary>Everything an attempt needs to know; made from the session's state, pure data.</summary>
internal sealed record AttemptOrder
{
    public required TaskFiles Files { get; init; }
    public required TaskKind Kind { get; init; }
    public required int Attempt { get; init; }

    /// <summary>The epoch of the shard: part files of an older epoch are adopted by renaming.</summary>
    public required long Epoch { get; init; }
    public required ITrust Trust { get; init; }
    public required string Url { get; init; }

    /// <summary>The origin that named the URL, when no client did: secrets and headers are meant for that one. Null: the URL is the client's own.</summary>
    public string? NamedBy { get; init; }
    public required string Method { get; init; }

    /// <summary>Session's and task's headers, merged.</summary>
    public required IReadOnlyDictionary<string, string> Headers { get; init; }

    /// <summary>Upload: what is sent.</summary>
    public FileReference? Source { get; init; }

    /// <summary>Upload: what is sent when it is a multipart body; every part has its container.</summary>
    public IReadOnlyList<ContentPart>? Parts { get; init; }

    public MultipartForm? Multipart { get; init; }
    public UploadProtocol UploadProtocol { get; init; } = UploadProtocol.Plain;

    /// <summary>Download: what its request carries.</summary>
    public FileReference? Body { get; init; }
    public required TimeSpan IdleTimeout { get; init; }

    /// <summary>Connections of the session to one host, over all its attempts.</summary>
    public int SessionHostMax { get; init; } = 6;

    /// <summary>The task's own limit; null: only those of session, node and origin.</summary>
    public long? BytesPerSecondMax { get; init; }

    /// <summary>The task's limit as it may change while the attempt runs; null: it does not.</summary>
    public RateGate? TaskRate { get; init; }

    /// <summary>The session's limit, which its attempts share.</summary>
    public RateGate? SessionRate { get; init; }
    public required IReadOnlyList<string> AcceptStatus { get; init; }
    public required IReadOnlyList<int> RetryStatuses { get; init; }

    /// <summary>Statuses that pause the task until its client says how to go on.</summary>
    public IReadOnlyList<string> RecoverableStatus { get; init; } = [];
    public string? Sha256 { get; init; }
    public SourceChangePolicy SourceChange { get; init; } = SourceChangePolicy.Restart;
    public long? MaxBytes { get; init; }

    /// <summary>Room to reserve when the origin names no length; a client's word, and no limit.</summary>
    public long? ExpectedBytes { get; init; }

    /// <summary>Random access: the bytes that go before others; null when nobody may ask for any.</summary>
    public RangeWishes? Wishes { get; init; }

    /// <summary>The last journaled checkpoint of the part; null starts from zero.</summary>
    public PartCheckpoint? Resume { get; init; }

    /// <summary>A first start goes on from this part of another task, by a copy; null when there is none.</summary>
    public KeptPart? Kept { get; init; }

    /// <summary>Download: the next one into the same file will ask whether its content changed, so this one says with what (<see cref="AttemptOutcome.Finished.Fetched"/>).</summary>
    public bool IsRepeated { get; init; }

    /// <summary>What an earlier one fetched: asked about, and left as it is, while it is still in its place.</summary>
    public FetchedFile? Fetched { get; init; }

    /// <summary>W3C trace parent of the request that created the task.</summary>
    public string? TraceParent { get; init; }

    /// <summary>Whose credentials, through which proxy, under which TLS: all by name, resolved when a request is sent.</summary>
    public AccessReferences Access { get; init; } = AccessReferences.None;
}

/// <summary>
/// How a session gets to its origins. Names of secrets only: an order can be logged and shown. Values are looked up at the moment of
/// use, so that a node with a corrected secret goes on at once.
/// </summary>
internal sealed record AccessReferences
{
    public static readonly AccessReferences None = new();

    public IReadOnlyList<CredentialRule> Credentials { get; init; } = [];
    public string? Proxy { get; init; }

    /// <summary>What the client gave for that proxy, in place of the user of its secret.</summary>
    public CredentialRule? ToProxy { get; init; }
    public TlsConfiguration? Tls { get; init; }

    /// <summary>Challenges that the client does not want answered.</summary>
    public IReadOnlyList<AttemptChallenge> Rejected { get; init; } = [];
}

/// <summary>
/// What of a part file is flushed: a prefix, and ranges beyond it. <see cref="Complete"/> is reported once before a long download's file is published: with
/// <see cref="Identity"/> a file that was renamed just before a crash is recognised instead of being fetched again.
/// </summary>
internal sealed record PartCheckpoint
{
    /// <summary>The part's file name in the container's hidden folder.</summary>
    public required string Part { get; init; }
    public required long Bytes { get; init; }

    /// <summary>Flushed ranges beyond the prefix; null when there are none.</summary>
    public RangeSet? Ranges { get; init; }
    public long? Total { get; init; }

    /// <summary>Strong ETag, or a Last-Modified that is strong by RFC 9110 8.8.2.2; null: cannot resume.</summary>
    public string? Validator { get; init; }
    public bool Complete { get; init; }
    public FileIdentity? Identity { get; init; }

    /// <summary>Hex SHA-256 when complete and computed.</summary>
    public string? Sha256 { get; init; }

    /// <summary>Where a resumable upload stands at its target; <see cref="Bytes"/> repeats its offset.</summary>
    public UploadState? Upload { get; init; }

    /// <summary>The object that the part becomes, in an object store; null on a disk.</summary>
    public ObjectUpload? Object { get; init; }

    /// <summary>Everything that is flushed.</summary>
    [JsonIgnore]
    public RangeSet Durable => Bytes > 0 ? (Ranges ?? RangeSet.Empty).Add(new ByteRange(0, Bytes)) : Ranges ?? RangeSet.Empty;

    /// <summary>How long the file must be at least.</summary>
    [JsonIgnore]
    public long DurableEnd => Math.Max(Bytes, Ranges?.End ?? 0);
}

/// <summary>Which file it is, on the store where it lies; survives a rename.</summary>
internal sealed record FileIdentity(ulong Inode, long Length, long ModifiedNs);

/// <summary>A file of a repeated download: with what its origin is asked whether the content changed, and which file it is. Persisted: append only.</summary>
/// <param name="Validator">An entity tag, which may be weak, or a date.</param>
/// <param name="Identity">As it was published.</param>
internal sealed record FetchedFile(string Validator, FileIdentity Identity);

/// <summary>The head of a response.</summary>
internal sealed record AttemptResponse
{
    public required string Url { get; init; }
    public required int Status { get; init; }

    /// <summary>At most 64 headers and 16 KiB, secret ones masked already.</summary>
    public required IReadOnlyDictionary<string, string> Headers { get; init; }
    public required bool Resumable { get; init; }

    /// <summary>The reason of the verdict, as a sentence.</summary>
    public required string ResumableWhy { get; init; }

    /// <summary>How long it took to get here.</summary>
    public AttemptPhases? Phases { get; init; }

    /// <summary>The byte the attempt goes on from; 0 for a start.</summary>
    public required long From { get; init; }
    public long? Total { get; init; }
}

/// <summary>How an attempt ended.</summary>
internal abstract record AttemptOutcome
{
    private AttemptOutcome()
    {
    }

    /// <summary>Done and durable. <see cref="Response"/> is the last response's head, also when it was not reported before.</summary>
    internal sealed record Finished(AttemptResponse Response, long BytesReceived, long BytesSent, FileView? File, bool Verified, string? Sha256) : AttemptOutcome
    {
        /// <summary>Of a repeated download: what lies there now; null when the next one cannot ask.</summary>
        public FetchedFile? Fetched { get; init; }

        /// <summary>The origin says that its content is still that of the file that was fetched before, which was left as it is; there is no other <see cref="File"/>.</summary>
        public bool IsUnchanged { get; init; }

        /// <summary>Of an upload: why its target's answer is not its file, as a sentence; null when it is, or when there was none.</summary>
        public string? Unkept { get; init; }
    }

    /// <summary>Not done. The session decides whether and when it is tried again.</summary>
    internal sealed record Failed(AttemptFailure Failure) : AttemptOutcome;

    /// <summary>Ended because it was asked to; the last reported checkpoint holds.</summary>
    internal sealed record Stopped(long BytesReceived) : AttemptOutcome;
}

/// <summary>What went wrong with an attempt.</summary>
internal sealed record AttemptFailure
{
    /// <summary>One of <see cref="TransferCodes"/>.</summary>
    public required string Code { get; init; }

    /// <summary>A sentence without secrets, queries or header values.</summary>
    public required string Message { get; init; }

    /// <summary>False ends the task.</summary>
    public required bool Retryable { get; init; }

    /// <summary>Set when this node is to blame (storage, no network): the waiting reason instead of retry.</summary>
    public string? WaitReason { get; init; }

    /// <summary>What the server asked for, at most 24 h.</summary>
    public TimeSpan? RetryAfter { get; init; }
    public int? Status { get; init; }
    public long BytesReceived { get; init; }

    /// <summary>Of an upload: bytes that the target has, or may have.</summary>
    public long BytesSent { get; init; }
    public AttemptResponse? Response { get; init; }

    /// <summary>The part is of no use any more: start from zero.</summary>
    public bool DiscardPart { get; init; }

    /// <summary>Set with <see cref="TransferCodes.Credential"/>: what was asked for. The task waits until somebody does something about it.</summary>
    public AttemptChallenge? Challenge { get; init; }
}

/// <summary>An authentication challenge that could not be answered. Persisted: append only. No secrets, no header values but the realm.</summary>
internal sealed record AttemptChallenge
{
    /// <summary>Lower case; null when the server named none.</summary>
    public string? Scheme { get; init; }
    public string? Realm { get; init; }
    public required string Host { get; init; }
    public required int Port { get; init; }
    public bool IsProxy { get; init; }

    /// <summary>A credential was sent and not accepted.</summary>
    public bool WasRefused { get; init; }
}

/// <summary>Stable codes of failed attempts and failed tasks.</summary>
internal static class TransferCodes
{
    public const string ConnectFailed = "connectFailed";
    public const string NameNotResolved = "nameNotResolved";
    public const string TlsFailed = "tlsFailed";
    public const string AddressRefused = "addressRefused";
    public const string ConnectionLost = "connectionLost";
    public const string Truncated = "truncated";
    public const string IdleTimeout = "idleTimeout";
    public const string TooSlow = "tooSlow";
    public const string ProtocolError = "protocolError";
    public const string HeadersTooLarge = "headersTooLarge";
    public const string HttpStatus = "httpStatus";
    public const string TooManyRedirects = "tooManyRedirects";
    public const string BadRedirect = "badRedirect";
    public const string InsecureRedirect = "insecureRedirect";
    public const string TooLarge = "tooLarge";
    public const string DigestMismatch = "digestMismatch";
    public const string SourceChanged = "sourceChanged";
    public const string SourceMissing = "sourceMissing";
    public const string Ambiguous = "ambiguous";
    public const string StorageFull = "storageFull";
    public const string StorageFailed = "storageFailed";
    public const string TimedOut = "timedOut";
    public const string Interrupted = "interrupted";
    public const string Expired = "expired";
    public const string ForceQuit = "forceQuit";
    public const string HeldBack = "heldBack";
    public const string Cancelled = "cancelled";
    public const string Credential = "credential";
    public const string SecretMissing = "secretMissing";
    public const string ProxyFailed = "proxyFailed";
}

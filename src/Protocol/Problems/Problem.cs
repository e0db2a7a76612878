using System.Text.Json.Serialization;

namespace Backhaul.Protocol;

/// <summary>An error answer (RFC 9457) with a stable code and a sentence that says what to do.</summary>
public sealed record Problem
{
    /// <summary><c>about:blank</c>, for the code tells problems apart; a registered type where a standard names one.</summary>
    public string Type { get; init; } = "about:blank";

    /// <summary>The status' name.</summary>
    public string? Title { get; init; }

    /// <summary>The HTTP status.</summary>
    public required int Status { get; init; }

    /// <summary>One of <see cref="ProblemCodes"/>.</summary>
    public required string Code { get; init; }

    /// <summary>What is wrong and what to do.</summary>
    public required string Detail { get; init; }

    /// <summary>The field that is wrong, as a JSON path.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Field { get; init; }

    /// <summary>Where an upload stands.</summary>
    [JsonPropertyName("expected-offset")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public long? ExpectedOffset { get; init; }

    /// <summary>Where the request wanted to go on.</summary>
    [JsonPropertyName("provided-offset")]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public long? ProvidedOffset { get; init; }
}

/// <summary>Stable codes of problems and of task errors.</summary>
public static class ProblemCodes
{
    /// <summary>An identifier or id breaks its rule.</summary>
    public const string InvalidIdentifier = "invalidIdentifier";

    /// <summary>The body is not JSON of the expected shape.</summary>
    public const string InvalidJson = "invalidJson";

    /// <summary>The request is not what this call takes, in a way that no other code names.</summary>
    public const string InvalidRequest = "invalidRequest";

    /// <summary>The body has a field that this call does not know.</summary>
    public const string UnknownField = "unknownField";

    /// <summary>A field or parameter has a value that it cannot have.</summary>
    public const string InvalidField = "invalidField";

    /// <summary>The URL is not absolute, or has user information in it.</summary>
    public const string InvalidUrl = "invalidUrl";

    /// <summary>The URL is neither http nor https.</summary>
    public const string UnsupportedScheme = "unsupportedScheme";

    /// <summary>A header's name or value has characters that HTTP does not allow.</summary>
    public const string InvalidHeader = "invalidHeader";

    /// <summary>The header belongs to the transfer engine.</summary>
    public const string ForbiddenHeader = "forbiddenHeader";

    /// <summary>The path could leave its container, or breaks another rule of paths.</summary>
    public const string InvalidPath = "invalidPath";

    /// <summary>No container has this name.</summary>
    public const string UnknownContainer = "unknownContainer";

    /// <summary>No secret of this name may be used for this by this tenant.</summary>
    public const string UnknownSecret = "unknownSecret";

    /// <summary>The events that were asked for ended unread with their retention.</summary>
    public const string EventsExpired = "eventsExpired";

    /// <summary>No launch of this number was made.</summary>
    public const string LaunchNotFound = "launchNotFound";

    /// <summary>The cursor was not given out by this list.</summary>
    public const string InvalidCursor = "invalidCursor";

    /// <summary>The Idempotency-Key breaks its rule.</summary>
    public const string InvalidIdempotencyKey = "invalidIdempotencyKey";

    /// <summary>The Idempotency-Key was used for another content.</summary>
    public const string IdempotencyKeyReused = "idempotencyKeyReused";

    /// <summary>The body is larger than this call takes.</summary>
    public const string BodyTooLarge = "bodyTooLarge";

    /// <summary>The array is longer than this call takes.</summary>
    public const string TooManyItems = "tooManyItems";

    /// <summary>The body has a media type that this call does not take.</summary>
    public const string UnsupportedMediaType = "unsupportedMediaType";

    /// <summary>No session has this identifier.</summary>
    public const string SessionNotFound = "sessionNotFound";

    /// <summary>The session has ended, or takes no more tasks.</summary>
    public const string SessionInvalidated = "sessionInvalidated";

    /// <summary>The session was set aside; operators must look at it.</summary>
    public const string SessionQuarantined = "sessionQuarantined";

    /// <summary>The session has as many tasks as it may have.</summary>
    public const string SessionLimit = "sessionLimit";

    /// <summary>The field cannot change after the session was created.</summary>
    public const string ImmutableField = "immutableField";

    /// <summary>The session has no task of this id.</summary>
    public const string TaskNotFound = "taskNotFound";

    /// <summary>The session has another task of this id.</summary>
    public const string TaskExists = "taskExists";

    /// <summary>The task has ended and cannot change any more.</summary>
    public const string TaskEnded = "taskEnded";

    /// <summary>The task must be suspended or waiting for this change.</summary>
    public const string TaskRunning = "taskRunning";

    /// <summary>The task was not created with randomAccess, so nobody may ask for ranges of it.</summary>
    public const string NotRandomAccess = "notRandomAccess";

    /// <summary>The task is in no group, so it cannot be made current there.</summary>
    public const string NoGroup = "noGroup";

    /// <summary>The session has no group, or no completion group, of this name.</summary>
    public const string GroupNotFound = "groupNotFound";

    /// <summary>The session prefetches nothing.</summary>
    public const string PrefetchNotFound = "prefetchNotFound";

    /// <summary>What a list URL gave is no list of URLs.</summary>
    public const string InvalidList = "invalidList";

    /// <summary>The task is an upload, and this is for downloads.</summary>
    public const string NotDownload = "notDownload";

    /// <summary>The resume data was changed, or is not of this cluster, this version or this tenant.</summary>
    public const string InvalidResumeData = "invalidResumeData";

    /// <summary>The part that the resume data names is not kept any longer.</summary>
    public const string ResumeDataExpired = "resumeDataExpired";

    /// <summary>The completion group was enabled and takes no more tasks.</summary>
    public const string CompletionGroupClosed = "completionGroupClosed";

    /// <summary>The task does not wait for this answer (any more).</summary>
    public const string NoQuestion = "noQuestion";

    /// <summary>The credential cannot answer what is asked for.</summary>
    public const string CredentialMisfit = "credentialMisfit";

    /// <summary>Another task owns this destination.</summary>
    public const string DestinationTaken = "destinationTaken";

    /// <summary>The task has no content (yet).</summary>
    public const string NoContent = "noContent";

    /// <summary>The container has no file of this path.</summary>
    public const string FileNotFound = "fileNotFound";

    /// <summary>There is no such upload.</summary>
    public const string UploadNotFound = "uploadNotFound";

    /// <summary>The upload was left alone for too long.</summary>
    public const string UploadExpired = "uploadExpired";

    /// <summary>The upload stands at another byte.</summary>
    public const string UploadOffset = "uploadOffset";

    /// <summary>The length is not the one that was said before.</summary>
    public const string UploadLength = "uploadLength";

    /// <summary>All bytes are there already.</summary>
    public const string UploadComplete = "uploadComplete";

    /// <summary>Another request appends to the upload.</summary>
    public const string UploadBusy = "uploadBusy";

    /// <summary>The tenant has as many unfinished uploads as it may have.</summary>
    public const string UploadLimit = "uploadLimit";

    /// <summary>The bytes have another checksum.</summary>
    public const string ChecksumMismatch = "checksumMismatch";

    /// <summary>The number is beyond the newest event.</summary>
    public const string FutureEvent = "futureEvent";

    /// <summary>The session has no webhook for that.</summary>
    public const string NoWebhook = "noWebhook";

    /// <summary>The webhook is disabled.</summary>
    public const string WebhookDisabled = "webhookDisabled";

    /// <summary>The events are not kept any more.</summary>
    public const string EventsGone = "eventsGone";

    /// <summary>The file is not the one that the condition names.</summary>
    public const string PreconditionFailed = "preconditionFailed";

    /// <summary>The range lies beyond the end of the file.</summary>
    public const string RangeNotSatisfiable = "rangeNotSatisfiable";

    /// <summary>There is no such call.</summary>
    public const string NotFound = "notFound";

    /// <summary>The path does not take this method.</summary>
    public const string MethodNotAllowed = "methodNotAllowed";

    /// <summary>The key is missing or not known.</summary>
    public const string Unauthenticated = "unauthenticated";

    /// <summary>The key does not allow this.</summary>
    public const string Forbidden = "forbidden";

    /// <summary>Too many requests wait already; try again later.</summary>
    public const string Busy = "busy";

    /// <summary>The session cannot answer at the moment; the same request may be sent again.</summary>
    public const string Unavailable = "unavailable";

    /// <summary>There is no room on the store.</summary>
    public const string StorageFull = "storageFull";

    /// <summary>The store cannot be read or written.</summary>
    public const string StorageFailed = "storageFailed";

    /// <summary>A bug of the node; its log has the details.</summary>
    public const string InternalError = "internalError";
}

using System.Text.Json.Serialization;

namespace Backhaul.Protocol;

/// <summary>An error answer (RFC 9457) with a stable code and a sentence that says what to do.</summary>
public sealed record Problem
{
    /// <summary>Always <c>about:blank</c>: the code tells problems apart.</summary>
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
}

/// <summary>Stable codes of problems and of task errors.</summary>
public static class ProblemCodes
{
#pragma warning disable CS1591 // each name is the code; docs/protocol.md explains them
    public const string InvalidIdentifier = "invalidIdentifier";
    public const string InvalidJson = "invalidJson";
    public const string UnknownField = "unknownField";
    public const string InvalidField = "invalidField";
    public const string InvalidUrl = "invalidUrl";
    public const string UnsupportedScheme = "unsupportedScheme";
    public const string InvalidHeader = "invalidHeader";
    public const string ForbiddenHeader = "forbiddenHeader";
    public const string InvalidPath = "invalidPath";
    public const string UnknownContainer = "unknownContainer";
    public const string InvalidCursor = "invalidCursor";
    public const string InvalidIdempotencyKey = "invalidIdempotencyKey";
    public const string IdempotencyKeyReused = "idempotencyKeyReused";
    public const string BodyTooLarge = "bodyTooLarge";
    public const string TooManyItems = "tooManyItems";
    public const string UnsupportedMediaType = "unsupportedMediaType";
    public const string SessionNotFound = "sessionNotFound";
    public const string SessionInvalidated = "sessionInvalidated";
    public const string SessionQuarantined = "sessionQuarantined";
    public const string SessionLimit = "sessionLimit";
    public const string ImmutableField = "immutableField";
    public const string TaskNotFound = "taskNotFound";
    public const string TaskExists = "taskExists";
    public const string TaskEnded = "taskEnded";
    public const string TaskRunning = "taskRunning";
    public const string DestinationTaken = "destinationTaken";
    public const string NoContent = "noContent";
    public const string FileNotFound = "fileNotFound";
    public const string FutureEvent = "futureEvent";
    public const string RangeNotSatisfiable = "rangeNotSatisfiable";
    public const string NotFound = "notFound";
    public const string MethodNotAllowed = "methodNotAllowed";
    public const string Unauthenticated = "unauthenticated";
    public const string Forbidden = "forbidden";
    public const string Busy = "busy";
    public const string Unavailable = "unavailable";
    public const string StorageFull = "storageFull";
    public const string StorageFailed = "storageFailed";
    public const string InternalError = "internalError";
#pragma warning restore CS1591
}

using Backhaul.Node.Sessions;

namespace Backhaul.Node.Transfers;

/// <summary>
/// Where a resumable upload stands at its target, as it was last known. Persisted with each checkpoint, append-only optional fields; what the target
/// says when it is asked always wins over <see cref="Offset"/>.
/// </summary>
internal sealed record UploadState
{
    public required UploadProtocol Protocol { get; init; }

    /// <summary>The upload's own URL, absolute.</summary>
    public string? Location { get; init; }

    /// <summary>Bytes that the target confirmed.</summary>
    public long Offset { get; init; }

    /// <summary>Bytes of the whole source.</summary>
    public long Length { get; init; }

    /// <summary>Which file is being sent: another one must not be appended to it.</summary>
    public FileIdentity? Source { get; init; }

    /// <summary>Interop version of the resumable-upload draft.</summary>
    public int? DraftVersion { get; init; }

    /// <summary>The last byte may have reached the target: from here on, an upload that is gone may have been processed.</summary>
    public bool? LastSent { get; init; }

    /// <summary>The target forgets the upload then.</summary>
    public DateTimeOffset? ExpiresAt { get; init; }

    /// <summary>The target takes a word for ending it early.</summary>
    public bool? CanTerminate { get; init; }

    /// <summary>S3: the upload's id.</summary>
    public string? UploadId { get; init; }

    /// <summary>S3: the parts that are there.</summary>
    public IReadOnlyList<UploadedPart>? Parts { get; init; }
}

/// <summary>A part of a multipart upload to S3 that its target has.</summary>
internal sealed record UploadedPart
{
    public required int Number { get; init; }
    public required string ETag { get; init; }
    public required long Bytes { get; init; }
}

using Backhaul.Protocol;

namespace Backhaul.Node.Files;

/// <summary>
/// Files that come in over any number of requests. What an upload is, how far it is and whom it belongs to lies beside its bytes in the container, so that
/// every node that reaches the container goes on with it, also after the death of the one that took the last byte. An offset is said only of bytes that
/// survive a power cut. Protocols are the edge's matter: this port knows offsets, lengths and digests.
/// </summary>
internal interface IUploadStaging
{
    /// <summary>False for a container that cannot take in a file in pieces.</summary>
    bool Takes(ContainerName container);

    ValueTask<UploadOutcome> CreateAsync(UploadKey key, NewUpload upload, CancellationToken stop);

    /// <summary>
    /// How far it is. A request of this node that still appends to it is ended first, and what it has is kept: a client that asks has given that one up.
    /// </summary>
    ValueTask<UploadOutcome> FindAsync(UploadKey key, CancellationToken stop);

    /// <summary>Takes a body in from an offset on. When the file is complete it is put in place, flushed, before this returns.</summary>
    ValueTask<UploadOutcome> AppendAsync(UploadKey key, UploadAppend append, Stream body, CancellationToken stop);

    /// <summary>Removes it and what it has. A file that is in place stays.</summary>
    ValueTask<UploadOutcome> TerminateAsync(UploadKey key, CancellationToken stop);
}

/// <summary>Names an upload. The tenant is the caller's: nobody finds another's.</summary>
internal readonly record struct UploadKey(TenantId Tenant, ContainerName Container, Guid Id);

/// <summary>What is known of a file before its first byte.</summary>
/// <param name="Path">Where it goes when it is complete.</param>
/// <param name="Length">Null: said by a later request.</param>
/// <param name="Note">Kept and given back as it is.</param>
internal sealed record NewUpload(ContainerPath Path, long? Length, string? Note);

/// <summary>What a request adds.</summary>
internal sealed record UploadAppend
{
    public required long Offset { get; init; }

    /// <summary>The end of the body is the end of the file.</summary>
    public bool IsLast { get; init; }

    /// <summary>The length of the whole file, when the request says it.</summary>
    public long? Length { get; init; }

    /// <summary>What the body will have, when that is known.</summary>
    public long? BodyLength { get; init; }

    /// <summary>The digest of this body: nothing of it counts unless it fits.</summary>
    public UploadChecksum? Checksum { get; init; }
}

/// <summary>A digest by its algorithm.</summary>
internal sealed record UploadChecksum(System.Security.Cryptography.HashAlgorithmName Algorithm, ReadOnlyMemory<byte> Digest);

/// <summary>How far an upload is.</summary>
internal sealed record UploadProgress(ContainerPath Path, long Offset, long? Length, bool IsComplete, DateTimeOffset ExpiresAt, string? Note, string? ETag, bool Created);

/// <summary>What became of a call.</summary>
internal abstract record UploadOutcome
{
    private UploadOutcome()
    {
    }

    internal sealed record Known(UploadProgress Upload) : UploadOutcome;

    /// <summary>The body broke off, or another request took the upload over; what came is kept.</summary>
    internal sealed record Interrupted(UploadProgress Upload) : UploadOutcome;

    internal sealed record NotFound : UploadOutcome;

    internal sealed record Expired : UploadOutcome;

    /// <summary>Another node appends to it, or the request before does not end.</summary>
    internal sealed record Busy : UploadOutcome;

    internal sealed record AtAnotherOffset(UploadProgress Upload) : UploadOutcome;

    /// <summary>It has all its bytes already.</summary>
    internal sealed record CompleteAlready(UploadProgress Upload) : UploadOutcome;

    /// <summary>The length differs from the one said before, or the bytes do not fit into it.</summary>
    internal sealed record OtherLength(long? Length) : UploadOutcome;

    internal sealed record TooLarge(long BytesMax) : UploadOutcome;

    internal sealed record TooMany(int UploadsMax) : UploadOutcome;

    internal sealed record ChecksumDiffers : UploadOutcome;

    internal sealed record Refused(Problem Problem) : UploadOutcome;
}

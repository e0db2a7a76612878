namespace Backhaul.Node.Transfers.Uploads.Resumable;

/// <summary>What a target's answer means, whichever dialect it speaks.</summary>
internal enum ReplyKind
{
    /// <summary>The upload exists at <see cref="TargetReply.Location"/>.</summary>
    Created = 1,

    /// <summary>It has <see cref="TargetReply.Offset"/> bytes; null after an append: all that was sent.</summary>
    Offset = 2,

    /// <summary>It has everything, and this is the answer of what the upload was for.</summary>
    Complete = 3,

    /// <summary>What was sent does not go on from where it is; its own offset may be told.</summary>
    Mismatch = 4,

    /// <summary>There is no such upload (any more).</summary>
    Gone = 5,

    /// <summary>The bytes arrived damaged and were dropped.</summary>
    Damaged = 6,

    /// <summary>One request was too large.</summary>
    TooLarge = 7,

    /// <summary>Another request holds the upload.</summary>
    Locked = 8,

    /// <summary>The target does not speak this version, or not this extension.</summary>
    Unsupported = 9,

    /// <summary>A success without what the protocol demands of one.</summary>
    Senseless = 10,

    /// <summary>Any other status.</summary>
    Refused = 11,
}

/// <summary>An answer in the words of the rules. Pure data.</summary>
internal sealed record TargetReply(ReplyKind Kind, int Status)
{
    public string? Location { get; init; }
    public long? Offset { get; init; }
    public long? Length { get; init; }
    public UploadLimits? Limits { get; init; }

    /// <summary>The target forgets the upload then.</summary>
    public DateTimeOffset? ExpiresAt { get; init; }

    /// <summary>The interop version in which the target answered.</summary>
    public int? Version { get; init; }

    /// <summary>The answer of what the upload was for, whose status decides whether it is good.</summary>
    public bool IsFinal { get; init; }
}

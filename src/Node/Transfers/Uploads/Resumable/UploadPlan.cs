namespace Backhaul.Node.Transfers.Uploads.Resumable;

/// <summary>An upload as one attempt knows it: what is certain, what the target allows, and how much patience is left. Pure data.</summary>
internal sealed record UploadPlan
{
    public required IUploadDialect Dialect { get; init; }
    public required long Length { get; init; }

    /// <summary>A second upload of the same would be a second act at the target (POST).</summary>
    public required bool MustNotRepeat { get; init; }

    /// <summary>Bytes of one append, unless the target's limits or its refusals say otherwise.</summary>
    public required long ChunkBytes { get; init; }

    /// <summary>Host and port, for sentences.</summary>
    public required string Origin { get; init; }

    /// <summary>The upload's URL; null before it was created.</summary>
    public Uri? Location { get; init; }

    /// <summary>Bytes that the target confirmed.</summary>
    public long Offset { get; init; }

    /// <summary>An earlier request with the last byte went unanswered.</summary>
    public bool LastInDoubt { get; init; }
    public UploadLimits? Limits { get; init; }
    public DateTimeOffset? ExpiresAt { get; init; }

    /// <summary>The version that the target named itself was tried.</summary>
    public bool TriedNamed { get; init; }

    public int Restarts { get; init; }
    public int Doubts { get; init; }
    public int Resends { get; init; }
    public int Stalls { get; init; }
    public int Shrinks { get; init; }

    public long ChunkMin => Math.Max(1, Limits?.MinAppendSize ?? 1);

    public long ChunkMax => Math.Max(ChunkMin, Math.Min(ChunkBytes, Limits?.MaxAppendSize is > 0 and var most ? most : long.MaxValue));
}

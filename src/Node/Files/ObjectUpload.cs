namespace Backhaul.Node.Files;

/// <summary>An object that is being written to an object store in parts: what another node needs to go on or to give it up. Persisted.</summary>
internal sealed record ObjectUpload
{
    /// <summary>The store's id of the upload.</summary>
    public required string UploadId { get; init; }

    public IReadOnlyList<ObjectPart> Parts { get; init; } = [];
}

/// <summary>A part that the store has, with the tag by which it is put into the whole. Persisted.</summary>
internal sealed record ObjectPart(int Number, string ETag, long From, long To);

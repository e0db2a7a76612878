namespace Backhaul.Protocol;

/// <summary>One part of a multipart upload: a text, or a file of a container.</summary>
public sealed record ContentPart
{
    /// <summary>The name of the form's field; needed for <c>form-data</c>, not taken for other subtypes.</summary>
    public string? Name { get; init; }

    /// <summary>The file name that the target is told; only for <c>form-data</c>.</summary>
    public string? FileName { get; init; }

    /// <summary>Headers of the part, such as <c>Content-Type</c>.</summary>
    public IReadOnlyDictionary<string, string>? Headers { get; init; }

    /// <summary>The part's text, sent as UTF-8.</summary>
    public string? Text { get; init; }

    /// <summary>The file that is the part's content.</summary>
    public FileReference? Source { get; init; }
}

/// <summary>How the parts of an upload are put together.</summary>
public sealed record MultipartForm
{
    /// <summary>The subtype of <c>multipart/</c>. Default <c>form-data</c>.</summary>
    public string? Subtype { get; init; }

    /// <summary>The text between parts, 1 to 70 characters; without it the node makes one that is hard to guess.</summary>
    public string? Boundary { get; init; }
}

namespace Backhaul.Protocol;

/// <summary>A file of a container.</summary>
public sealed record FileView
{
    /// <summary>Its container.</summary>
    public required string Container { get; init; }

    /// <summary>Its path there.</summary>
    public required string Path { get; init; }

    /// <summary>Its length in bytes.</summary>
    public required long Length { get; init; }

    /// <summary>SHA-256 in lower-case hex, where it was computed.</summary>
    public string? Sha256 { get; init; }

    /// <summary>The validator of a download's file: another file of that path has another.</summary>
    [System.Text.Json.Serialization.JsonPropertyName("etag")]
    public string? ETag { get; init; }
}

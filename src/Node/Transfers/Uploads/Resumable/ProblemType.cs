using System.Text.Json;

namespace Backhaul.Node.Transfers.Uploads.Resumable;

/// <summary>The <c>type</c> of a problem document (RFC 9457). Pure.</summary>
internal static class ProblemType
{
    /// <summary>Null when the document has none, or is none.</summary>
    public static string? Read(ReadOnlyMemory<byte> document)
    {
        try
        {
            using var parsed = JsonDocument.Parse(document, new JsonDocumentOptions { MaxDepth = 16 });
            return parsed.RootElement.ValueKind == JsonValueKind.Object && parsed.RootElement.TryGetProperty("type", out var type) && type.ValueKind == JsonValueKind.String
                ? type.GetString()
                : null;
        }
        catch (JsonException)
        {
            return null; // what is no JSON is no problem document either
        }
    }
}

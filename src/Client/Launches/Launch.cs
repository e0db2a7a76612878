using System.Text.Json;
using Backhaul.Protocol;

namespace Backhaul.Client;

/// <summary>
/// A session asks for its client, which is not attached: all tasks have ended, or something waits for an answer. The client attaches,
/// handles the events, and calls <see cref="BackgroundSession.CompleteLaunchAsync"/>. An abandoned launch is repeated.
/// </summary>
public sealed record Launch
{
    /// <summary>The type of the message.</summary>
    public const string MessageType = "backhaul.launch";

    private const string SourcePrefix = "/sessions/";

    /// <summary>The session's identifier.</summary>
    public required string Session { get; init; }

    /// <summary>1, 2, 3 … in the session.</summary>
    public required long Number { get; init; }

    /// <summary>Why, as a word: <c>tasksEnded</c>, <c>challenge</c> …</summary>
    public string? Reason { get; init; }

    /// <summary>The number of the newest event when it was asked for.</summary>
    public long? LastEvent { get; init; }

    /// <summary>Reads the body of a launch, a CloudEvent. Null when it is something else; check its signature before.</summary>
    public static Launch? TryParse(ReadOnlyMemory<byte> body)
    {
        try
        {
            using var document = JsonDocument.Parse(body, new JsonDocumentOptions { MaxDepth = 16 });
            var root = document.RootElement;
            if (root.ValueKind != JsonValueKind.Object || Text(root, "type") != MessageType
                || Text(root, "source") is not { } source || !source.StartsWith(SourcePrefix, StringComparison.Ordinal)
                || !root.TryGetProperty("data", out var data) || data.ValueKind != JsonValueKind.Object
                || Number64(data, "launch") is not { } number
                || !SessionIdentifier.TryParse(Uri.UnescapeDataString(source[SourcePrefix.Length..]), out var session))
            {
                return null;
            }
            return new Launch { Session = session.ToString(), Number = number, Reason = Text(data, "reason"), LastEvent = Number64(data, "lastEvent") };
        }
        catch (JsonException)
        {
            return null;   // not JSON: not a launch
        }
    }

    private static string? Text(JsonElement of, string name) =>
        of.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    private static long? Number64(JsonElement of, string name) =>
        of.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Number && value.TryGetInt64(out var number) ? number : null;
}

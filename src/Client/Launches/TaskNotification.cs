using System.Text.Json;
using Backhaul.Protocol;

namespace Backhaul.Client;

/// <summary>
/// That a task has succeeded or failed, told to the URL of its <see cref="TaskNotify"/>. It comes at least once: <see cref="Id"/> is the
/// de-duplication key, and so is the task.
/// </summary>
public sealed record TaskNotification
{
    /// <summary>The type of the message of a task that succeeded.</summary>
    public const string SucceededType = "backhaul.taskSucceeded";

    /// <summary>The type of the message of a task that failed or expired.</summary>
    public const string FailedType = "backhaul.taskFailed";

    /// <summary>Of the message, as in its header <c>webhook-id</c>.</summary>
    public required string Id { get; init; }

    /// <summary>True when the task succeeded.</summary>
    public required bool Succeeded { get; init; }

    /// <summary>How it ended.</summary>
    public required TaskNotificationData Data { get; init; }

    /// <summary>Reads the body of a notification, a CloudEvent. Null when it is something else; check its signature before.</summary>
    public static TaskNotification? TryParse(ReadOnlyMemory<byte> body)
    {
        try
        {
            using var document = JsonDocument.Parse(body, new JsonDocumentOptions { MaxDepth = 16 });
            var root = document.RootElement;
            return root.ValueKind == JsonValueKind.Object
                && Text(root, "type") is SucceededType or FailedType && Text(root, "id") is { } id
                && root.TryGetProperty("data", out var data) && data.Deserialize(ProtocolJson.Default.TaskNotificationData) is { } ended
                ? new TaskNotification { Id = id, Succeeded = Text(root, "type") == SucceededType, Data = ended }
                : null;
        }
        catch (JsonException)
        {
            return null;   // not JSON, or data of something else
        }
    }

    private static string? Text(JsonElement of, string name) =>
        of.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;
}

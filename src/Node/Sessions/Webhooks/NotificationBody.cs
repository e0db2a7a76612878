using System.Text.Json;
using Backhaul.Node.Delivery;
using Backhaul.Node.Transfers;
using Backhaul.Protocol;

namespace Backhaul.Node.Sessions;

/// <summary>What a notification says: how a task ended, off the archive. Neither headers nor a query of a URL are in it, and what its last event said it says as well.</summary>
internal static class NotificationBody
{
    /// <param name="id">Of the message.</param>
    /// <param name="session">Whose task it was.</param>
    /// <param name="number">Of the task's last event.</param>
    /// <param name="generation">Of the session.</param>
    /// <param name="ended">The task.</param>
    public static ReadOnlyMemory<byte> Write(string id, SessionKey session, long number, int generation, TaskState ended)
    {
        var end = ended.End!;
        var type = end.Outcome is TaskOutcomes.Succeeded ? "taskSucceeded" : "taskFailed";
        var data = new TaskNotificationData
        {
            Session = session.Identifier.ToString(),
            Generation = generation,
            Task = ended.Id.ToString(),
            Event = number,
            Kind = TaskViews.KindOf(ended.Spec.Kind),
            Url = ShownUrl.Of(ended.Spec.Url),
            Description = ended.Spec.Description,
            Outcome = end.Outcome,
            Error = end.Error,
            Status = end.StatusOf(ended.Run),
            BytesReceived = end.BytesReceived,
            BytesSent = end.BytesSent,
            Integrity = end.Integrity,
            Sha256 = end.Sha256,
            File = end.File,
            Attempts = ended.Run?.Attempt ?? 0,
            CreatedAt = ended.CreatedAt,
            StartedAt = ended.Run?.StartedAt,
            EndedAt = end.At,
        };
        return CloudEvent.Write(id, session, type, end.At, $"tasks/{ended.Id}", json => JsonSerializer.Serialize(json, data, ProtocolJson.Default.TaskNotificationData));
    }
}

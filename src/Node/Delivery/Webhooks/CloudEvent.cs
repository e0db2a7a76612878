using System.Buffers;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Backhaul.Protocol;

namespace Backhaul.Node.Delivery;

/// <summary>The body of a webhook: CloudEvents 1.0, structured, in JSON. Pure.</summary>
internal static class CloudEvent
{
    public const string ContentType = "application/cloudevents+json";

    /// <summary>Of every type, so that receivers can tell these from other senders' events.</summary>
    public const string TypePrefix = "backhaul.";

    /// <summary>
    /// The id of one message: it follows from what the message is about, so whichever node sends it, however often, it is the same. The id says nothing
    /// of tenant and session to those who do not know them.
    /// </summary>
    /// <param name="session">Whose message it is.</param>
    /// <param name="kind"><c>push</c>, <c>launch</c>, <c>notify</c>, <c>test</c>.</param>
    /// <param name="number">Of the event, the launch, or the test.</param>
    public static string IdOf(SessionKey session, string kind, long number) =>
        "msg_" + Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"backhaul/{session}/{kind}/{number}")).AsSpan(0, 16));

    /// <param name="id">By <see cref="IdOf"/>.</param>
    /// <param name="session">The source.</param>
    /// <param name="type">Without the prefix.</param>
    /// <param name="at">When what it tells happened.</param>
    /// <param name="subject">What of the session it is about; null: all of it.</param>
    /// <param name="data">Writes the value of <c>data</c>.</param>
    public static ReadOnlyMemory<byte> Write(string id, SessionKey session, string type, DateTimeOffset at, string? subject, Action<Utf8JsonWriter> data)
    {
        var buffer = new ArrayBufferWriter<byte>(512);
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteString("specversion", "1.0");
            json.WriteString("id", id);
            json.WriteString("source", $"/sessions/{session.Identifier}");
            json.WriteString("type", TypePrefix + type);
            if (subject is not null)
                json.WriteString("subject", subject);
            json.WriteString("time", at.UtcDateTime);
            json.WriteString("datacontenttype", "application/json");
            json.WritePropertyName("data");
            data(json);
            json.WriteEndObject();
        }
        return buffer.WrittenMemory;
    }

    /// <summary>A numbered event of the session, as streams and pages show it.</summary>
    public static ReadOnlyMemory<byte> Write(string id, SessionKey session, EventView view) => Write(
        id, session, view.Type, view.At, view.Task is { } task ? $"tasks/{task}" : null,
        json => JsonSerializer.Serialize(json, view, ProtocolJson.Default.EventView));
}

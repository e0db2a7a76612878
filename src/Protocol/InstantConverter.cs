using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Backhaul.Protocol;

/// <summary>
/// Times by RFC 3339 in requests. A time without an offset is refused: it would mean another instant on every node with another
/// time zone.
/// </summary>
public sealed class InstantConverter : JsonConverter<DateTimeOffset>
{
    /// <inheritdoc/>
    public override DateTimeOffset Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        if (reader.TokenType == JsonTokenType.String && reader.TryGetDateTimeOffset(out var instant) && HasOffset(reader.GetString()!))
            return instant.ToUniversalTime();
        throw new JsonException("A time is RFC 3339 text with an offset, such as \"2030-01-31T12:00:00Z\".");
    }

    /// <inheritdoc/>
    public override void Write(Utf8JsonWriter writer, DateTimeOffset value, JsonSerializerOptions options)
    {
        ArgumentNullException.ThrowIfNull(writer);
        writer.WriteStringValue(value);
    }

    private static bool HasOffset(string text) =>
        text.IndexOf('T', StringComparison.Ordinal) is var time and > 0
        && (text.EndsWith('Z') || text.AsSpan(time).ContainsAny('+', '-'));
}

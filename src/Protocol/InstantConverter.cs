using System.Text.Json;
using System.Text.Json.Serialization;

namespace Backhaul.Protocol;

/// <summary>Times as RFC 3339, written in UTC with <c>Z</c>. A time without an offset is refused: it would mean another moment on every machine.</summary>
public sealed class InstantConverter : JsonConverter<DateTimeOffset>
{
    private const string Rule = "A time is RFC 3339 text with an offset, such as \"2026-11-21T10:30:00Z\".";

    /// <inheritdoc/>
    public override DateTimeOffset Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        if (reader.TokenType != JsonTokenType.String || !HasOffset(reader.GetString()!) || !reader.TryGetDateTimeOffset(out var instant))
            throw new JsonException(Rule);
        return instant.ToUniversalTime();
    }

    /// <inheritdoc/>
    public override void Write(Utf8JsonWriter writer, DateTimeOffset value, JsonSerializerOptions options)
    {
        ArgumentNullException.ThrowIfNull(writer);
        writer.WriteStringValue(value.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.FFFFFFF'Z'", System.Globalization.CultureInfo.InvariantCulture));
    }

    private static bool HasOffset(string text) => text.Length >= 20 && text[10] == 'T' && (text[^1] == 'Z' || text[^6] is '+' or '-');
}

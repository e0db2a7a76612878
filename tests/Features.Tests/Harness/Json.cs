using System.Text.Json;
using System.Text.Json.Serialization;

namespace Backhaul.Features.Tests;

/// <summary>Answers and requests of tests. A field that the records do not have is an error: neither side may know more than the other.</summary>
internal static class Json
{
    private static readonly JsonSerializerOptions Options = new(ProtocolJson.Default.Options)
    {
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        AllowDuplicateProperties = false,
    };

    public static T Read<T>(string text) => JsonSerializer.Deserialize<T>(text, Options) ?? throw new JsonException($"null is no {typeof(T).Name}");

    /// <summary>A text as JSON, with its quotes.</summary>
    public static string Text(string value) => JsonSerializer.Serialize(value, Options);

    /// <summary>A time from now on, with its quotes.</summary>
    public static string In(TimeSpan span) => Text((DateTimeOffset.UtcNow + span).ToString("O", System.Globalization.CultureInfo.InvariantCulture));

    /// <summary>A text of an event's data; null when it is not there.</summary>
    public static string? Text(this EventView shown, string field) => shown.Data.TryGetProperty(field, out var value) ? value.GetString() : null;

    public static long Number(this EventView shown, string field) => shown.Data.GetProperty(field).GetInt64();
}

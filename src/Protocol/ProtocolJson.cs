using System.Text.Json;
using System.Text.Json.Serialization;
using System.Xml;

namespace Backhaul.Protocol;

/// <summary>The JSON of the wire: camelCase names, ISO 8601 durations, nulls left out. Readers of answers ignore fields they do not know.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    Converters = [typeof(DurationConverter)])]
[JsonSerializable(typeof(SessionConfiguration))]
[JsonSerializable(typeof(SessionView))]
[JsonSerializable(typeof(SessionListItem))]
[JsonSerializable(typeof(Page<SessionListItem>))]
[JsonSerializable(typeof(TaskRequest))]
[JsonSerializable(typeof(TaskRequest[]))]
[JsonSerializable(typeof(TaskChange))]
[JsonSerializable(typeof(TaskView))]
[JsonSerializable(typeof(Page<TaskView>))]
[JsonSerializable(typeof(Page<AttemptView>))]
[JsonSerializable(typeof(WhyView))]
[JsonSerializable(typeof(TaskResult))]
[JsonSerializable(typeof(IReadOnlyList<TaskResult>))]
[JsonSerializable(typeof(BulkChunk))]
[JsonSerializable(typeof(EventView))]
[JsonSerializable(typeof(EventPage))]
[JsonSerializable(typeof(AckRequest))]
[JsonSerializable(typeof(AckView))]
[JsonSerializable(typeof(ProgressView))]
[JsonSerializable(typeof(FileView))]
[JsonSerializable(typeof(Problem))]
public sealed partial class ProtocolJson : JsonSerializerContext
{
    /// <summary>The strict reader of requests: unknown fields are errors, depth is bounded, duplicates are refused.</summary>
    public static ProtocolJson Strict { get; } = new(new JsonSerializerOptions
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        Converters = { new DurationConverter() },
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        AllowDuplicateProperties = false,
        MaxDepth = 16,
    });
}

/// <summary>Durations as ISO 8601 text, for instance <c>PT60S</c>.</summary>
public sealed class DurationConverter : JsonConverter<TimeSpan>
{
    /// <inheritdoc/>
    public override TimeSpan Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        if (reader.TokenType != JsonTokenType.String)
            throw new JsonException("A duration is ISO 8601 text such as \"PT60S\".");
        try
        {
            return XmlConvert.ToTimeSpan(reader.GetString()!);
        }
        catch (Exception broken) when (broken is FormatException or OverflowException)
        {
            throw new JsonException("A duration is ISO 8601 text such as \"PT60S\".", broken);
        }
    }

    /// <inheritdoc/>
    public override void Write(Utf8JsonWriter writer, TimeSpan value, JsonSerializerOptions options)
    {
        ArgumentNullException.ThrowIfNull(writer);
        writer.WriteStringValue(XmlConvert.ToString(value));
    }
}

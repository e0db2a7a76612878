using System.Text.Json;
using System.Text.Json.Serialization;

namespace Backhaul.Node.Files;

/// <summary>A set of ranges as an array of <c>[from, to]</c>, half open. Reading merges and sorts, so every order is understood.</summary>
internal sealed class RangeSetConverter : JsonConverter<RangeSet>
{
    private const string Rule = "Ranges are an array of [from, to] with 0 <= from < to.";

    public override RangeSet Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        if (reader.TokenType != JsonTokenType.StartArray)
            throw new JsonException(Rule);
        var ranges = RangeSet.Empty;
        while (reader.Read() && reader.TokenType == JsonTokenType.StartArray)
        {
            var (from, to) = (ReadNumber(ref reader), ReadNumber(ref reader));
            if (from < 0 || to <= from || !reader.Read() || reader.TokenType != JsonTokenType.EndArray)
                throw new JsonException(Rule);
            ranges = ranges.Add(new ByteRange(from, to));
        }
        return reader.TokenType == JsonTokenType.EndArray ? ranges : throw new JsonException(Rule);
    }

    public override void Write(Utf8JsonWriter writer, RangeSet value, JsonSerializerOptions options)
    {
        writer.WriteStartArray();
        foreach (var range in value)
        {
            writer.WriteStartArray();
            writer.WriteNumberValue(range.From);
            writer.WriteNumberValue(range.To);
            writer.WriteEndArray();
        }
        writer.WriteEndArray();
    }

    private static long ReadNumber(ref Utf8JsonReader reader) =>
        reader.Read() && reader.TokenType == JsonTokenType.Number && reader.TryGetInt64(out var number) ? number : throw new JsonException(Rule);
}

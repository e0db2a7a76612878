using System.Text.Json;
using System.Text.Json.Serialization;

namespace Backhaul.Node.Files;

/// <summary>
/// An object that is being written to an object store in parts: what another node needs to go on or to give it up. Persisted with a checkpoint: up to
/// 10,000 parts must fit into one row of the journal, so a part is no more than its number and its tag.
/// </summary>
internal sealed record ObjectUpload
{
    /// <summary>The store's id of the upload.</summary>
    public required string UploadId { get; init; }

    /// <summary>Size of the first part; the others follow from it.</summary>
    public long PartBytes { get; init; }

    /// <summary>The length was not known when the upload began: sizes grow.</summary>
    public bool Grows { get; init; }

    /// <summary>Length of the whole object, once its last part was written.</summary>
    public long? Length { get; init; }

    /// <summary>The parts that the store has, by number.</summary>
    public IReadOnlyList<ObjectPart> Parts { get; init; } = [];
}

/// <summary>A part that the store has, with the tag by which it is put into the whole. As JSON <c>[number, tag]</c>.</summary>
[JsonConverter(typeof(ObjectPartConverter))]
internal readonly record struct ObjectPart(int Number, string ETag);

internal sealed class ObjectPartConverter : JsonConverter<ObjectPart>
{
    public override ObjectPart Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        if (reader.TokenType != JsonTokenType.StartArray || !reader.Read())
            throw new JsonException("A part is an array of its number and its tag.");
        var number = reader.GetInt32();
        if (!reader.Read() || reader.GetString() is not { } tag || !reader.Read() || reader.TokenType != JsonTokenType.EndArray)
            throw new JsonException("A part is an array of its number and its tag.");
        return new ObjectPart(number, tag);
    }

    public override void Write(Utf8JsonWriter writer, ObjectPart value, JsonSerializerOptions options)
    {
        writer.WriteStartArray();
        writer.WriteNumberValue(value.Number);
        writer.WriteStringValue(value.ETag);
        writer.WriteEndArray();
    }
}

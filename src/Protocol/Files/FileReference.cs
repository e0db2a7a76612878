using System.Text.Json;
using System.Text.Json.Serialization;

namespace Backhaul.Protocol;

/// <summary>
/// A file in a container. In JSON <c>{"container":"default","path":"a/b.bin"}</c>, where the container may be left out and is then
/// the session's, or the short form <c>"default/a/b.bin"</c>.
/// </summary>
/// <param name="Container">The container; null is the session's.</param>
/// <param name="Path">The path in it.</param>
[JsonConverter(typeof(FileReferenceConverter))]
public sealed record FileReference(ContainerName? Container, ContainerPath Path)
{
    /// <inheritdoc/>
    public override string ToString() => Container is { } container ? $"{container}/{Path}" : Path.ToString();
}

/// <summary>Reads both forms of a <see cref="FileReference"/>, writes the object.</summary>
public sealed class FileReferenceConverter : JsonConverter<FileReference>
{
    /// <inheritdoc/>
    public override FileReference Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        if (reader.TokenType == JsonTokenType.String)
            return FromShortForm(reader.GetString()!);
        if (reader.TokenType != JsonTokenType.StartObject)
            throw new JsonException("A file is {\"container\": …, \"path\": …} or \"container/path\".");
        ContainerName? container = null;
        ContainerPath? path = null;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var name = reader.GetString();
            reader.Read();
            if (reader.TokenType is not (JsonTokenType.String or JsonTokenType.Null))
                throw new JsonException("container and path are strings.");
            switch (name)
            {
                case "container":
                    container = reader.GetString() is { } text ? ParseContainer(text) : null;
                    break;
                case "path":
                    path = ParsePath(reader.GetString());
                    break;
                default:
                    throw new JsonException($"A file has the fields container and path, not {name}.");
            }
        }
        return new FileReference(container, path ?? throw new JsonException("A file needs its path."));
    }

    /// <inheritdoc/>
    public override void Write(Utf8JsonWriter writer, FileReference value, JsonSerializerOptions options)
    {
        ArgumentNullException.ThrowIfNull(writer);
        ArgumentNullException.ThrowIfNull(value);
        writer.WriteStartObject();
        if (value.Container is { } container)
            writer.WriteString("container", container.ToString());
        writer.WriteString("path", value.Path.ToString());
        writer.WriteEndObject();
    }

    private static FileReference FromShortForm(string text)
    {
        var slash = text.IndexOf('/');
        return slash < 0
            ? throw new JsonException("The short form of a file is \"container/path\".")
            : new FileReference(ParseContainer(text[..slash]), ParsePath(text[(slash + 1)..]));
    }

    private static ContainerName ParseContainer(string text) =>
        ContainerName.TryParse(text, out var name) ? name : throw new JsonException(ContainerName.Rule);

    private static ContainerPath ParsePath(string? text) =>
        ContainerPath.TryParse(text, out var path) ? path : throw new JsonException(ContainerPath.Rule);
}

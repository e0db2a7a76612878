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
    /// <summary>Reads the short form <c>container/path</c>, or throws with the rule that it breaks.</summary>
    public static FileReference Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var slash = text.IndexOf('/');
        return slash < 0
            ? throw new FormatException("The short form of a file is container/path.")
            : new FileReference(ContainerName.Parse(text[..slash]), ContainerPath.Parse(text[(slash + 1)..]));
    }

    /// <inheritdoc/>
    public override string ToString() => Container is { } container ? $"{container}/{Path}" : Path.ToString();
}

/// <summary>Reads both forms of a <see cref="FileReference"/>, writes the object.</summary>
public sealed class FileReferenceConverter : JsonConverter<FileReference>
{
    /// <inheritdoc/>
    public override FileReference Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        if (reader.TokenType == JsonTokenType.String)
            return FromShortForm(reader.GetString()!);
        if (reader.TokenType != JsonTokenType.StartObject)
            throw new JsonException("A file is {\"container\": …, \"path\": …} or \"container/path\".");
        string? container = null, path = null;
        var (containerSeen, pathSeen) = (false, false);
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var name = reader.GetString();
            reader.Read();
            switch (name)
            {
                case "container":
                    container = ReadText(ref reader, name, ref containerSeen, options);
                    break;
                case "path":
                    path = ReadText(ref reader, name, ref pathSeen, options);
                    break;
                default:
                    if (options.UnmappedMemberHandling == JsonUnmappedMemberHandling.Disallow)
                        throw new JsonException($"A file has the fields container and path, not {name}.");
                    reader.Skip();
                    break;
            }
        }
        return new FileReference(
            container is null ? null : ParseContainer(container),
            ParsePath(path ?? throw new JsonException("A file needs its path.")));
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

    private static string? ReadText(ref Utf8JsonReader reader, string name, ref bool seen, JsonSerializerOptions options)
    {
        if (seen && !options.AllowDuplicateProperties)
            throw new JsonException($"The field {name} of a file is given twice.");
        seen = true;
        return reader.TokenType is JsonTokenType.String or JsonTokenType.Null
            ? reader.GetString()
            : throw new JsonException($"The field {name} of a file is a string.");
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

    private static ContainerPath ParsePath(string text) =>
        ContainerPath.TryParse(text, out var path) ? path : throw new JsonException(ContainerPath.Rule);
}

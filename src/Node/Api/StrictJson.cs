using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Backhaul.Protocol;

namespace Backhaul.Node.Api;

/// <summary>
/// Reads requests without mercy: unknown fields, repeated fields, deep nesting and values of another type are refused, so that
/// nothing a client wrote is ever ignored. The good path is one pass of the generated reader. Only when that fails is the text read a
/// second time, to say in the client's words what is wrong and where: messages of the reader name .NET types and are never shown.
/// </summary>
internal static class StrictJson
{
    private const int DepthMax = 16;

    public static Validated<T> Read<T>(ReadOnlySpan<byte> json, JsonTypeInfo<T> type)
        where T : class
    {
        try
        {
            if (JsonSerializer.Deserialize(json, type) is { } value)
                return value;
            return Invalid("The body is null; send a JSON object.");
        }
        catch (JsonException refused)
        {
            return Explain(json, type, refused);
        }
    }

    private static Problem Explain(ReadOnlySpan<byte> json, JsonTypeInfo type, JsonException refused)
    {
        if (FindBrokenText(json) is { } broken)
            return broken;
        var reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = DepthMax });
        reader.Read();
        if (reader.TokenType != JsonTokenType.StartObject)
            return Invalid("Send a JSON object.");
        return FindStrangeMember(ref reader, type, "") ?? ExplainValue(type, refused);
    }

    /// <summary>The first place that is not JSON, not text, or too deep.</summary>
    private static Problem? FindBrokenText(ReadOnlySpan<byte> json)
    {
        var reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = DepthMax + 1 });
        try
        {
            while (reader.Read())
            {
                if (reader.TokenType is JsonTokenType.StartObject or JsonTokenType.StartArray && reader.CurrentDepth >= DepthMax)
                    return Invalid($"The JSON is nested deeper than {DepthMax} levels; nothing that is asked for here is.");
                if (reader.TokenType is JsonTokenType.String or JsonTokenType.PropertyName)
                    reader.GetString();
            }
            return null;
        }
        catch (JsonException broken)
        {
            return Invalid($"The body is not valid JSON: look at line {broken.LineNumber.GetValueOrDefault() + 1}, byte {broken.BytePositionInLine.GetValueOrDefault() + 1}.");
        }
        catch (InvalidOperationException)
        {
            return Invalid("The body has characters that are not valid UTF-8 or UTF-16.");
        }
    }

    /// <summary>Walks an object along its type: the first member that the type does not have, that occurs twice, or that is missing.</summary>
    private static Problem? FindStrangeMember(ref Utf8JsonReader reader, JsonTypeInfo type, string path)
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var name = reader.GetString()!;
            var field = path.Length == 0 ? name : $"{path}.{name}";
            if (!seen.Add(name))
                return Problems.Create(400, ProblemCodes.InvalidJson, $"The field {Shown(field)} occurs twice; send it once.", Shown(field));
            var member = FindMember(type, name);
            if (type.Kind == JsonTypeInfoKind.Object && member is null)
                return Unknown(type, name, field);
            reader.Read();
            if (reader.TokenType == JsonTokenType.Null && member is { IsRequired: true })
                return Missing(name, field);
            var inner = member is null ? null : type.Options.GetTypeInfo(member.PropertyType);
            if (FindStrangeValue(ref reader, inner, field) is { } problem)
                return problem;
        }
        if (type.Kind != JsonTypeInfoKind.Object)
            return null;
        var missing = type.Properties.FirstOrDefault(property => property.IsRequired && !seen.Contains(property.Name));
        return missing is null
            ? null
            : Missing(missing.Name, path.Length == 0 ? missing.Name : $"{path}.{missing.Name}");
    }

    /// <summary>Looks into an object, and into the objects of a list; everything else has no members and is passed over.</summary>
    private static Problem? FindStrangeValue(ref Utf8JsonReader reader, JsonTypeInfo? type, string path)
    {
        if (reader.TokenType == JsonTokenType.StartObject && type is { Kind: JsonTypeInfoKind.Object or JsonTypeInfoKind.Dictionary })
            return FindStrangeMember(ref reader, type, path);
        if (reader.TokenType != JsonTokenType.StartArray || type is not { Kind: JsonTypeInfoKind.Enumerable, ElementType: { } element })
        {
            reader.Skip();
            return null;
        }
        for (var i = 0; reader.Read() && reader.TokenType != JsonTokenType.EndArray; i++)
        {
            if (FindStrangeValue(ref reader, type.Options.GetTypeInfo(element), $"{path}[{i}]") is { } problem)
                return problem;
        }
        return null;
    }

    private static Problem Missing(string name, string field) =>
        Problems.Create(400, ProblemCodes.InvalidField, $"The field {name} is missing.", Shown(field));

    private static JsonPropertyInfo? FindMember(JsonTypeInfo type, string name) =>
        type.Kind == JsonTypeInfoKind.Object ? type.Properties.FirstOrDefault(property => property.Name == name) : null;

    private static Problem Unknown(JsonTypeInfo type, string name, string field)
    {
        var nearest = type.Properties.FirstOrDefault(property => string.Equals(property.Name, name, StringComparison.OrdinalIgnoreCase))?.Name;
        var advice = nearest is null
            ? $"The fields here are {string.Join(", ", type.Properties.Select(property => property.Name))}."
            : $"Did you mean {nearest}?";
        return Problems.Create(400, ProblemCodes.UnknownField, $"There is no field {Shown(name)}. {advice}", Shown(field));
    }

    private static Problem ExplainValue(JsonTypeInfo type, JsonException refused)
    {
        var path = PathOf(refused.Path);
        var target = TypeAt(type, path);
        if (target.Type == typeof(FileReference) || target.Type == typeof(TimeSpan))
        {
            // These two have converters of our own, and their messages are rules for people.
            var code = refused.Message == ContainerPath.Rule ? ProblemCodes.InvalidPath : ProblemCodes.InvalidField;
            return Problems.Create(400, code, $"{Shown(path)}: {refused.Message}", Shown(path));
        }
        return Problems.Create(400, ProblemCodes.InvalidField, $"{Shown(path)} must be {Wanted(target.Type)}.", Shown(path));
    }

    /// <summary>The type of what a path leads to: a member of an object, an entry of a list (<c>[0]</c>), a value of a dictionary.</summary>
    private static JsonTypeInfo TypeAt(JsonTypeInfo type, string path)
    {
        foreach (var step in path.Split('.', '['))
        {
            var next = type.Kind is JsonTypeInfoKind.Enumerable or JsonTypeInfoKind.Dictionary ? type.ElementType : FindMember(type, step)?.PropertyType;
            if (next is null)
                break;
            type = type.Options.GetTypeInfo(Nullable.GetUnderlyingType(next) ?? next);
        }
        return type;
    }

    private static string Wanted(Type type) =>
        type == typeof(string) ? "text"
        : type == typeof(bool) ? "true or false"
        : type == typeof(int) || type == typeof(long) ? "a whole number"
        : type == typeof(double) ? "a number"
        : type == typeof(DateTimeOffset) ? "a time by RFC 3339, such as \"2030-01-31T12:00:00Z\""
        : typeof(IReadOnlyDictionary<string, string>).IsAssignableFrom(type) ? "an object of names and texts"
        : typeof(System.Collections.IEnumerable).IsAssignableFrom(type) ? "a list"
        : "an object";

    /// <summary>From the reader's path (<c>$.headers['X-A'].b[0]</c>) to the one that clients see (<c>headers.X-A.b[0]</c>).</summary>
    private static string PathOf(string? path)
    {
        if (path is null or "$")
            return "";
        var text = new StringBuilder(path.Length);
        foreach (var step in path.Replace("['", ".", StringComparison.Ordinal).Replace("']", "", StringComparison.Ordinal).TrimStart('$', '.'))
            text.Append(step);
        return text.ToString();
    }

    /// <summary>A client's own words in an answer: bounded, and without characters that a terminal would act on.</summary>
    private static string Shown(string text)
    {
        var shown = text.Length > 100 ? text[..100] + "…" : text;
        return string.Create(shown.Length, shown, static (into, from) =>
        {
            for (var i = 0; i < from.Length; i++)
                into[i] = char.IsControl(from[i]) || char.IsSurrogate(from[i]) ? '?' : from[i];
        });
    }

    private static Problem Invalid(string detail) => Problems.Create(400, ProblemCodes.InvalidJson, detail);
}

using System.Text.Json.Nodes;

namespace Backhaul.Node.Ops.Palettes;

/// <summary>Cuts the query off every URL in what operators see: it often is a signature that lets its holder fetch the file.</summary>
internal static class UrlRedaction
{
    public static string Apply(string url)
    {
        var query = url.AsSpan().IndexOfAny('?', '#');
        return query < 0 ? url : string.Concat(url.AsSpan(0, query), "?...");
    }

    /// <summary>The same document with every string that is a URL cut; the argument must not be used any more.</summary>
    public static JsonNode? Apply(JsonNode? node)
    {
        switch (node)
        {
            case JsonObject @object:
                foreach (var name in @object.Select(p => p.Key).ToArray())
                {
                    var value = @object[name];
                    var redacted = Apply(value);
                    if (!ReferenceEquals(value, redacted))
                        @object[name] = redacted;
                }
                return @object;
            case JsonArray array:
                for (var i = 0; i < array.Count; i++)
                {
                    var redacted = Apply(array[i]);
                    if (!ReferenceEquals(array[i], redacted))
                        array[i] = redacted;
                }
                return array;
            case JsonValue value when value.TryGetValue<string>(out var text) && IsUrl(text) && text.AsSpan().ContainsAny('?', '#'):
                return JsonValue.Create(Apply(text));
            default:
                return node;
        }
    }

    private static bool IsUrl(string text) =>
        text.StartsWith("http://", StringComparison.OrdinalIgnoreCase) || text.StartsWith("https://", StringComparison.OrdinalIgnoreCase);
}

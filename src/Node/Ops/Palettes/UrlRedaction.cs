using System.Text.Json.Nodes;
using Backhaul.Node.Transfers;

namespace Backhaul.Node.Ops.Palettes;

/// <summary>Cuts the query off every URL in the documents that operators see.</summary>
internal static class UrlRedaction
{
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
                return JsonValue.Create(ShownUrl.Of(text));
            default:
                return node;
        }
    }

    private static bool IsUrl(string text) =>
        text.StartsWith("http://", StringComparison.OrdinalIgnoreCase) || text.StartsWith("https://", StringComparison.OrdinalIgnoreCase);
}

using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Backhaul.Node.Ops.Palettes;

/// <summary>
/// What a command says, record by record: <c>{"line":…}</c>, <c>{"error":…}</c>. Names and descriptions come from clients, so
/// characters that a terminal would obey are replaced here, and queries of URLs, which carry signatures and tokens, are cut off.
/// </summary>
internal sealed class PaletteOutput(Func<ReadOnlyMemory<byte>, CancellationToken, ValueTask> write, CancellationToken stop)
{
    public ValueTask LineAsync(string text) => WriteAsync("line", Harmless(text));

    public ValueTask ErrorAsync(string text) => WriteAsync("error", Harmless(text));

    /// <summary>A document of the wire on one line.</summary>
    public ValueTask JsonAsync(ReadOnlyMemory<byte> json) => JsonAsync(JsonNode.Parse(json.Span));

    public ValueTask JsonAsync(JsonNode? document) => WriteAsync("line", UrlRedaction.Apply(document)?.ToJsonString() ?? "null");

    public ValueTask ExitAsync(PaletteExit exit) => write(Encoding.UTF8.GetBytes($"{{\"exit\":{(int)exit}}}\n"), stop);

    /// <summary>Text without characters that act on a terminal, or turn the direction of what follows.</summary>
    internal static string Harmless(string text) => text.Any(Acts)
        ? string.Create(text.Length, text, static (span, from) =>
        {
            for (var i = 0; i < span.Length; i++)
                span[i] = Acts(from[i]) ? (from[i] is '\t' or '\n' or '\r' ? ' ' : '?') : from[i];
        })
        : text;

    private static bool Acts(char c) =>
        char.GetUnicodeCategory(c) is UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator;

    private ValueTask WriteAsync(string kind, string text)
    {
        var record = new ArrayBufferWriter<byte>(text.Length + 32);
        using (var writer = new Utf8JsonWriter(record))
        {
            writer.WriteStartObject();
            writer.WriteString(kind, text);
            writer.WriteEndObject();
        }
        record.Write("\n"u8);
        return write(record.WrittenMemory, stop);
    }
}

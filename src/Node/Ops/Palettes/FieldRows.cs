using System.Text.Json.Nodes;

namespace Backhaul.Node.Ops.Palettes;

/// <summary>Facts as two columns, or as one JSON document whose names are the fields in camel case.</summary>
internal static class FieldRows
{
    public static async ValueTask<PaletteExit> WriteAsync(IReadOnlyList<(string Field, string Value)> rows, PaletteInvocation invocation, PaletteOutput output)
    {
        if (invocation.Json)
        {
            var document = new JsonObject();
            foreach (var (field, value) in rows)
                document[JsonName(field)] = value;
            await output.JsonAsync(document);
            return PaletteExit.Done;
        }
        var table = new TextTable(output, "Field", "Value");
        foreach (var (field, value) in rows)
            await table.RowAsync(field, value);
        await table.FlushAsync();
        await output.LineAsync(Columns.Count(rows.Count, "field", "fields"));
        return PaletteExit.Done;
    }

    private static string JsonName(string field)
    {
        var words = field.Split(' ');
        return string.Concat(words.Select((word, i) => i == 0 ? word : char.ToUpperInvariant(word[0]) + word[1..]));
    }
}

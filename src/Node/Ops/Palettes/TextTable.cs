using System.Text;

namespace Backhaul.Node.Ops.Palettes;

/// <summary>
/// Rows as columns separated by <c> | </c>, padded so that they line up. Rows are written in blocks: a long list starts to appear
/// before it is read to its end, and widths only grow.
/// </summary>
internal sealed class TextTable(PaletteOutput output, params string[] headings)
{
    private const int RowsPerBlock = 200;

    private readonly int[] _widths = [.. headings.Select(h => h.Length)];
    private readonly List<string[]> _rows = [headings];

    public async ValueTask RowAsync(params string?[] cells)
    {
        var row = Array.ConvertAll(cells, static cell => string.IsNullOrEmpty(cell) ? "-" : cell.Replace(" | ", " / ", StringComparison.Ordinal));
        for (var i = 0; i < row.Length; i++)
            _widths[i] = Math.Max(_widths[i], row[i].Length);
        _rows.Add(row);
        if (_rows.Count >= RowsPerBlock)
            await FlushAsync();
    }

    public async ValueTask FlushAsync()
    {
        foreach (var row in _rows)
            await output.LineAsync(Join(row));
        _rows.Clear();
    }

    private string Join(string[] row)
    {
        var line = new StringBuilder();
        for (var i = 0; i < row.Length; i++)
        {
            if (i > 0)
                line.Append(" | ");
            line.Append(i < row.Length - 1 ? row[i].PadRight(_widths[i]) : row[i]);
        }
        return line.ToString();
    }
}

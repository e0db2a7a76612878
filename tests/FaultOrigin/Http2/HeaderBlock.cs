using System.Text;

namespace Backhaul.FaultOrigin.Http2;

/// <summary>
/// Header blocks (RFC 7541) as far as a peer needs them that announces a dynamic table of no bytes: the static table, and literals. Strings in
/// Huffman code are refused: .NET's client sends none. Pure.
/// </summary>
internal static class HeaderBlock
{
    private static readonly (string Name, string Value)[] Static =
    [
        (":authority", ""), (":method", "GET"), (":method", "POST"), (":path", "/"), (":path", "/index.html"), (":scheme", "http"), (":scheme", "https"),
        (":status", "200"), (":status", "204"), (":status", "206"), (":status", "304"), (":status", "400"), (":status", "404"), (":status", "500"),
        ("accept-charset", ""), ("accept-encoding", "gzip, deflate"), ("accept-language", ""), ("accept-ranges", ""), ("accept", ""),
        ("access-control-allow-origin", ""), ("age", ""), ("allow", ""), ("authorization", ""), ("cache-control", ""), ("content-disposition", ""),
        ("content-encoding", ""), ("content-language", ""), ("content-length", ""), ("content-location", ""), ("content-range", ""), ("content-type", ""),
        ("cookie", ""), ("date", ""), ("etag", ""), ("expect", ""), ("expires", ""), ("from", ""), ("host", ""), ("if-match", ""), ("if-modified-since", ""),
        ("if-none-match", ""), ("if-range", ""), ("if-unmodified-since", ""), ("last-modified", ""), ("link", ""), ("location", ""), ("max-forwards", ""),
        ("proxy-authenticate", ""), ("proxy-authorization", ""), ("range", ""), ("referer", ""), ("refresh", ""), ("retry-after", ""), ("server", ""),
        ("set-cookie", ""), ("strict-transport-security", ""), ("transfer-encoding", ""), ("user-agent", ""), ("vary", ""), ("via", ""), ("www-authenticate", ""),
    ];

    public static List<(string Name, string Value)> Read(ReadOnlySpan<byte> block)
    {
        var headers = new List<(string, string)>();
        while (block.Length > 0)
        {
            var first = block[0];
            if ((first & 0x80) != 0)
            {
                headers.Add(Entry(Integer(ref block, 7)));
            }
            else if ((first & 0xE0) == 0x20)
            {
                if (Integer(ref block, 5) != 0)
                    throw new IOException("The peer wants a dynamic table, and none was offered.");
            }
            else
            {
                var index = Integer(ref block, (first & 0x40) != 0 ? 6 : 4);
                var name = index == 0 ? Text(ref block) : Entry(index).Name;
                headers.Add((name, Text(ref block)));
            }
        }
        return headers;
    }

    /// <summary>Literals, none of which the peer keeps.</summary>
    public static byte[] Write(IEnumerable<(string Name, string Value)> headers)
    {
        using var block = new MemoryStream();
        foreach (var (name, value) in headers)
        {
            block.WriteByte(0);
            WriteText(block, name);
            WriteText(block, value);
        }
        return block.ToArray();
    }

    private static (string Name, string Value) Entry(int index) =>
        index >= 1 && index <= Static.Length ? Static[index - 1] : throw new IOException($"The header table has no entry {index}.");

    private static int Integer(ref ReadOnlySpan<byte> block, int prefixBits)
    {
        var limit = (1 << prefixBits) - 1;
        var value = block[0] & limit;
        block = block[1..];
        if (value < limit)
            return value;
        for (var shift = 0; shift <= 21; shift += 7)
        {
            var next = block[0];
            block = block[1..];
            value += (next & 0x7F) << shift;
            if ((next & 0x80) == 0)
                return value;
        }
        throw new IOException("A number of the header block is too large.");
    }

    private static string Text(ref ReadOnlySpan<byte> block)
    {
        if ((block[0] & 0x80) != 0)
            throw new IOException("This origin does not read Huffman code.");
        var length = Integer(ref block, 7);
        var text = Encoding.Latin1.GetString(block[..length]);
        block = block[length..];
        return text;
    }

    private static void WriteText(MemoryStream block, string text)
    {
        var left = text.Length;
        if (left < 0x7F)
        {
            block.WriteByte((byte)left);
        }
        else
        {
            block.WriteByte(0x7F);
            for (left -= 0x7F; left >= 0x80; left >>= 7)
                block.WriteByte((byte)(0x80 | (left & 0x7F)));
            block.WriteByte((byte)left);
        }
        block.Write(Encoding.Latin1.GetBytes(text));
    }
}

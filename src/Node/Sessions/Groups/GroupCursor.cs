using System.Buffers.Text;
using System.Text;
using Backhaul.Protocol;

namespace Backhaul.Node.Sessions;

/// <summary>The cursor of a list of groups: the name of the last one on the page, made opaque.</summary>
internal static class GroupCursor
{
    public static string Of(GroupName name) => Base64Url.EncodeToString(Encoding.ASCII.GetBytes($"g{name}"));

    public static bool TryParse(string cursor, out GroupName name)
    {
        name = default;
        Span<byte> text = stackalloc byte[96];
        return cursor.Length is > 0 and <= 96
            && Base64Url.IsValid(cursor)
            && Base64Url.TryDecodeFromChars(cursor, text, out var length)
            && length > 1 && text[0] == (byte)'g'
            && GroupName.TryParse(Encoding.UTF8.GetString(text[1..length]), out name);
    }
}

using System.Buffers.Text;
using System.Diagnostics.CodeAnalysis;
using System.Text;

namespace Backhaul.Node.Sessions;

/// <summary>
/// The cursor of a list of tasks: the ordinal of the last one on the page, made opaque so that nobody counts with it. The session
/// writes it into <c>next</c>, the edge reads it back.
/// </summary>
internal static class TaskCursor
{
    public static string Of(long ordinal) => Base64Url.EncodeToString(Encoding.ASCII.GetBytes($"o{ordinal}"));

    public static bool TryParse([NotNullWhen(true)] string? cursor, out long ordinal)
    {
        ordinal = 0;
        Span<byte> text = stackalloc byte[32];
        return cursor is { Length: > 0 and <= 32 }
            && Base64Url.IsValid(cursor)
            && Base64Url.TryDecodeFromChars(cursor, text, out var length)
            && length > 1 && text[0] == (byte)'o'
            && long.TryParse(text[1..length], System.Globalization.NumberStyles.None, null, out ordinal);
    }
}

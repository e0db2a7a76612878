using System.Buffers.Text;
using System.Text;
using Backhaul.Protocol;

namespace Backhaul.Node.Api;

/// <summary>What lists have in common: how many, and from where.</summary>
internal static class Queries
{
    public const int LimitDefault = 100;
    public const int LimitMax = 500;

    public static Problem? ReadLimit(string? text, out int limit)
    {
        limit = LimitDefault;
        if (string.IsNullOrEmpty(text))
            return null;
        return int.TryParse(text, System.Globalization.NumberStyles.None, null, out limit) && limit is >= 1 and <= LimitMax
            ? null
            : Problems.Create(400, ProblemCodes.InvalidField, $"limit must be a whole number from 1 to {LimitMax}.", "limit");
    }

    public static Problem InvalidCursor() =>
        Problems.Create(400, ProblemCodes.InvalidCursor, "This cursor was not given out for this list. Use the next of the page before, or leave cursor out to begin.", "cursor");

    /// <summary>The cursor of a list of sessions: the last one's identifier, made opaque.</summary>
    public static string CursorOf(SessionKey session) => Base64Url.EncodeToString(Encoding.UTF8.GetBytes($"s{session.Identifier}"));

    public static Problem? ReadSessionCursor(string? cursor, TenantId tenant, out SessionKey? after)
    {
        after = null;
        if (string.IsNullOrEmpty(cursor))
            return null;
        Span<byte> text = stackalloc byte[192];
        if (cursor.Length > 192 || !Base64Url.IsValid(cursor) || !Base64Url.TryDecodeFromChars(cursor, text, out var length) || length < 2 || text[0] != (byte)'s'
            || !SessionIdentifier.TryParse(Encoding.UTF8.GetString(text[1..length]), out var identifier))
            return InvalidCursor();
        after = new SessionKey(tenant, identifier);
        return null;
    }
}

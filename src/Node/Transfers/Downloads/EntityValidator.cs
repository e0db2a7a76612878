namespace Backhaul.Node.Transfers.Downloads;

/// <summary>
/// The validator under which a download may go on: a strong entity tag, or a Last-Modified that is strong by RFC 9110 8.8.2.2; and the one by which a whole
/// content is asked for again, for which a weak tag does too: it says that what differs does not matter. Pure.
/// </summary>
internal static class EntityValidator
{
    /// <summary>
    /// A change within the same second would not change Last-Modified; the RFC demands one second between it and Date when both come
    /// from one clock. A minute covers clocks that differ.
    /// </summary>
    private static readonly TimeSpan LastModifiedAgeMin = TimeSpan.FromSeconds(60);

    /// <summary>Of tags that are kept for later; a longer one says nothing that may be relied on.</summary>
    private const int CharsMax = 512;

    /// <summary>The validator to journal, or null.</summary>
    public static string? Strong(ResponseHead head)
    {
        if (IsStrongTag(head.ETag))
            return head.ETag;
        // A weak tag says that the origin cannot promise equal bytes; its date cannot promise more.
        return head.ETag is null && IsStrongDate(head.LastModified, head.Date) ? head.LastModified : null;
    }

    /// <summary>What the content of this response, if it is whole, is asked about later; null when nothing is fit to be.</summary>
    public static string? OfWhole(IReadOnlyDictionary<string, string> headers)
    {
        if (headers.GetValueOrDefault("ETag") is not { } tag)
            return IsStrongDate(headers.GetValueOrDefault("Last-Modified"), headers.GetValueOrDefault("Date")) ? headers["Last-Modified"] : null;
        return tag.Length <= CharsMax && IsStrongTag(tag.StartsWith("W/", StringComparison.Ordinal) ? tag[2..] : tag) && tag.All(static c => c is > ' ' and < '\x7F') ? tag : null;
    }

    public static bool IsTag(string validator) => validator is ['"', ..] or ['W', '/', '"', ..];

    /// <summary>True when the response carries the validator itself, compared strongly.</summary>
    public static bool Matches(string validator, ResponseHead head) =>
        validator is ['"', ..]
            ? string.Equals(head.ETag, validator, StringComparison.Ordinal)
            : string.Equals(head.LastModified, validator, StringComparison.Ordinal);

    /// <summary>True when the response names a validator of the same kind, and it is another one.</summary>
    public static bool Contradicts(string validator, ResponseHead head) =>
        (validator is ['"', ..] ? head.ETag : head.LastModified) is { } now && !string.Equals(now, validator, StringComparison.Ordinal);

    private static bool IsStrongTag(string? tag) =>
        tag is ['"', .., '"'] && tag.AsSpan(1, tag.Length - 2).IndexOf('"') < 0;

    private static bool IsStrongDate(string? lastModified, string? sentAt) =>
        RetryAfterRules.TryParseDate(lastModified, out var modified) && RetryAfterRules.TryParseDate(sentAt, out var date)
        && date - modified >= LastModifiedAgeMin;
}

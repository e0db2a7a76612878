namespace Backhaul.Node.Transfers.Downloads;

/// <summary>
/// The validator under which a download may go on: a strong entity tag, or a Last-Modified that is strong by RFC 9110 8.8.2.2. Pure.
/// </summary>
internal static class EntityValidator
{
    /// <summary>
    /// A change within the same second would not change Last-Modified; the RFC demands one second between it and Date when both come
    /// from one clock. A minute covers clocks that differ.
    /// </summary>
    private static readonly TimeSpan LastModifiedAgeMin = TimeSpan.FromSeconds(60);

    /// <summary>The validator to journal, or null.</summary>
    public static string? Strong(ResponseHead head)
    {
        if (IsStrongTag(head.ETag))
            return head.ETag;
        // A weak tag says that the origin cannot promise equal bytes; its date cannot promise more.
        return head.ETag is null && IsStrongDate(head) ? head.LastModified : null;
    }

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

    private static bool IsStrongDate(ResponseHead head) =>
        RetryAfterRules.TryParseDate(head.LastModified, out var modified) && RetryAfterRules.TryParseDate(head.Date, out var date)
        && date - modified >= LastModifiedAgeMin;
}

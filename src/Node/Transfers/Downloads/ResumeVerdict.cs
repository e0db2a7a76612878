namespace Backhaul.Node.Transfers.Downloads;

/// <summary>Whether a broken download could go on where it broke, and why (not); said with the first response. Pure.</summary>
internal readonly record struct ResumeVerdict(string? Validator, string Why)
{
    public bool Resumable => Validator is not null;

    public static ResumeVerdict Of(string method, ResponseHead head, bool asksForRangeItself)
    {
        if (method != "GET")
            return No($"Only GET can be resumed, not {method}.");
        if (asksForRangeItself)
            return No("The task asks for a range itself.");
        if (head.Status is not (200 or 206))
            return No($"A response with the status {head.Status} cannot be resumed.");
        if (head.IsCoded)
            return No("The origin sent the body with a content coding, although it was asked not to.");
        if (head.AcceptRanges is { } ranges && ranges.Trim().Equals("none", StringComparison.OrdinalIgnoreCase))
            return No("The origin says that it serves no ranges.");
        var validator = EntityValidator.Strong(head);
        if (validator is null)
        {
            return No(head.ETag is not null
                ? "The origin gave only a weak entity tag."
                : head.LastModified is not null
                    ? "The origin gave no entity tag, and its Last-Modified is too recent to prove anything."
                    : "The origin gave neither an entity tag nor a Last-Modified.");
        }
        return new ResumeVerdict(validator, validator is ['"', ..]
            ? "The origin gave a strong entity tag."
            : "The origin gave a Last-Modified that is old enough to be strong.");
    }

    private static ResumeVerdict No(string why) => new(null, why);
}

using Backhaul.Node.Sessions;

namespace Backhaul.Node.Transfers.Downloads;

/// <summary>What is known about the bytes that lie in the part.</summary>
/// <param name="Bytes">How many; the next request asks for the byte after them.</param>
/// <param name="Total">The whole length as the origin said it, when it did.</param>
/// <param name="Validator">The strong validator they belong to.</param>
internal sealed record PartState(long Bytes, long? Total, string Validator);

/// <summary>What to do with an answer.</summary>
internal abstract record ResumeStep
{
    private ResumeStep()
    {
    }

    /// <summary>Append this body at <paramref name="From"/>; it reaches to <paramref name="End"/> (exclusive), of <paramref name="Total"/>.</summary>
    internal sealed record Continue(long From, long End, long? Total) : ResumeStep;

    /// <summary>Store this body from zero. <paramref name="Why"/> is null for a first start.</summary>
    internal sealed record FromZero(string? Why) : ResumeStep;

    /// <summary>The part is the whole file already.</summary>
    internal sealed record Complete : ResumeStep;

    /// <summary>Drop this body and ask the same once more.</summary>
    internal sealed record AskAgain(string Why) : ResumeStep;

    /// <summary>Drop this body and ask for everything, without a range.</summary>
    internal sealed record AskFromZero(string Why) : ResumeStep;

    /// <summary>The task does not want a changed source.</summary>
    internal sealed record SourceChanged(string Why) : ResumeStep;

    /// <summary>Nothing that could be stored.</summary>
    internal sealed record Unusable(string Why) : ResumeStep;
}

/// <summary>
/// The acceptance table of resuming. Bytes are appended only when the origin proved that they continue the same representation at
/// exactly the byte asked for; every doubt costs a new start, never a wrong file. Pure.
/// <code>
/// asked with a range                               do
/// 206, bytes N-E/T, T known, same validator        append
/// 206, other validator                             source changed: by the task's policy, from zero without a range
/// 206, anything else (start, total, unit,          drop the body, once more, then from zero without a range
///      multipart, coded, no validator)
/// 416 bytes */T, T == N                            complete
/// 416 otherwise                                    from zero without a range
/// 2xx otherwise                                    new inode from zero with this body; another validator: by the policy
/// asked without a range
/// 206                                              drop the body, once more, then unusable
/// 2xx                                              from zero
/// </code>
/// </summary>
internal static class ResumeRules
{
    /// <param name="part">What lies there; null when the request had no range.</param>
    /// <param name="head">The answer; its status is a result, or 416.</param>
    /// <param name="askedAgain">The question was repeated already.</param>
    /// <param name="policy">What the task says about a changed source.</param>
    /// <param name="hasDigest">The task knows the digest of what it wants.</param>
    public static ResumeStep Decide(PartState? part, ResponseHead head, bool askedAgain, SourceChangePolicy policy, bool hasDigest)
    {
        if (part is null)
        {
            if (head.Status != 206)
                return new ResumeStep.FromZero(Why: null);
            const string unsolicited = "The origin sent a part of the file that was not asked for.";
            return askedAgain ? new ResumeStep.Unusable(unsolicited) : new ResumeStep.AskAgain(unsolicited);
        }
        return head.Status switch
        {
            206 => OnPartial(part, head, askedAgain, policy, hasDigest),
            416 => OnUnsatisfiable(part, head),
            _ => OnWhole(part, head, policy, hasDigest),
        };
    }

    private static ResumeStep OnPartial(PartState part, ResponseHead head, bool askedAgain, SourceChangePolicy policy, bool hasDigest)
    {
        if (EntityValidator.Contradicts(part.Validator, head))
            return OnChange(policy, hasDigest, usable: false);
        var doubt = Doubt(part, head, out var range);
        if (doubt is null)
            return new ResumeStep.Continue(range.First!.Value, range.Last!.Value + 1, range.Total);
        return askedAgain ? new ResumeStep.AskFromZero(doubt) : new ResumeStep.AskAgain(doubt);
    }

    /// <summary>Null when the body continues the part; else what is wrong with it.</summary>
    private static string? Doubt(PartState part, ResponseHead head, out ContentRange range)
    {
        range = default;
        if (head.ContentType?.StartsWith("multipart/byteranges", StringComparison.OrdinalIgnoreCase) == true)
            return "The origin answered a range with multipart/byteranges.";
        if (head.IsCoded)
            return "The origin answered a range with a content coding.";
        if (!EntityValidator.Matches(part.Validator, head))
            return "The origin answered a range without the validator that was asked for.";
        if (!ContentRange.TryParse(head.ContentRange, out range) || range.First is null)
            return "The origin answered a range without a usable Content-Range.";
        if (range.First != part.Bytes)
            return $"The origin answered from byte {range.First} instead of {part.Bytes}.";
        if (part.Total is not null && range.Total != part.Total)
            return $"The origin says that the file has {range.Total?.ToString() ?? "*"} bytes instead of {part.Total}.";
        if (head.Length is { } length && length != range.Last - range.First + 1)
            return "The origin's Content-Length and Content-Range disagree.";
        return null;
    }

    private static ResumeStep OnUnsatisfiable(PartState part, ResponseHead head)
    {
        var complete = ContentRange.TryParse(head.ContentRange, out var range) && range.First is null && range.Total == part.Bytes
            && (part.Total is null || part.Total == part.Bytes) && !EntityValidator.Contradicts(part.Validator, head);
        return complete ? new ResumeStep.Complete() : new ResumeStep.AskFromZero("The origin says that the range asked for does not exist.");
    }

    private static ResumeStep OnWhole(PartState part, ResponseHead head, SourceChangePolicy policy, bool hasDigest) =>
        head.Status is >= 200 and <= 299 && EntityValidator.Matches(part.Validator, head)
            ? new ResumeStep.FromZero("The origin sent the whole file instead of the range asked for.")
            : OnChange(policy, hasDigest, usable: true);

    private static ResumeStep OnChange(SourceChangePolicy policy, bool hasDigest, bool usable)
    {
        const string changed = "The file at the origin changed since the download began.";
        return policy switch
        {
            SourceChangePolicy.Fail => new ResumeStep.SourceChanged(changed),
            SourceChangePolicy.AcceptIfDigest when !hasDigest => new ResumeStep.SourceChanged(changed + " The task names no digest to accept it by."),
            _ => usable ? new ResumeStep.FromZero(changed) : new ResumeStep.AskFromZero(changed),
        };
    }
}

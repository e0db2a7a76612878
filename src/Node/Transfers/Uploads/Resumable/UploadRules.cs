namespace Backhaul.Node.Transfers.Uploads.Resumable;

/// <summary>
/// Answer × state → step, the same for every dialect. Pure.
/// <code>
///           begins ──► Create ──created──► Append ──offset──► Append … ──whole──► Done
///  goes on ──► Ask ──offset──────────────────┘  ▲
///               ▲└─gone─► Create (from zero)     └─ mismatch with an offset, damaged (once more), too large (smaller)
///               └──────── mismatch, an offset that cannot be, a success that says nothing
/// </code>
/// The target's offset is believed wherever it is between zero and the length, be it behind or ahead of what this side knew. Everything that could
/// go round in circles has a count; when it is used up the attempt fails, and the session decides when the next one asks again.
/// An upload that is gone after its last byte may have arrived was perhaps processed: it is not created again where that would be a second act.
/// </summary>
internal static class UploadRules
{
    private const int RestartsMax = 2;
    private const int DoubtsMax = 4;
    private const int ResendsMax = 3;
    private const int StallsMax = 2;
    private const int ShrinksMax = 12;
    private const long ShrunkBytesMin = 16 * 1024;

    public static UploadStep Begin(UploadPlan plan, DateTimeOffset now) =>
        plan.Location is null ? new UploadStep.Create(null)
        : plan.ExpiresAt is { } expiry && expiry <= now && !(plan.LastInDoubt && plan.MustNotRepeat) ? new UploadStep.Create("The unfinished upload has expired at its target.")
        : new UploadStep.Ask();

    /// <param name="plan">Before the answer.</param>
    /// <param name="asked">What was asked.</param>
    /// <param name="reply">What came back.</param>
    /// <param name="location">The checked URL of a creation; null when there is none or it may not be used.</param>
    public static (UploadPlan Plan, UploadStep Step) Next(UploadPlan plan, UploadStep asked, TargetReply reply, Uri? location)
    {
        var known = plan with { Limits = reply.Limits ?? plan.Limits, ExpiresAt = reply.ExpiresAt ?? plan.ExpiresAt, Dialect = plan.Dialect.InVersion(reply.Version) };
        return asked switch
        {
            UploadStep.Create when reply.Kind is ReplyKind.Unsupported => NotUnderstood(plan, known.Dialect),
            UploadStep.Create => Created(known, reply, location),
            UploadStep.Ask => Asked(known, reply),
            UploadStep.Append append => Appended(known, append, reply),
            _ => throw new InvalidOperationException($"{asked.GetType().Name} has no answer."),
        };
    }

    private static (UploadPlan, UploadStep) Created(UploadPlan plan, TargetReply reply, Uri? location) => reply.Kind switch
    {
        ReplyKind.Created when location is not null => GoOn(plan with { Location = location, Offset = 0, LastInDoubt = false }),
        ReplyKind.Created or ReplyKind.Senseless => Fail(plan, TransferCodes.ProtocolError,
            $"{plan.Origin} answered {reply.Status} to the creation of an upload, without saying where it is: it does not take uploads by this protocol.", retryable: false),
        ReplyKind.TooLarge => TooLarge(plan, plan.Limits?.MaxSize),
        ReplyKind.Locked => Busy(plan),
        _ => (plan, new UploadStep.Status()),
    };

    /// <summary>The version that the target named is tried once; from there only older ones, so that this ends.</summary>
    private static (UploadPlan, UploadStep) NotUnderstood(UploadPlan plan, IUploadDialect named)
    {
        var next = plan.TriedNamed || named.DraftVersion == plan.Dialect.DraftVersion ? plan.Dialect.Simpler(UploadVerb.Create) : named;
        return next is null
            ? (plan, new UploadStep.Status())
            : (plan with { Dialect = next, TriedNamed = plan.TriedNamed || next == named }, new UploadStep.Create(null));
    }

    private static (UploadPlan, UploadStep) Asked(UploadPlan plan, TargetReply reply) => reply.Kind switch
    {
        ReplyKind.Complete when reply.Offset is { } has && has != plan.Length => Fail(plan, TransferCodes.ProtocolError,
            $"{plan.Origin} says that the upload is complete with {has} of {plan.Length} bytes.", retryable: false),
        ReplyKind.Complete => (plan with { Offset = plan.Length }, new UploadStep.Done()),
        ReplyKind.Offset when reply.Length is { } length && length != plan.Length => Restart(plan, "The target's upload is of another length."),
        ReplyKind.Offset when reply.Offset is not { } at || at > plan.Length => Restart(plan, "The target's upload is ahead of the file."),
        ReplyKind.Offset => GoOn(plan with { Offset = reply.Offset!.Value, LastInDoubt = plan.LastInDoubt && reply.Offset == plan.Length }),
        ReplyKind.Gone => Gone(plan),
        ReplyKind.Locked => Busy(plan),
        ReplyKind.Senseless => Fail(plan, TransferCodes.ProtocolError, $"{plan.Origin} did not say how much of the upload it has.", retryable: true),
        _ => (plan, new UploadStep.Status()),
    };

    private static (UploadPlan, UploadStep) Appended(UploadPlan plan, UploadStep.Append sent, TargetReply reply)
    {
        // Answered: whatever it says, the last byte is not in doubt by this request, but it may be by an earlier one.
        var end = sent.From + sent.Count;
        switch (reply.Kind)
        {
            // Bytes were left to send: only a refusal is an answer to that. What the target has of it must be said.
            case ReplyKind.Complete when !sent.Last && (!reply.IsFinal || reply.Status is >= 200 and <= 299):
                return Doubt(plan);
            case ReplyKind.Complete:
                return (plan with { Offset = plan.Length }, new UploadStep.Done());
            case ReplyKind.Offset when (reply.Offset ?? end) is var at && at >= sent.From && at <= end:
                if (at > sent.From || sent.Count == 0)
                    return GoOn(plan with { Offset = at, Doubts = 0, Resends = 0, Stalls = sent.Count == 0 ? plan.Stalls + 1 : 0 });
                return plan.Stalls < StallsMax ? GoOn(plan with { Stalls = plan.Stalls + 1 }) : NoProgress(plan);
            case ReplyKind.Mismatch when reply.Offset is { } at && at <= plan.Length && at != sent.From:
                return plan.Doubts < DoubtsMax ? GoOn(plan with { Offset = at, Doubts = plan.Doubts + 1 }) : NoProgress(plan);
            case ReplyKind.Offset or ReplyKind.Mismatch or ReplyKind.Senseless:
                return Doubt(plan);
            case ReplyKind.Damaged:
                return plan.Resends < ResendsMax
                    ? GoOn(plan with { Resends = plan.Resends + 1 })
                    : Fail(plan, TransferCodes.DigestMismatch, $"{plan.Origin} found the same bytes damaged {ResendsMax + 1} times.", retryable: true);
            case ReplyKind.TooLarge when sent.Count > Math.Max(plan.ChunkMin, ShrunkBytesMin) && plan.Shrinks < ShrinksMax:
                return (plan with { ChunkBytes = Math.Max(sent.Count / 2, ShrunkBytesMin), Shrinks = plan.Shrinks + 1 }, new UploadStep.Ask());
            case ReplyKind.Unsupported when plan.Dialect.Simpler(UploadVerb.Append) is { } simpler:
                return Doubt(plan with { Dialect = simpler });
            case ReplyKind.Gone:
                return Gone(plan);
            case ReplyKind.Locked:
                return Busy(plan);
            default:
                return (plan, new UploadStep.Status());
        }
    }

    /// <summary>From what is certain to the next request.</summary>
    private static (UploadPlan, UploadStep) GoOn(UploadPlan plan)
    {
        if (plan.Limits?.MaxSize is { } most && plan.Length > most)
            return TooLarge(plan, most);
        if (plan.Limits?.MinSize is { } least && plan.Length < least)
            return Fail(plan, TransferCodes.ProtocolError, $"{plan.Origin} takes no uploads of less than {least} bytes; the file has {plan.Length}.", retryable: false);
        var left = plan.Length - plan.Offset;
        if (left == 0 && !plan.Dialect.CompletesBySaying)
            return (plan, new UploadStep.Done());
        if (left == 0 && plan.Stalls > StallsMax)
            return NoProgress(plan);
        var count = Math.Min(left, plan.ChunkMax);
        return (plan, new UploadStep.Append(plan.Offset, count, count == left));
    }

    private static (UploadPlan, UploadStep) Doubt(UploadPlan plan) =>
        plan.Doubts < DoubtsMax ? (plan with { Doubts = plan.Doubts + 1 }, new UploadStep.Ask()) : NoProgress(plan);

    private static (UploadPlan, UploadStep) Gone(UploadPlan plan) =>
        plan.LastInDoubt && plan.MustNotRepeat
            ? (plan, new UploadStep.Fail(UploadFailures.Ambiguous(plan.Origin)))
            : Restart(plan, "The target does not have the unfinished upload any more.");

    private static (UploadPlan, UploadStep) Restart(UploadPlan plan, string why) =>
        plan.Restarts < RestartsMax
            ? (plan with { Location = null, Offset = 0, LastInDoubt = false, Restarts = plan.Restarts + 1, ExpiresAt = null, Limits = null }, new UploadStep.Create(why))
            : Fail(plan, TransferCodes.ProtocolError, $"{plan.Origin} lost the upload {RestartsMax + 1} times in a row.", retryable: true);

    private static (UploadPlan, UploadStep) TooLarge(UploadPlan plan, long? most) =>
        Fail(plan, TransferCodes.TooLarge, $"{plan.Origin} takes no upload of {plan.Length} bytes{(most is null ? "" : $"; at most {most}")}.", retryable: false);

    private static (UploadPlan, UploadStep) Busy(UploadPlan plan) =>
        Fail(plan, TransferCodes.HttpStatus, $"{plan.Origin} answered 423: another request still holds the upload.", retryable: true);

    private static (UploadPlan, UploadStep) NoProgress(UploadPlan plan) =>
        Fail(plan, TransferCodes.ProtocolError, $"{plan.Origin} takes nothing after byte {plan.Offset} of {plan.Length}, and does not say why.", retryable: true);

    private static (UploadPlan, UploadStep) Fail(UploadPlan plan, string code, string message, bool retryable) =>
        (plan, new UploadStep.Fail(new AttemptFailure { Code = code, Message = message, Retryable = retryable, BytesSent = plan.Offset }));
}

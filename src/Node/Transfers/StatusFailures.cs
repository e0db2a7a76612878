namespace Backhaul.Node.Transfers;

/// <summary>A status that is not a result, as a failure. Pure.</summary>
internal static class StatusFailures
{
    public static AttemptFailure Describe(AttemptOrder order, ResponseHead head, string origin, DateTimeOffset now, AttemptResponse? response)
    {
        if (StatusRules.IsListed(head.Status, order.RecoverableStatus))
        {
            return new AttemptFailure
            {
                Code = TransferCodes.HttpStatus,
                Message = $"{origin} answered {head.Status}, at which the task pauses. Resume it, or change its url or headers.",
                Retryable = true,
                WaitReason = "recoverableStatus",
                Status = head.Status,
                Response = response,
            };
        }
        var retryable = order.RetryStatuses.Contains(head.Status);
        var wait = RetryAfterRules.Parse(head.RetryAfter, now);
        return new AttemptFailure
        {
            Code = TransferCodes.HttpStatus,
            Message = $"{origin} answered {head.Status}{(retryable && wait is { } pause ? $" and asked to wait {pause.TotalSeconds:0} s" : "")}.",
            Retryable = retryable,
            RetryAfter = retryable ? wait : null,
            Status = head.Status,
            Response = response,
        };
    }
}

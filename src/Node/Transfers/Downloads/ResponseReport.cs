namespace Backhaul.Node.Transfers.Downloads;

/// <summary>
/// The report of a response's head. It is journaled only when it is worth a row: once the attempt has lived for a while, or before its
/// first checkpoint. A quick transfer's head comes with its end.
/// </summary>
internal sealed class ResponseReport(AttemptResponse response, IAttemptReports reports)
{
    private bool _done;

    public AttemptResponse Response => response;

    public static AttemptResponse Describe(OutboundAnswer.Head head, ResumeVerdict verdict, long from, long? total) => new()
    {
        Url = head.Url.AbsoluteUri,
        Status = head.Response.Status,
        Headers = head.Response.Shown,
        Resumable = verdict.Resumable,
        ResumableWhy = verdict.Why,
        Phases = head.Phases,
        From = from,
        Total = total,
    };

    /// <summary>Reports it unless that was done. False: the attempt is not wanted any more.</summary>
    public async ValueTask<bool> EnsureAsync()
    {
        if (_done)
            return true;
        _done = true;
        return await reports.RespondedAsync(response);
    }
}

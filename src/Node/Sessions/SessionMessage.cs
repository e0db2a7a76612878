using Backhaul.Node.Actors;
using Backhaul.Node.Transfers;
using Backhaul.Protocol;

namespace Backhaul.Node.Sessions;

/// <summary>What a session's mailbox holds.</summary>
internal abstract record SessionMessage
{
    private SessionMessage()
    {
    }

    /// <summary>A command or query of a client or an operator; always answered.</summary>
    internal sealed record Execute(SessionCommand Command, CommandKey? Key, Request<CommandReply> Reply) : SessionMessage;

    /// <summary>The session has something to do by itself: look.</summary>
    internal sealed record Wake : SessionMessage;

    /// <summary>Nothing happened for a while: leave memory if there is nothing to do.</summary>
    internal sealed record IdleCheck : SessionMessage;

    /// <summary>The target of an upload that will not be finished was told, or could not be.</summary>
    internal sealed record GaveUp(int Generation, TaskId Task, bool Told) : SessionMessage;

    /// <summary>A round of prefetching may begin, or its list was read.</summary>
    internal sealed record Prefetch(PrefetchStep Step) : SessionMessage;

    /// <summary>What came of a webhook. <see cref="Recorded"/> is answered when that is durable.</summary>
    internal sealed record WebhookEnded(WebhookReport What, Request<bool> Recorded) : SessionMessage;

    /// <summary>A report of a running attempt. <see cref="Report.Accepted"/> is answered when it is durable; false: not wanted any more.</summary>
    internal sealed record Report(TaskId Task, int Attempt, AttemptReport What, Request<bool> Accepted) : SessionMessage;
}

/// <summary>What a child actor tells its session.</summary>
internal abstract record AttemptReport
{
    private AttemptReport()
    {
    }

    internal sealed record Responded(AttemptResponse Response) : AttemptReport;

    internal sealed record Checkpointed(PartCheckpoint Part) : AttemptReport;

    internal sealed record Redirected(string ToUrl, int Status) : AttemptReport;

    internal sealed record Restarted(string Why) : AttemptReport;

    internal sealed record Ended(AttemptOutcome Outcome) : AttemptReport;
}

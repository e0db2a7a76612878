using Backhaul.Node.Journal;
using Backhaul.Protocol;

namespace Backhaul.Node.Sessions;

/// <summary>Everything a session actor is given by the shard it lives in.</summary>
internal sealed record SessionEnvironment(
    SessionKey Session,
    IGrantHolder Holder,
    IJournal Journal,
    IJournalStore Store,
    Transfers.IAttemptRunner Runner,
    Transfers.ITransferSlots Slots,
    Transfers.ITrust Trust,
    Files.ICrashPoints CrashPoints,
    Delivery.ISessionFeed Feed,
    TimeProvider Time,
    Actors.IRandom Random,
    SessionOptions Options,
    Microsoft.Extensions.Logging.ILoggerFactory Loggers)
{
    public required Delivery.IWebhookSender Webhooks { get; init; }

    public required Transfers.Conditions.NodeConditions Conditions { get; init; }
}

/// <summary>Limits of sessions. Bound from <c>Backhaul:Sessions</c>, validated at start.</summary>
internal sealed record SessionOptions
{
    /// <summary>Live tasks of one session; more are refused with <c>sessionLimit</c>.</summary>
    public int LiveTasksMax { get; init; } = 1_000_000;

    /// <summary>Groups of one session, and as many completion groups; more are refused with <c>sessionLimit</c>.</summary>
    public int GroupsMax { get; init; } = 10_000;

    /// <summary>A snapshot is due after this many events, or as many as there are live tasks if that is more.</summary>
    public int SnapshotEvery { get; init; } = 200;

    /// <summary>Answers remembered for repeated commands.</summary>
    public int LedgerEntriesMax { get; init; } = 1024;

    /// <summary>Bytes of remembered answers.</summary>
    public int LedgerBytesMax { get; init; } = 8 * 1024 * 1024;

    public TimeSpan LedgerAge { get; init; } = TimeSpan.FromHours(24);

    /// <summary>A session without work and messages leaves memory after this long.</summary>
    public TimeSpan IdleBeforePassivation { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>A client that was just there is not launched before: its stream may have broken, and it comes back. Longer than the hint of a closing stream.</summary>
    public TimeSpan AttachGrace { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>A discretionary task whose deadline or resource time-out is as near as this starts as any other.</summary>
    public TimeSpan UrgentBefore { get; init; } = TimeSpan.FromHours(1);

    /// <summary>Whose tasks may be unconstrained, and how many of them run at once on a node.</summary>
    public UnconstrainedOptions Unconstrained { get; init; } = new();

    /// <summary>Notifications of a session that wait to be taken; one more and the one that would be sent last is given up.</summary>
    public int NotificationsMax { get; init; } = 100_000;

    /// <summary>Messages that one turn may take together into one append.</summary>
    public int TurnMessagesMax { get; init; } = 256;

    /// <summary>Sentences about what is wrong; none when the options are good.</summary>
    public IEnumerable<string> Faults()
    {
        foreach (var (name, value) in new (string, int)[]
        {
            (nameof(LiveTasksMax), LiveTasksMax), (nameof(GroupsMax), GroupsMax), (nameof(SnapshotEvery), SnapshotEvery), (nameof(LedgerEntriesMax), LedgerEntriesMax),
            (nameof(LedgerBytesMax), LedgerBytesMax), (nameof(TurnMessagesMax), TurnMessagesMax), (nameof(NotificationsMax), NotificationsMax),
        })
        {
            if (value < 1)
                yield return $"Backhaul:Sessions:{name} is {value}; it must be at least 1.";
        }
        if (AttachGrace < TimeSpan.Zero || AttachGrace > TimeSpan.FromMinutes(10))
            yield return $"Backhaul:Sessions:AttachGrace is {AttachGrace}. Choose up to 10 min.";
        if (UrgentBefore < TimeSpan.Zero)
            yield return "Backhaul:Sessions:UrgentBefore must not be negative.";
        if (LedgerAge <= TimeSpan.Zero || IdleBeforePassivation <= TimeSpan.Zero)
            yield return "Backhaul:Sessions:LedgerAge and IdleBeforePassivation must be longer than zero.";
        foreach (var fault in Unconstrained.Faults())
            yield return fault;
    }
}

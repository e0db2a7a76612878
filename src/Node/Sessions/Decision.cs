using Backhaul.Node.Transfers;
using Backhaul.Node.Transfers.Conditions;
using Backhaul.Node.Transfers.Origins;
using Backhaul.Protocol;

namespace Backhaul.Node.Sessions;

/// <summary>What a command leads to: events to apply and journal, and the reply, made from the state after them.</summary>
internal sealed record Decision(IReadOnlyList<SessionEvent> Events, Func<Session, SessionConditions, CommandReply> Reply)
{
    /// <summary>The reply is made later, by deciding the same command again when the attempt that stops has ended.</summary>
    public bool AwaitsEnd { get; init; }

    public static Decision AfterEnd(IReadOnlyList<SessionEvent> events) =>
        new(events, (_, _) => throw new InvalidOperationException("Decided again when the attempt has ended.")) { AwaitsEnd = true };

    public static Decision Refuse(int status, string code, string detail, string? field = null) =>
        new([], (_, _) => CommandReply.Refuse(status, code, detail, field));

    public static Decision Refuse(Problem problem) => new([], (_, _) => new CommandReply.Refused(problem));
}

/// <summary>What a view shows besides the journaled state.</summary>
/// <param name="Now">The present.</param>
/// <param name="Attached">A client holds a stream open on this node.</param>
/// <param name="Slots">The numbers behind the limits.</param>
/// <param name="Live">How far running attempts are.</param>
internal sealed record SessionConditions(
    DateTimeOffset Now, bool Attached, TransferSlotUse Slots, Func<TaskId, LiveProgress?> Live)
{
    /// <summary>What holds an origin back besides the limits of node and session.</summary>
    public Func<string, OriginHold?> Held { get; init; } = static _ => null;

    /// <summary>The numbers behind the limit of unconstrained tasks.</summary>
    public UnconstrainedUse Unconstrained { get; init; } = new(0, int.MaxValue);

    /// <summary>Why a task does not start under the conditions that were declared.</summary>
    public Func<TaskState, StartHold?> StartHold { get; init; } = static _ => null;
}

/// <summary>How far a running attempt is, as its child last said.</summary>
internal sealed record LiveProgress(long BytesReceived, long BytesSent, long? TotalToReceive, long? TotalToSend, long BytesPerSecond, long? Expected = null)
{
    private const double EtaSecondsMax = 30 * 24 * 3600;

    /// <summary>Null while nobody can know.</summary>
    public TimeSpan? Eta
    {
        get
        {
            var left = TotalToSend is { } toSend ? toSend - BytesSent : (TotalToReceive ?? Expected) - BytesReceived;
            return left is null or < 0 || BytesPerSecond <= 0 ? null : TimeSpan.FromSeconds(Math.Ceiling(Math.Min((double)left.Value / BytesPerSecond, EtaSecondsMax)));
        }
    }
}

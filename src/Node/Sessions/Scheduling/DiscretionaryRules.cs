using Backhaul.Node.Transfers;
using Backhaul.Node.Transfers.Conditions;

namespace Backhaul.Node.Sessions;

/// <summary>When discretionary tasks may start. Pure. The load is known to the slots alone; what holds such a task back when nothing else does is the load.</summary>
internal static class DiscretionaryRules
{
    public static StartHold? Hold(StartTerms terms, DailyWindows windows, DateTimeOffset now)
    {
        if (!terms.Discretionary || windows.IsOpen(now))
            return null;
        var opens = windows.NextAfter(now);
        return new StartHold(WaitReasons.Discretionary, opens, $"It is discretionary, and such tasks start in the operators' windows of time; the next one begins at {opens:u}.");
    }

    /// <param name="slots">The numbers behind it.</param>
    /// <param name="urgent">When it starts as any other; null when no end by time is set.</param>
    public static string Explain(TransferSlotUse slots, DateTimeOffset? urgent) =>
        $"It is discretionary: such tasks start while the node runs fewer than {slots.DiscretionaryMax} transfers (it runs {slots.Running}, its limit is {slots.RunningMax}) and no other work waits "
        + $"({slots.Waiting} {(slots.Waiting == 1 ? "session is" : "sessions are")} in line)." + (urgent is { } at ? $" From {at:u} on it starts as any other, so that it ends in time." : "");
}

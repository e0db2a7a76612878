using Backhaul.Node.Sessions;
using Backhaul.Protocol;
using Backhaul.Simulation.Tests.Runs;

namespace Backhaul.Simulation.Tests.Invariants;

/// <summary>
/// T3, by the rows: the warning of a deadline comes once, in the last tenth of the task's time and before the deadline; and in a cluster in which nothing went wrong
/// and whose session did not move meanwhile (clocks of nodes disagree), no task ends by its deadline that was not warned of. After the store was put back nothing is checked.
/// </summary>
internal sealed class DeadlineChecks(Func<bool> isExcused)
{
    /// <summary>What went wrong before may be felt so long: shards find their owners, sessions are loaded.</summary>
    private static readonly TimeSpan FeltFor = TimeSpan.FromSeconds(60);

    private readonly Dictionary<(SessionKey Session, TaskId Task), Limit> _limits = [];

    public long Warnings { get; private set; }

    /// <param name="session">Where.</param>
    /// <param name="happened">What.</param>
    /// <param name="calmFor">Since when nothing has gone wrong and the session has had its owner.</param>
    public void OnDurable(SessionKey session, SessionEvent happened, TimeSpan calmFor)
    {
        if (isExcused())
            return;
        switch (happened)
        {
            case TaskCreated { Spec.Deadline: { } deadline } created:
                _limits[(session, created.Task)] = new Limit(deadline, (deadline - created.At) / 10);
                break;
            case TaskDeadlineNear near:
                Warn(session, near);
                break;
            case TaskCompleted completed when _limits.Remove((session, completed.Task), out var limit):
                if (completed.Outcome is TaskOutcomes.Expired && limit is { WasWarned: false, MayWarn: true } && calmFor > limit.Notice + FeltFor)
                    throw new InvariantBrokenException("T3", $"{session} {completed.Task} ends by its deadline {limit.At:o}, and nobody was warned of it: nothing has happened for {calmFor}.");
                break;
        }
    }

    private void Warn(SessionKey session, TaskDeadlineNear near)
    {
        Warnings++;
        if (!_limits.TryGetValue((session, near.Task), out var limit) || limit.WasWarned || !limit.MayWarn || near.Deadline != limit.At)
            throw new InvariantBrokenException("T3", $"{session} {near.Task} is warned of {near.Deadline:o}: it has ended, has no such deadline, or too near a one, or was warned of ({limit}).");
        if (near.At < limit.At - limit.Notice || near.At >= limit.At)
            throw new InvariantBrokenException("T3", $"{session} {near.Task} is warned at {near.At:o} of its deadline {limit.At:o}, and the time for that is {limit.Notice} before.");
        limit.WasWarned = true;
    }

    private sealed record Limit(DateTimeOffset At, TimeSpan Notice)
    {
        public bool MayWarn => Notice >= TimeSpan.FromSeconds(1);

        public bool WasWarned { get; set; }
    }
}

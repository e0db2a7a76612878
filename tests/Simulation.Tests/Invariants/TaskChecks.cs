using Backhaul.Node.Sessions;
using Backhaul.Protocol;
using Backhaul.Simulation.Tests.Runs;

namespace Backhaul.Simulation.Tests.Invariants;

/// <summary>C1, S1 of groups, S3: what clients are told of tasks, against what became of them.</summary>
internal sealed class TaskChecks(Func<SessionKey, JournalShadow?> journalOf, Func<bool> isExcused)
{
    private static readonly HashSet<string> ReasonsOfTime = [WaitReasons.EarliestBegin, WaitReasons.Retry, WaitReasons.Storage, WaitReasons.NoNetwork];

    private readonly HashSet<(SessionKey Session, GroupName Group)> _serialized = [];
    private readonly Dictionary<(SessionKey Session, TaskId Task), GroupName> _groupOf = [];
    private readonly Dictionary<(SessionKey Session, GroupName Group), HashSet<TaskId>> _active = [];
    private readonly List<(SessionKey Session, TaskId Task)> _cancels = [];

    public long Cancels => _cancels.Count;

    /// <summary>A client was told that this group runs one task at a time.</summary>
    public void OnSerialized(SessionKey session, GroupName group) => _serialized.Add((session, group));

    /// <summary>C1: a cancel that is said to have won has won, and one that is said to have lost has lost to what is named.</summary>
    public void OnCancelAnswered(SessionKey session, TaskId task, CommandReply reply, TaskView? view)
    {
        if (isExcused() || journalOf(session) is not { } journal)
            return;
        var outcome = journal.OutcomeOf(task);
        switch (reply)
        {
            case CommandReply.Done when view is { State: "canceling" }:
                _cancels.Add((session, task));
                break;
            case CommandReply.Done when outcome != TaskOutcomes.Cancelled || view?.Outcome != outcome:
                throw new InvariantBrokenException("C1", $"The cancel of {session} {task} is said to have won ({view?.State} {view?.Outcome}), and the task's end is {outcome ?? "not there"}.");
            case CommandReply.Refused { Problem: { Code: ProblemCodes.TaskEnded } lost } when outcome is null || !lost.Detail!.Contains($"({outcome})", StringComparison.Ordinal):
                throw new InvariantBrokenException("C1", $"The cancel of {session} {task} is said to have lost ({lost.Detail}), and the task's end is {outcome ?? "not there"}.");
        }
    }

    /// <summary>C1 at the end of a run that was drained: a cancel that was taken has had its end.</summary>
    public void CheckCancelsEnded()
    {
        foreach (var (session, task) in _cancels)
        {
            if (!isExcused() && journalOf(session)!.OutcomeOf(task) is null)
                throw new InvariantBrokenException("C1", $"The cancel of {session} {task} was accepted, and the task has not ended.");
        }
    }

    /// <summary>S3: a waiting task has one reason, and the time of its next look when time lifts it; an ended one has its one outcome.</summary>
    public void CheckView(SessionKey session, TaskView view)
    {
        if ((view.State == "waiting") != (view.Reason is not null))
            throw new InvariantBrokenException("S3", $"{session} {view.Id} is {view.State} with the reason {view.Reason ?? "none"}.");
        if (view.Reason is { } reason && ReasonsOfTime.Contains(reason) && view.NextEvaluationAt is null)
            throw new InvariantBrokenException("S3", $"{session} {view.Id} waits for {reason}, and nobody says until when.");
        if (view.Outcome is { } outcome && !isExcused() && journalOf(session)?.OutcomeOf(TaskId.Parse(view.Id)) is var durable && durable != outcome)
            throw new InvariantBrokenException("C1", $"{session} {view.Id} is shown as {outcome}, and its end is {durable ?? "not there"}.");
    }

    public void CheckWhy(SessionKey session, WhyView why)
    {
        if ((why.State == "waiting") != (why.Reason is not null) || why.Sentence.Length == 0)
            throw new InvariantBrokenException("S3", $"{session} {why.Id} is {why.State} with the reason {why.Reason ?? "none"}: {why.Sentence}");
    }

    /// <summary>S1: of a serialized group one task at a time.</summary>
    public void OnDurable(SessionKey session, SessionEvent happened)
    {
        switch (happened)
        {
            case TaskCreated { Spec.Group: { } group } created:
                _groupOf[(session, created.Task)] = group;
                break;
            case TaskStarted started when _groupOf.TryGetValue((session, started.Task), out var group):
                var active = ActiveOf(session, group);
                if (active.Count > 0 && _serialized.Contains((session, group)) && !isExcused())
                    throw new InvariantBrokenException("S1", $"{started.Task} of the serialized group {group} of {session} starts while {string.Join(' ', active)} runs.");
                active.Add(started.Task);
                break;
            case TaskAttemptEnded or TaskCompleted when happened is TaskEvent ended && _groupOf.TryGetValue((session, ended.Task), out var group):
                ActiveOf(session, group).Remove(ended.Task);
                break;
        }
    }

    private HashSet<TaskId> ActiveOf(SessionKey session, GroupName group)
    {
        if (!_active.TryGetValue((session, group), out var active))
            _active.Add((session, group), active = []);
        return active;
    }
}

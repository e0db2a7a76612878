using Backhaul.Node.Sessions;
using Backhaul.Node.Transfers;
using Backhaul.Protocol;
using Backhaul.Simulation.Tests.Runs;

namespace Backhaul.Simulation.Tests.Invariants;

/// <summary>
/// T2: what is journaled of an attempt was said by that attempt. Attempts are told apart by the epoch they were started in as well, since
/// an attempt whose start never became durable may have the same number as a later one.
/// </summary>
internal sealed class AttemptReports
{
    private readonly HashSet<(SessionKey Session, int Generation, TaskId Task, int Attempt, string Part, long Bytes)> _said = [];
    private readonly Dictionary<(SessionKey, int, TaskId), int> _newest = [];

    /// <summary>The number of the task's newest attempt: what the mutant without an attempt fence takes every report for.</summary>
    public int NewestOf(SessionKey session, int generation, TaskId task) => _newest.GetValueOrDefault((session, generation, task));

    public void Started(SessionKey session, int generation, TaskId task, int attempt, long epoch) => _newest[(session, generation, task)] = attempt;

    public void Said(TaskFiles files, int attempt, PartCheckpoint part) => _said.Add((files.Session, files.Generation, files.Task, attempt, part.Part, part.Bytes));

    public void CheckCheckpoint(SessionKey session, int generation, TaskCheckpointed row)
    {
        if (!_said.Contains((session, generation, row.Task, row.Attempt, row.Part.Part, row.Part.Bytes)))
        {
            throw new InvariantBrokenException(
                "T2", $"Attempt {row.Attempt} of {session} {row.Task} is on record with {row.Part.Bytes} bytes in {row.Part.Part}, and another one said so.");
        }
    }
}

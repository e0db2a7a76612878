using Backhaul.Node.Actors;
using Backhaul.Node.Journal;
using Backhaul.Node.Transfers;
using Backhaul.Protocol;

namespace Backhaul.Node.Sessions;

/// <summary>
/// What one turn of a session gathers: rows for one append, and what happens once they are durable. Nothing in here is visible to
/// anybody before the commit.
/// </summary>
internal sealed class SessionTurn
{
    private readonly List<Action> _replies = [];
    private readonly List<Request<CommandReply>> _asked = [];

    public List<NewRow> Rows { get; } = [];

    public List<ArchivedTask> Archive { get; } = [];

    /// <summary>Destinations that tasks take and leave, in order.</summary>
    public List<ClaimChange> Claims { get; } = [];

    /// <summary>Files of tasks that end in this turn, to be removed later.</summary>
    public List<FileExpiry> Expiries { get; } = [];

    /// <summary>What other sessions own of the destinations that this turn's messages name.</summary>
    public ClaimedElsewhere Claimed { get; set; } = ClaimedElsewhere.Nothing;

    /// <summary>Of rows and archive, with what they cost besides their payload.</summary>
    public long Bytes { get; private set; }

    /// <summary>Ended in this turn: not in the live state any more, not yet in the archive.</summary>
    public Dictionary<TaskId, TaskState> Ended { get; } = [];

    /// <summary>Attempts to start once their event is durable.</summary>
    public List<(TaskStarted Event, SlotLease Slot)> Starts { get; } = [];

    /// <summary>Tasks whose bandwidth changed.</summary>
    public List<TaskId> Rates { get; } = [];

    /// <summary>Tasks whose attempt is to stop.</summary>
    public HashSet<TaskId> Stops { get; } = [];

    /// <summary>Tasks of which ranges are wanted.</summary>
    public HashSet<TaskId> Wishes { get; } = [];

    /// <summary>Files that nothing refers to any more; true: the temporary result too.</summary>
    public List<(TaskFiles Files, bool ResultToo)> Discards { get; } = [];

    public List<Func<Task>> Reads { get; } = [];

    public int Messages { get; set; }

    /// <summary>True when an attempt finished in this turn: the commit is a crash point of publishing.</summary>
    public bool Publishes { get; set; }

    public void Add(NewRow row)
    {
        Rows.Add(row);
        Bytes += row.Payload.Length + 128;
    }

    public void Add(ArchivedTask ended)
    {
        Archive.Add(ended);
        Bytes += ended.Payload.Length + 64;
    }

    public void Answer(Request<CommandReply> request, CommandReply reply)
    {
        _asked.Add(request);
        _replies.Add(() => request.TryAnswer(reply));
    }

    public void Answer(Request<bool> request, bool reply) => _replies.Add(() => request.TryAnswer(reply));

    /// <summary>The turn did not come through: nothing starts.</summary>
    public void ReturnSlots()
    {
        foreach (var (_, slot) in Starts)
            slot.Return();
    }

    /// <summary>The append did not come through: everybody who asked is told why.</summary>
    public void Fail(CommandReply why)
    {
        foreach (var request in _asked)
            request.TryAnswer(why);
    }

    public void Release()
    {
        foreach (var reply in _replies)
            reply();
    }
}

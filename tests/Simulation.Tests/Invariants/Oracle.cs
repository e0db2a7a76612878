using Backhaul.Node.Journal;
using Backhaul.Node.Journal.Memory;
using Backhaul.Node.Sessions;
using Backhaul.Protocol;
using Backhaul.Simulation.Tests.Files;
using Backhaul.Simulation.Tests.Runs;

namespace Backhaul.Simulation.Tests.Invariants;

/// <summary>
/// Knows everything, tells nobody, and throws when a promise is broken (<see cref="InvariantBrokenException"/>; the table is in
/// docs/simulation.md). Each check hangs on the moment in which it could first fail: a commit, a claim, an outward byte, an answer.
/// </summary>
internal sealed class Oracle(SimTrace trace, Func<TimeSpan> now, SessionOptions options)
{
    /// <summary>After this long without a disturbance nobody has a reason to move a shard.</summary>
    private static readonly TimeSpan CalmAfter = TimeSpan.FromMinutes(3);

    /// <summary>After the store was put back, nodes trust what the lost transactions had given them until their next look.</summary>
    private static readonly TimeSpan RestoredFor = TimeSpan.FromSeconds(40);

    /// <summary>From a decision to its commit.</summary>
    private static readonly TimeSpan DecidedFor = TimeSpan.FromSeconds(20);

    private readonly SortedDictionary<string, JournalShadow> _shadows = new(StringComparer.Ordinal);
    private readonly Dictionary<NodeId, string> _names = [];
    private readonly List<Acknowledged> _acknowledged = [];
    private readonly AttemptReports _reports = new();
    private WebhookChecks? _webhooks;
    private QuestionChecks? _questions;
    private TaskChecks? _taskChecks;
    private DeadlineChecks? _deadlines;
    private SetChecks? _sets;
    private readonly Dictionary<int, IWatchedNode> _trusting = [];
    private MemoryTables _tables = null!;
    private SimVolume _volume = null!;
    private Func<IEnumerable<IWatchedNode>> _nodes = null!;
    private (Dictionary<string, int> Rows, int Acknowledged)? _replica;
    private readonly Dictionary<int, TimeSpan> _ownedSince = [];
    private TimeSpan _disturbedAt;
    private TimeSpan _restoredAt = TimeSpan.MinValue;

    /// <summary>How often the store was put back: what a client saw before is not promised after.</summary>
    public int Restores { get; private set; }

    public IReadOnlyCollection<JournalShadow> Journals => _shadows.Values;

    public AttemptReports Reports => _reports;

    public SimStatistics Statistics { get; } = new();

    /// <summary>Challenges and delayed requests.</summary>
    public QuestionChecks Questions => _questions ??= new QuestionChecks(() => Restores > 0);

    /// <summary>Cancels, groups and what is shown of tasks.</summary>
    public TaskChecks TaskAnswers => _taskChecks ??= new TaskChecks(session => _shadows.GetValueOrDefault(session.ToString()), () => Restores > 0);

    /// <summary>Completion groups.</summary>
    public SetChecks Sets => _sets ??= new SetChecks(() => Restores > 0);

    public DeadlineChecks Deadlines => _deadlines ??= new DeadlineChecks(() => Restores > 0);

    /// <summary>Webhooks and launches.</summary>
    public WebhookChecks Webhooks => _webhooks ??= new WebhookChecks(now, session => _shadows.GetValueOrDefault(session.ToString()), () => Restores > 0);

    public void Watch(MemoryTables tables, SimVolume volume, Func<IEnumerable<IWatchedNode>> nodes) => (_tables, _volume, _nodes) = (tables, volume, nodes);

    public void Disturbed() => _disturbedAt = now();

    // ---- the store ----

    public void OnApplied(string writer, SessionAppend append)
    {
        var row = _tables.Shards[append.Grant.ShardId];
        if (row.Owner != append.Grant.Node || row.Epoch != append.Grant.Epoch)
        {
            throw new InvariantBrokenException(
                "I2", $"{writer} wrote {append.Session} as epoch {append.Grant.Epoch} of shard {append.Grant.ShardId}, which is {NameOf(row.Owner)}'s in epoch {row.Epoch}.");
        }
        if (!_shadows.TryGetValue(append.Session.ToString(), out var shadow))
            _shadows.Add(append.Session.ToString(), shadow = new JournalShadow(append.Session, options));
        var generation = shadow.Fold.Generation;
        var events = shadow.Append(append);
        Statistics.Rows += append.Rows.Count;
        trace.Line(writer, $"commit {append.Session} {append.FirstSequence}+{append.Rows.Count} e{append.Grant.Epoch} {string.Join(' ', append.Rows.Select(written => written.EventType))}");
        foreach (var happened in events)
            Check(writer, shadow, generation, happened, append.Grant);
    }

    public void OnSnapshot(string writer, ShardGrant grant, SessionKey session, StoredSnapshot snapshot)
    {
        trace.Line(writer, $"snapshot {session} at {snapshot.Sequence} e{grant.Epoch}");
        _shadows[session.ToString()].CheckSnapshot(snapshot);
    }

    public void OnMembership(string writer, NodeId node, string what)
    {
        Disturbed();
        if (what == "joined")
            _names[node] = writer;
        trace.Line(writer, $"{NameOf(node)} {what}");
    }

    public void OnClaimed(string writer, ShardGrant grant)
    {
        Statistics.Claims++;
        _ownedSince[grant.ShardId] = now();
        trace.Line(writer, $"claimed shard {grant.ShardId} e{grant.Epoch}");
        CheckTrust();
    }

    public void OnReleased(string writer, ShardGrant grant)
    {
        trace.Line(writer, $"released shard {grant.ShardId} e{grant.Epoch}");
        if (now() - _disturbedAt > CalmAfter && _nodes().FirstOrDefault(node => node.Id == grant.Node) is { IsDraining: false } mover)
            throw new InvariantBrokenException("I9", $"{mover.Name} gave shard {grant.ShardId} away, and nothing had changed for {now() - _disturbedAt}.");
    }

    public void OnReacquired(string writer, ShardGrant grant) => trace.Line(writer, $"re-acquired shard {grant.ShardId} e{grant.Epoch}");

    public void OnReplicaTaken() => _replica = (_shadows.ToDictionary(shadow => shadow.Key, shadow => shadow.Value.Rows, StringComparer.Ordinal), _acknowledged.Count);

    public void OnReplicaPromoted()
    {
        var (rows, acknowledged) = _replica!.Value;
        Restores++;
        (_restoredAt, _replica) = (now(), null);
        foreach (var (session, shadow) in _shadows.ToList())
        {
            if (rows.TryGetValue(session, out var kept))
                shadow.CutTo(kept);
            else
                _shadows.Remove(session);
        }
        _acknowledged.RemoveRange(acknowledged, _acknowledged.Count - acknowledged);
        Disturbed();
    }

    // ---- trust ----

    /// <summary>I4: at no moment do two nodes trust the same shard.</summary>
    public void CheckTrust()
    {
        if (IsRestored)
            return;
        _trusting.Clear();
        foreach (var node in _nodes())
        {
            if (node.IsExcused)
                continue;
            foreach (var grant in node.Acting)
            {
                if (!_trusting.TryAdd(grant.ShardId, node))
                {
                    throw new InvariantBrokenException(
                        "I4", $"{_trusting[grant.ShardId].Name} and {node.Name} both trust shard {grant.ShardId}; the row is {NameOf(_tables.Shards[grant.ShardId].Owner)}'s.");
                }
            }
        }
    }

    /// <summary>I6: called in the moment in which a node decides to send or to write something outside, and says why it may.</summary>
    public void OnOutward(IWatchedNode node, int shardId, string what)
    {
        Statistics.Outward++;
        var row = _tables.Shards[shardId];
        if (row.Owner == node.Id || node.IsExcused || IsRestored)
            return;
        throw new InvariantBrokenException("I6", $"{node.Name} does this for shard {shardId}, which is {NameOf(row.Owner)}'s in epoch {row.Epoch}: {what}");
    }

    private bool IsRestored => _restoredAt != TimeSpan.MinValue && now() - _restoredAt < RestoredFor;

    // ---- clients ----

    /// <summary>
    /// A machine that slept answers from memory until it notices, which takes a thirtieth of a lease: what clients read then is not held against anybody.
    /// </summary>
    public bool MayReadTheOld => _nodes().Any(static node => node.JustWoke);

    /// <summary>Events up to here are acknowledged, by whomever, or ended with their retention.</summary>
    public long HandledOf(SessionKey session) => _shadows.GetValueOrDefault(session.ToString())?.Fold.Delivery.Acknowledged ?? 0;

    public bool IsPaused(SessionKey session) => _shadows.GetValueOrDefault(session.ToString())?.Fold.Paused == true;

    public long LastOf(SessionKey session) => _shadows.GetValueOrDefault(session.ToString())?.LastNumber ?? 0;

    /// <summary>Tasks that go on only when their client does something.</summary>
    public IReadOnlyList<TaskState> WaitingForClient(SessionKey session) =>
        [.. _shadows.GetValueOrDefault(session.ToString())?.Fold.Tasks.After(0).Where(task => task.Phase is TaskPhase.Suspended || task.WaitsForClient) ?? []];

    /// <summary>Nothing is left to be told, and that nothing is left was told.</summary>
    public bool IsHandled(SessionKey session) => _shadows.GetValueOrDefault(session.ToString())?.Fold.Delivery is not { } delivery || (delivery.Acknowledged == delivery.LastNumber && !delivery.DrainDue);

    /// <summary>R3: a client sees an event.</summary>
    public void OnSeen(SessionKey session, EventView view, string where)
    {
        Statistics.Seen++;
        if (Restores == 0)
            _shadows[session.ToString()].Events.CheckSeen(view, where);
    }

    /// <summary>I3, as soon as the answer is out: what was acknowledged is durable, once.</summary>
    public void OnAcknowledged(SessionKey session, SessionCommand command, CommandKey key, CommandReply.Done reply, TaskId? task)
    {
        Statistics.Acknowledged++;
        var acknowledged = new Acknowledged(session, command, key.Id.Value, task, reply.Status == 201);
        CheckDurable(acknowledged, $"was answered {reply.Status}");
        _acknowledged.Add(acknowledged);
    }

    /// <summary>A client was told that its task was taken as it asked for it.</summary>
    public void OnTaskPromised(SessionKey session, TaskId task, TaskSpec asked)
    {
        if (asked.AskBeforeStart is { } ask)
            Questions.OnPromised(session, task, ask);
        if (asked.CompletionGroup is { } set)
            Sets.OnPromised(session, task, set);
        if (asked.Notify is { } notify && Restores == 0)
            Webhooks.Notifications.OnPromised(session, task, notify);
    }

    public void CheckAllAcknowledged() => _acknowledged.ForEach(acknowledged => CheckDurable(acknowledged, "was acknowledged"));

    /// <summary>N3.</summary>
    public void CheckNotifications()
    {
        if (Restores == 0)
            Webhooks.Notifications.CheckNoneLost(session => _shadows.GetValueOrDefault(session.ToString()));
    }

    private void CheckDurable(Acknowledged acknowledged, string how)
    {
        var shadow = _shadows.GetValueOrDefault(acknowledged.Session.ToString());
        // After the store was put back, a session that is still in memory may say what was so before, as long as it writes nothing.
        var isThere = acknowledged.Command switch
        {
            _ when Restores > 0 && !acknowledged.IsNew => true,
            SessionCommand.AddTask { Spec.Id: null } => shadow?.TimesAnswered(acknowledged.Key) == 1 && shadow.Created.Keys.Any(created => created.Task == acknowledged.Task),
            SessionCommand.AddTask => shadow?.Created.Keys.Any(created => created.Task == acknowledged.Task) == true,
            _ => shadow is { Rows: > 0 },
        };
        if (!isThere)
            throw new InvariantBrokenException("I3", $"{acknowledged.Command.GetType().Name} {acknowledged.Key} of {acknowledged.Session} (task {acknowledged.Task}) {how}, and is not in the journal.");
    }

    // ---- periodic and at the end ----

    public void CheckQueues()
    {
        foreach (var node in _nodes())
        {
            if (node.FindStuck() is var (number, what))
                throw new InvariantBrokenException(number, $"{node.Name}: {what}");
        }
    }

    /// <summary>The store holds what became durable, and nothing else.</summary>
    public void CheckStore()
    {
        foreach (var shadow in _shadows.Values)
        {
            var stored = _tables.Find(shadow.Session) ?? throw new InvariantBrokenException("I3", $"{shadow.Session} is not in the store.");
            if (stored.Head.LastSequence != shadow.Rows || stored.Head.LastNumber != shadow.LastNumber)
                throw new InvariantBrokenException("I3", $"{shadow.Session} ends at {stored.Head.LastSequence} in the store, and {shadow.Rows} rows became durable.");
            foreach (var (sequence, row) in stored.Rows)
            {
                var expected = shadow.RowAt(sequence);
                if (row.Epoch != expected.Epoch || row.EventType != expected.Type || !row.Payload.Span.SequenceEqual(expected.Payload.Span))
                    throw new InvariantBrokenException("I3", $"Row {sequence} of {shadow.Session} is not what was written.");
            }
            foreach (var snapshot in stored.Snapshots.Values)
                shadow.CheckSnapshot(snapshot);
        }
    }

    /// <summary>For the mutant without an attempt fence.</summary>
    public int NewestAttempt(SessionKey session, TaskId task) =>
        _shadows.TryGetValue(session.ToString(), out var shadow) ? _reports.NewestOf(session, shadow.Fold.Generation, task) : 0;

    public string NameOf(NodeId? node) => node is { } id ? _names.GetValueOrDefault(id, "unknown") : "nobody";

    /// <summary>L5: who is there is not launched. A decision is durable within seconds.</summary>
    private void CheckAbsent(string writer, SessionKey session, LaunchRequested launch)
    {
        if (_nodes().FirstOrDefault(node => node.Name == writer)?.AttachedSince(session) is { } since && now() - since > DecidedFor)
            throw new InvariantBrokenException("L5", $"{writer} asks for launch {launch.Number} of {session}, whose client has been attached there since {since}.");
    }

    /// <summary>Nothing went wrong, and the shard has had its owner.</summary>
    private TimeSpan CalmFor(int shardId)
    {
        var since = _ownedSince.GetValueOrDefault(shardId);
        return now() - (since > _disturbedAt ? since : _disturbedAt);
    }

    private void Check(string writer, JournalShadow shadow, int generationBefore, SessionEvent happened, ShardGrant grant)
    {
        Webhooks.OnDurable(shadow, happened);
        Questions.OnDurable(shadow.Session, happened);
        TaskAnswers.OnDurable(shadow.Session, happened);
        Sets.OnDurable(shadow, happened);
        Deadlines.OnDurable(shadow.Session, happened, CalmFor(grant.ShardId));
        switch (happened)
        {
            case TaskCompleted { Outcome: TaskOutcomes.Succeeded, File: { } file } completed:
                Statistics.Succeeded++;
                _volume.CheckPublished(shadow.Session, generationBefore, completed.Task, file);
                break;
            case TaskCompleted:
                Statistics.Ended++;
                break;
            case LaunchRequested launch when Restores == 0:
                CheckAbsent(writer, shadow.Session, launch);
                break;
            case EventsExpired expired when Restores == 0 && Webhooks.Launches.ClocksAgree:
                shadow.Events.CheckExpired(expired, Webhooks.Launches.RetentionOf(shadow.Session) ?? shadow.Fold.EventRetention);
                break;
            case TaskStarted started:
                _reports.Started(shadow.Session, generationBefore, started.Task, started.Attempt, grant.Epoch);
                break;
            case TaskCheckpointed checkpointed:
                _reports.CheckCheckpoint(shadow.Session, generationBefore, checkpointed);
                break;
        }
    }

    private sealed record Acknowledged(SessionKey Session, SessionCommand Command, Guid Key, TaskId? Task, bool IsNew);
}

using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;
using Backhaul.Protocol;

namespace Backhaul.Node.Sessions;

/// <summary>
/// The live tasks of a session, with the indexes that make a million waiting ones cost nothing: by id, by order of creation, by
/// destination, ready ones by host and rank, timed ones by due time. A waiting task is a record in here, never an actor.
/// Derived wholly from the states put in; changed only by <see cref="Session.Apply"/>.
/// </summary>
internal sealed class TaskBook
{
    private readonly Dictionary<TaskId, TaskState> _byId = [];
    private readonly GroupBook _groups;
    private readonly Func<int, StartTerms> _termsOf;
    private readonly TimeSpan _urgentBefore;
    private readonly HashSet<TaskId> _urgent = [];
    private readonly SortedSet<TimedTask> _urgencies = [];
    private readonly TaskOrder _ordered = new();
    private readonly HashSet<(ContainerName, ContainerPath)> _destinations = [];
    private readonly SortedSet<TimedTask> _waits = [];
    private readonly SortedSet<TimedTask> _strikes = [];
    private readonly SortedSet<TimedTask> _deferrals = [];
    private readonly SortedSet<TimedTask> _questions = [];
    private readonly SortedSet<TaskRank> _toAsk = [];
    private readonly long[] _counts = new long[(int)TaskPhase.Completed + 1];
    private readonly Dictionary<string, long> _waiting = new(StringComparer.Ordinal);

    /// <param name="groups">Of the session.</param>
    /// <param name="termsOf">What the tasks of a version of its configuration demand when they start.</param>
    /// <param name="urgentBefore">How near its end by time a discretionary task starts as any other.</param>
    public TaskBook(GroupBook groups, Func<int, StartTerms> termsOf, TimeSpan urgentBefore)
    {
        (_groups, _termsOf, _urgentBefore) = (groups, termsOf, urgentBefore);
        Ready = new ReadyTasks(id => _byId[id], TermsOf);
    }

    public ReadyTasks Ready { get; }

    public int Count => _byId.Count;

    /// <summary>Tasks with an attempt under way, also those that wind down.</summary>
    public int ActiveCount { get; private set; }

    /// <summary>How many wait for what; those that only a limit holds back count as <c>ready</c>.</summary>
    public IReadOnlyDictionary<string, long> WaitingByReason => _waiting;

    public long CountOf(TaskPhase phase) => _counts[(int)phase];

    public bool TryFind(TaskId id, [NotNullWhen(true)] out TaskState? task) => _byId.TryGetValue(id, out task);

    public TaskState this[TaskId id] => _byId[id];

    public bool IsDestinationTaken(ContainerName container, ContainerPath path) => _destinations.Contains((container, path));

    /// <summary>What it demands of the conditions that it starts under: its session's terms, but for what it said itself.</summary>
    public StartTerms TermsOf(TaskState task)
    {
        var terms = AskedBy(task);
        return terms.Discretionary && _urgent.Contains(task.Id) ? terms with { Discretionary = false } : terms;
    }

    /// <summary>When a discretionary task starts whatever the conditions are that only those wait for; null for others, and for what the next round may fetch.</summary>
    public DateTimeOffset? UrgentAt(TaskState task) =>
        task is { Phase: TaskPhase.Waiting, IsPrefetch: false } && AskedBy(task).Discretionary && LimitOf(task) is { } limit ? limit - _urgentBefore : null;

    private StartTerms AskedBy(TaskState task)
    {
        var terms = _termsOf(task.ConfigurationVersion);
        if (task.Unconstrained is true)
            return terms.Freed();
        if (task.Discretionary is { } marked)
            terms = terms with { Discretionary = terms.Discretionary || marked };
        return task.Spec.CostPolicy is { } own ? terms with { Cost = own } : terms;
    }

    /// <summary>Tasks created after an ordinal, oldest first.</summary>
    public IEnumerable<TaskState> After(long ordinal) => Live(_ordered.After(ordinal));

    /// <summary>Those of a group.</summary>
    public IEnumerable<TaskState> InGroup(TaskGroup group, long afterOrdinal) => Live(group.Members.After(afterOrdinal));

    public IEnumerable<TaskState> Active() => _byId.Values.Where(task => task.IsActive);

    /// <summary>Of the configuration, that tasks name; a version as often as it is named.</summary>
    public IEnumerable<int> Versions() => _byId.Values.Select(task => task.ConfigurationVersion).Concat(_byId.Values.Select(task => task.Run?.AccessVersion).OfType<int>());

    /// <summary>Tasks that wait for a credential. Found by a walk, because it is asked for at a change of the configuration only.</summary>
    public IReadOnlyList<TaskState> Challenged() => _waiting.GetValueOrDefault(WaitReasons.Credential) == 0
        ? []
        : [.. _byId.Values.Where(task => task is { IsActive: false, WaitsForClient: true, Reason: WaitReasons.Credential })];

    /// <summary>It could start, and its group puts another before it.</summary>
    public bool IsBehindInGroup(TaskState task) =>
        GroupOf(task) is { IsSerialized: true } group && group.Offered?.Rank != TaskRank.Of(task) && IsTimed(task) && !DelayedRequestDecider.MustAsk(task);

    public void Add(TaskState task, ContainerName containerDefault)
    {
        var group = task.Spec.Group is { } name ? _groups.Ensure(name) : null;
        if (group is not null)
        {
            task = task with { Spec = task.Spec with { Group = group.Name } }; // one text for all of its tasks
            group.Members.Add(task);
            _groups.OnAdded(group);
        }
        _byId.Add(task.Id, task);
        _ordered.Add(task);
        if (task.Spec.Destination is { } destination)
            _destinations.Add((destination.Container ?? containerDefault, destination.Path));
        Index(task);
    }

    public void Replace(TaskState task)
    {
        Unindex(_byId[task.Id]);
        _byId[task.Id] = task;
        Index(task);
    }

    public void Remove(TaskId id, ContainerName containerDefault)
    {
        var task = _byId[id];
        Unindex(task);
        _byId.Remove(id);
        if (task.Spec.Destination is { } destination)
            _destinations.Remove((destination.Container ?? containerDefault, destination.Path));
        _ordered.RemoveOne(_byId.ContainsKey);
        if (GroupOf(task) is { } group)
        {
            group.Members.RemoveOne(_byId.ContainsKey);
            group.Live--;
        }
    }

    /// <summary>
    /// A group is another now: how it runs, or where it begins. Ready tasks change their place, so that this costs as much as the group has of them
    /// when the mode changes, and nothing to speak of otherwise.
    /// </summary>
    public void Regroup(TaskGroup group, GroupState state)
    {
        List<TaskState> ready = state.Mode == group.State.Mode ? [] : [.. InGroup(group, 0).Where(task => IsTimed(task) && Ready.Contains(task, group))];
        foreach (var task in ready)
            Ready.Remove(task, group);
        _groups.Set(group, state);
        foreach (var task in ready)
            Ready.Add(task, group);
        Ready.Reoffer(group);
    }

    /// <summary>Moves tasks whose wait is over to the ready ones. A function of state and time, so nothing is journaled.</summary>
    public void Promote(DateTimeOffset now)
    {
        while (_urgencies.Count > 0 && _urgencies.Min is var next && next.At <= now)
        {
            _urgencies.Remove(next);
            MakeUrgent(_byId[next.Id]);
        }
        while (_waits.Count > 0 && _waits.Min is var first && first.At <= now)
        {
            _waits.Remove(first);
            AddReady(_byId[first.Id]);
        }
    }

    private void MakeUrgent(TaskState task)
    {
        var isReady = IsTimed(task) && (task.NotBefore is not { } at || !_waits.Contains(new TimedTask(at, task.Ordinal, task.Id)));
        if (isReady)
            RemoveReady(task); // by the terms that it had
        _urgent.Add(task.Id);
        if (isReady)
            AddReady(task);
    }

    /// <summary>The earliest task whose deadline, resource time-out or warning has struck.</summary>
    public bool TryFindStruck(DateTimeOffset now, [NotNullWhen(true)] out TaskState? task)
    {
        task = _strikes.Count > 0 && _strikes.Min.At <= now ? _byId[_strikes.Min.Id] : null;
        return task is not null;
    }

    /// <summary>A task whose deferral of range events has lasted as long as it may.</summary>
    public bool TryFindDeferred(DateTimeOffset now, [NotNullWhen(true)] out TaskState? task)
    {
        task = _deferrals.Count > 0 && _deferrals.Min.At <= now ? _byId[_deferrals.Min.Id] : null;
        return task is not null;
    }

    /// <summary>Tasks wait to be asked about.</summary>
    public bool HasToAsk => _toAsk.Count > 0 && _waiting.GetValueOrDefault(WaitReasons.DelayedRequest) < DelayedRequestDecider.OpenMax;

    /// <summary>The best task that is due and whose client is to be asked first.</summary>
    public bool TryFindToAsk([NotNullWhen(true)] out TaskState? task)
    {
        task = _toAsk.Count > 0 ? _byId[_toAsk.Min.Id] : null;
        return task is not null;
    }

    /// <summary>A question whose time is over.</summary>
    public bool TryFindUnanswered(DateTimeOffset now, [NotNullWhen(true)] out TaskState? task)
    {
        task = _questions.Count > 0 && _questions.Min.At <= now ? _byId[_questions.Min.Id] : null;
        return task is not null;
    }

    /// <summary>When time alone changes something next.</summary>
    public DateTimeOffset? NextDue()
    {
        var due = NextStartOrEnd();
        if (_urgencies.Count > 0 && !(due < _urgencies.Min.At))
            due = _urgencies.Min.At;
        due = _deferrals.Count > 0 && !(due < _deferrals.Min.At) ? _deferrals.Min.At : due;
        return _questions.Count > 0 && !(due < _questions.Min.At) ? _questions.Min.At : due;
    }

    private DateTimeOffset? NextStartOrEnd()
    {
        DateTimeOffset? wait = _waits.Count > 0 ? _waits.Min.At : null;
        DateTimeOffset? limit = _strikes.Count > 0 ? _strikes.Min.At : null;
        return wait is null ? limit : limit is null || wait < limit ? wait : limit;
    }

    /// <summary>When time speaks about it next: the warning of its deadline, or its end.</summary>
    private static DateTimeOffset? StrikeOf(TaskState task)
    {
        var limit = LimitOf(task);
        return DeadlineWarning.At(task) is { } warning && !(limit <= warning) ? warning : limit;
    }

    /// <summary>When it ends if it has not ended by then; null: never, or its end is under way.</summary>
    public static DateTimeOffset? LimitOf(TaskState task)
    {
        if (task.Phase is TaskPhase.Canceling)
            return null; // its end is under way already
        var deadline = task.Spec.Deadline;
        var resource = task.Run?.ResourceDeadline;
        return deadline is null ? resource : resource is null || deadline < resource ? deadline : resource;
    }

    private void Index(TaskState task)
    {
        var group = GroupOf(task);
        group?.Count(task.Phase, +1);
        _counts[(int)task.Phase]++;
        if (task.Phase is TaskPhase.Waiting)
            CollectionsMarshal.GetValueRefOrAddDefault(_waiting, task.Reason ?? "ready", out _)++;
        if (task.IsActive)
        {
            ActiveCount++;
            Ready.CountActive(task, +1, group);
        }
        else if (IsTimed(task))
        {
            if (task.NotBefore is { } at)
                _waits.Add(new TimedTask(at, task.Ordinal, task.Id));
            else
                AddReady(task);
        }
        if (group is not null && KeepsTurn(task))
            Ready.Hold(task, group, holds: true);
        if (task is { Reason: WaitReasons.DelayedRequest, NotBefore: { } unanswered })
            _questions.Add(new TimedTask(unanswered, task.Ordinal, task.Id));
        if (task.Ranges?.DeferredUntil is { } until)
            _deferrals.Add(new TimedTask(until, task.Ordinal, task.Id));
        if (StrikeOf(task) is { } strike)
            _strikes.Add(new TimedTask(strike, task.Ordinal, task.Id));
        if (UrgentAt(task) is { } urgent)
            _urgencies.Add(new TimedTask(urgent, task.Ordinal, task.Id));
    }

    private void Unindex(TaskState task)
    {
        var group = GroupOf(task);
        group?.Count(task.Phase, -1);
        _counts[(int)task.Phase]--;
        if (task.Phase is TaskPhase.Waiting)
            CollectionsMarshal.GetValueRefOrAddDefault(_waiting, task.Reason ?? "ready", out _)--;
        if (task.IsActive)
        {
            ActiveCount--;
            Ready.CountActive(task, -1, group);
        }
        else if (IsTimed(task))
        {
            if (task.NotBefore is not { } at || !_waits.Remove(new TimedTask(at, task.Ordinal, task.Id)))
                RemoveReady(task);
        }
        if (group is not null && KeepsTurn(task))
            Ready.Hold(task, group, holds: false);
        if (task is { Reason: WaitReasons.DelayedRequest, NotBefore: { } unanswered })
            _questions.Remove(new TimedTask(unanswered, task.Ordinal, task.Id));
        if (task.Ranges?.DeferredUntil is { } until)
            _deferrals.Remove(new TimedTask(until, task.Ordinal, task.Id));
        if (StrikeOf(task) is { } strike)
            _strikes.Remove(new TimedTask(strike, task.Ordinal, task.Id));
        if (UrgentAt(task) is { } urgent && !_urgencies.Remove(new TimedTask(urgent, task.Ordinal, task.Id)))
            _urgent.Remove(task.Id);
    }

    /// <summary>It goes on by itself, now or when its time has come.</summary>
    private static bool IsTimed(TaskState task) => task is { IsActive: false, Phase: TaskPhase.Waiting, WaitsForClient: false };

    /// <summary>Begun, and going on by itself or by the answer to a question that has a time.</summary>
    private static bool KeepsTurn(TaskState task) =>
        task is { Run.Active: false, Phase: TaskPhase.Waiting } && (!task.WaitsForClient || task.Reason is WaitReasons.DelayedRequest);

    private void AddReady(TaskState task)
    {
        if (DelayedRequestDecider.MustAsk(task))
            _toAsk.Add(TaskRank.Of(task));
        else
            Ready.Add(task, GroupOf(task));
    }

    private void RemoveReady(TaskState task)
    {
        if (DelayedRequestDecider.MustAsk(task))
            _toAsk.Remove(TaskRank.Of(task));
        else
            Ready.Remove(task, GroupOf(task));
    }

    private TaskGroup? GroupOf(TaskState task) => task.Spec.Group is { } name ? _groups[name] : null;

    private IEnumerable<TaskState> Live(IEnumerable<TaskId> ids)
    {
        foreach (var id in ids)
        {
            if (_byId.TryGetValue(id, out var task))
                yield return task;
        }
    }

    private readonly record struct TimedTask(DateTimeOffset At, long Ordinal, TaskId Id) : IComparable<TimedTask>
    {
        public int CompareTo(TimedTask other)
        {
            var byTime = At.CompareTo(other.At);
            return byTime != 0 ? byTime : Ordinal.CompareTo(other.Ordinal);
        }
    }
}

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
    private readonly HashSet<(ContainerName, ContainerPath)> _destinations = [];
    private readonly SortedSet<TimedTask> _waits = [];
    private readonly SortedSet<TimedTask> _limits = [];
    private readonly SortedSet<TimedTask> _deferrals = [];
    private readonly long[] _counts = new long[(int)TaskPhase.Completed + 1];
    private readonly Dictionary<string, long> _waiting = new(StringComparer.Ordinal);
    private List<TaskId> _ordered = [];
    private int _orderedGone;

    public ReadyTasks Ready { get; } = new();

    public int Count => _byId.Count;

    /// <summary>Tasks with an attempt under way, also those that wind down.</summary>
    public int ActiveCount { get; private set; }

    /// <summary>How many wait for what; those that only a limit holds back count as <c>ready</c>.</summary>
    public IReadOnlyDictionary<string, long> WaitingByReason => _waiting;

    public long CountOf(TaskPhase phase) => _counts[(int)phase];

    public bool TryFind(TaskId id, [NotNullWhen(true)] out TaskState? task) => _byId.TryGetValue(id, out task);

    public TaskState this[TaskId id] => _byId[id];

    public bool IsDestinationTaken(ContainerName container, ContainerPath path) => _destinations.Contains((container, path));

    /// <summary>Tasks created after an ordinal, oldest first.</summary>
    public IEnumerable<TaskState> After(long ordinal)
    {
        for (var i = FirstAfter(ordinal); i < _ordered.Count; i++)
        {
            if (_byId.TryGetValue(_ordered[i], out var task))
                yield return task;
        }
    }

    public IEnumerable<TaskState> Active() => _byId.Values.Where(task => task.IsActive);

    /// <summary>Tasks that wait for a credential. Found by a walk, because it is asked for at a change of the configuration only.</summary>
    public IReadOnlyList<TaskState> Challenged() => _waiting.GetValueOrDefault(WaitReasons.Credential) == 0
        ? []
        : [.. _byId.Values.Where(task => task is { IsActive: false, WaitsForClient: true, Reason: WaitReasons.Credential })];

    public void Add(TaskState task, ContainerName containerDefault)
    {
        _byId.Add(task.Id, task);
        _ordered.Add(task.Id);
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
        if (++_orderedGone > 64 && _orderedGone > _ordered.Count / 2)
            Compact();
    }

    /// <summary>Moves tasks whose wait is over to the ready ones. A function of state and time, so nothing is journaled.</summary>
    public void Promote(DateTimeOffset now)
    {
        while (_waits.Count > 0 && _waits.Min is var first && first.At <= now)
        {
            _waits.Remove(first);
            Ready.Add(_byId[first.Id]);
        }
    }

    /// <summary>The earliest task whose deadline or resource time-out has struck.</summary>
    public bool TryFindOverdue(DateTimeOffset now, [NotNullWhen(true)] out TaskState? task)
    {
        task = _limits.Count > 0 && _limits.Min.At <= now ? _byId[_limits.Min.Id] : null;
        return task is not null;
    }

    /// <summary>A task whose deferral of range events has lasted as long as it may.</summary>
    public bool TryFindDeferred(DateTimeOffset now, [NotNullWhen(true)] out TaskState? task)
    {
        task = _deferrals.Count > 0 && _deferrals.Min.At <= now ? _byId[_deferrals.Min.Id] : null;
        return task is not null;
    }

    /// <summary>When time alone changes something next.</summary>
    public DateTimeOffset? NextDue()
    {
        var due = NextStartOrEnd();
        return _deferrals.Count > 0 && !(due < _deferrals.Min.At) ? _deferrals.Min.At : due;
    }

    private DateTimeOffset? NextStartOrEnd()
    {
        DateTimeOffset? wait = _waits.Count > 0 ? _waits.Min.At : null;
        DateTimeOffset? limit = _limits.Count > 0 ? _limits.Min.At : null;
        return wait is null ? limit : limit is null || wait < limit ? wait : limit;
    }

    private static DateTimeOffset? LimitOf(TaskState task)
    {
        if (task.Phase is TaskPhase.Canceling)
            return null; // its end is under way already
        var deadline = task.Spec.Deadline;
        var resource = task.Run?.ResourceDeadline;
        return deadline is null ? resource : resource is null || deadline < resource ? deadline : resource;
    }

    private void Index(TaskState task)
    {
        _counts[(int)task.Phase]++;
        if (task.Phase is TaskPhase.Waiting)
            CollectionsMarshal.GetValueRefOrAddDefault(_waiting, task.Reason ?? "ready", out _)++;
        if (task.IsActive)
        {
            ActiveCount++;
            Ready.CountActive(task, +1);
        }
        else if (task.Phase is TaskPhase.Waiting && !task.WaitsForClient)
        {
            if (task.NotBefore is { } at)
                _waits.Add(new TimedTask(at, task.Ordinal, task.Id));
            else
                Ready.Add(task);
        }
        if (task.Ranges?.DeferredUntil is { } until)
            _deferrals.Add(new TimedTask(until, task.Ordinal, task.Id));
        if (LimitOf(task) is { } limit)
            _limits.Add(new TimedTask(limit, task.Ordinal, task.Id));
    }

    private void Unindex(TaskState task)
    {
        _counts[(int)task.Phase]--;
        if (task.Phase is TaskPhase.Waiting)
            CollectionsMarshal.GetValueRefOrAddDefault(_waiting, task.Reason ?? "ready", out _)--;
        if (task.IsActive)
        {
            ActiveCount--;
            Ready.CountActive(task, -1);
        }
        else if (task.Phase is TaskPhase.Waiting && !task.WaitsForClient)
        {
            if (task.NotBefore is not { } at || !_waits.Remove(new TimedTask(at, task.Ordinal, task.Id)))
                Ready.Remove(task);
        }
        if (task.Ranges?.DeferredUntil is { } until)
            _deferrals.Remove(new TimedTask(until, task.Ordinal, task.Id));
        if (LimitOf(task) is { } limit)
            _limits.Remove(new TimedTask(limit, task.Ordinal, task.Id));
    }

    private int FirstAfter(long ordinal)
    {
        // _ordered is sorted by ordinal; ended tasks leave holes, whose ordinal is that of the next live one.
        int low = 0, high = _ordered.Count;
        while (low < high)
        {
            var middle = (low + high) / 2;
            var probe = middle;
            while (probe < high && !_byId.ContainsKey(_ordered[probe]))
                probe++;
            if (probe < high && _byId[_ordered[probe]].Ordinal <= ordinal)
                low = probe + 1;
            else
                high = middle;
        }
        return low;
    }

    private void Compact()
    {
        _ordered = _ordered.FindAll(_byId.ContainsKey);
        _orderedGone = 0;
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

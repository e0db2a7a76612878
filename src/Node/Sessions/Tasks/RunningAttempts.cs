using Backhaul.Node.Actors;
using Backhaul.Node.Files;
using Backhaul.Node.Transfers;
using Backhaul.Node.Transfers.Origins;
using Backhaul.Protocol;

namespace Backhaul.Node.Sessions;

/// <summary>
/// The attempts of a session that are under way: one <see cref="TaskActor"/> for each, started and told of stops, rates and wishes once the turn that
/// decided so is durable. Each holds a slot, which is returned once, whichever end it takes. Belongs to one <see cref="SessionActor"/>.
/// </summary>
internal sealed class RunningAttempts(SessionEnvironment environment, Session session, ActorContext<SessionMessage> context)
{
    private readonly Dictionary<TaskId, AttemptProgress> _running = [];
    private readonly RateGate _rate = new(environment.Time);

    /// <summary>How far a task's attempt is; null when none is under way.</summary>
    public LiveProgress? Read(TaskId id) => _running.TryGetValue(id, out var progress) ? progress.Read() : null;

    public void Act(SessionTurn turn, long epoch)
    {
        _rate.Set(session.Configurations.Current.BytesPerSecondMax);
        foreach (var (started, slot) in turn.Starts)
            Start(started, slot, epoch);
        foreach (var id in turn.Rates)
        {
            if (_running.TryGetValue(id, out var running) && session.Tasks.TryFind(id, out var task))
                running.Rate.Set(task.Spec.BytesPerSecondMax);
        }
        foreach (var id in turn.Stops)
        {
            if (_running.TryGetValue(id, out var progress))
                context.StopChild(progress.ChildName, StopReason.Requested);
        }
        foreach (var id in turn.Wishes)
        {
            if (_running.TryGetValue(id, out var progress) && progress.Wishes is { } wishes && session.Tasks.TryFind(id, out var task))
                wishes.Wanted = task.Ranges!.Wanted;
        }
    }

    /// <summary>False when it is forgotten already; the next attempt of the task may run by then.</summary>
    public bool Forget(TaskId id, int attempt) =>
        _running.TryGetValue(id, out var progress) && progress.ChildName == TaskActor.NameOf(id, attempt) && _running.Remove(id);

    /// <summary>The child has ended; false when it reported its end before.</summary>
    public bool Ended(TaskId id, int attempt)
    {
        if (!_running.TryGetValue(id, out var progress) || progress.ChildName != TaskActor.NameOf(id, attempt))
            return false;
        progress.Slot.Return(); // also when it was stopped before it began
        return _running.Remove(id);
    }

    /// <summary>The children have ended; one that never began holds its slot still.</summary>
    public void ReturnSlots()
    {
        foreach (var progress in _running.Values)
            progress.Slot.Return();
    }

    private void Start(TaskStarted started, SlotLease slot, long epoch)
    {
        var task = session.Tasks[started.Task];
        var isUpload = task.Spec.Kind is TaskKind.Upload;
        var progress = new AttemptProgress(TaskActor.NameOf(task.Id, started.Attempt), isUpload, started.From, slot, environment.Time)
        {
            Wishes = task.Spec.RandomAccess ? new RangeWishes(task.Ranges?.Wanted ?? RangeSet.Empty) : null,
            Expected = isUpload ? null : task.Spec.ExpectedBytes?.Receive,
        };
        progress.Rate.Set(task.Spec.BytesPerSecondMax);
        var order = AttemptOrders.Create(session, task, epoch, environment.Trust) with
        {
            TaskRate = progress.Rate,
            SessionRate = _rate,
            Wishes = progress.Wishes,
        };
        _running[task.Id] = progress;
        var parent = context.ForChildren;
        context.Spawn(progress.ChildName, () => new TaskActor(order, progress, environment, parent));
    }
}

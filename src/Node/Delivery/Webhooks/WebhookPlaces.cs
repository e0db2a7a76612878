using Backhaul.Protocol;

namespace Backhaul.Node.Delivery.Webhooks;

/// <summary>
/// The places that webhooks of a kind of all sessions of a node share. One receiver has a few of them at once, whoever sends to it, so one that takes
/// connections and never answers holds up its own only; one tenant has its share of them, however many such receivers it names. A free place goes to the tenant that has the fewest, of these to the one that waits longest since
/// its last turn, and within it to its receivers in turn: however much a tenant has to tell, another's next one waits for a single place at most.
/// </summary>
internal sealed class WebhookPlaces(int places, int perReceiver, int perTenant = int.MaxValue)
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, int> _busy = new(StringComparer.OrdinalIgnoreCase);
    private readonly Dictionary<TenantId, Line> _lines = [];

    /// <summary>Tenants that wait, the one that is next first.</summary>
    private readonly SortedSet<(int UnderWay, long Turn, TenantId Tenant)> _turns = new(
        Comparer<(int UnderWay, long Turn, TenantId Tenant)>.Create(static (one, other) => (one.UnderWay, one.Turn).CompareTo((other.UnderWay, other.Turn))));

    private int _free = places;
    private long _turn;

    /// <summary>Those that have no place yet.</summary>
    public int Waiting
    {
        get
        {
            lock (_gate)
                return _lines.Values.Sum(line => line.Lanes.Sum(lane => lane.Waiters.Count));
        }
    }

    /// <summary>Completes with a place, which is given back by disposing of it.</summary>
    public async ValueTask<IDisposable> EnterAsync(TenantId tenant, string receiver, CancellationToken stop)
    {
        stop.ThrowIfCancellationRequested();
        LinkedListNode<TaskCompletionSource> waiter;
        lock (_gate)
        {
            var line = LineOf(tenant);
            Leave(line);
            if (_free > 0 && line.UnderWay < perTenant && HasRoom(receiver)) // who waits could not use it
            {
                Take(line, receiver);
                Join(line);
                return new Place(this, tenant, receiver);
            }
            waiter = line.LaneOf(receiver).Waiters.AddLast(new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
            Join(line);
        }
        await using (stop.UnsafeRegister(_ => GiveUp(tenant, receiver, waiter, stop), null))
            await waiter.Value.Task;
        return new Place(this, tenant, receiver);
    }

    private void GiveUp(TenantId tenant, string receiver, LinkedListNode<TaskCompletionSource> waiter, CancellationToken stop)
    {
        lock (_gate)
        {
            if (waiter.List is null)
                return; // it has its place: whoever waits for it gives it back
            var line = _lines[tenant];
            Leave(line);
            line.Remove(line.LaneOf(receiver), waiter);
            Join(line);
        }
        waiter.Value.TrySetCanceled(stop);
    }

    private void Exit(TenantId tenant, string receiver)
    {
        lock (_gate)
        {
            var line = _lines[tenant];
            Leave(line);
            line.UnderWay--;
            Join(line);
            _free++;
            if (--_busy[receiver] == 0)
                _busy.Remove(receiver);
            while (_free > 0 && Next() is var (next, lane))
            {
                var waiter = lane.Waiters.First!;
                Leave(next);
                next.Remove(lane, waiter);
                Take(next, lane.Receiver);
                Join(next);
                waiter.Value.TrySetResult();
            }
        }
    }

    /// <summary>The first that its receiver has room for. Receivers without room are few: each of them has its share of the places.</summary>
    private (Line Line, Lane Lane)? Next()
    {
        foreach (var (underWay, _, tenant) in _turns)
        {
            if (underWay >= perTenant)
                return null; // those behind it have more
            var line = _lines[tenant];
            foreach (var lane in line.Lanes)
            {
                if (HasRoom(lane.Receiver))
                    return (line, lane);
            }
        }
        return null;
    }

    private bool HasRoom(string receiver) => _busy.GetValueOrDefault(receiver) < perReceiver;

    private void Take(Line line, string receiver)
    {
        _free--;
        _busy[receiver] = _busy.GetValueOrDefault(receiver) + 1;
        line.UnderWay++;
        line.Turn = ++_turn;
    }

    private Line LineOf(TenantId tenant)
    {
        if (!_lines.TryGetValue(tenant, out var line))
            _lines.Add(tenant, line = new Line(tenant) { Turn = ++_turn });
        return line;
    }

    /// <summary>Before something about it changes.</summary>
    private void Leave(Line line) => _turns.Remove((line.UnderWay, line.Turn, line.Tenant));

    /// <summary>After that. Who neither waits nor has a place is forgotten.</summary>
    private void Join(Line line)
    {
        if (line.Lanes.Count > 0)
            _turns.Add((line.UnderWay, line.Turn, line.Tenant));
        else if (line.UnderWay == 0)
            _lines.Remove(line.Tenant);
    }

    private sealed class Place(WebhookPlaces owner, TenantId tenant, string receiver) : IDisposable
    {
        private int _isBack;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _isBack, 1) == 0)
                owner.Exit(tenant, receiver);
        }
    }

    private sealed class Line(TenantId tenant)
    {
        private readonly Dictionary<string, LinkedListNode<Lane>> _lanes = new(StringComparer.OrdinalIgnoreCase);

        public TenantId Tenant { get; } = tenant;

        public int UnderWay { get; set; }

        /// <summary>No two lines have the same.</summary>
        public long Turn { get; set; }

        /// <summary>One for each receiver that is waited for, the one that is next first.</summary>
        public LinkedList<Lane> Lanes { get; } = [];

        public Lane LaneOf(string receiver)
        {
            if (!_lanes.TryGetValue(receiver, out var lane))
                _lanes.Add(receiver, lane = Lanes.AddLast(new Lane(receiver)));
            return lane.Value;
        }

        /// <summary>The lane goes behind the others, or away with its last.</summary>
        public void Remove(Lane lane, LinkedListNode<TaskCompletionSource> waiter)
        {
            lane.Waiters.Remove(waiter);
            var node = _lanes[lane.Receiver];
            Lanes.Remove(node);
            if (lane.Waiters.Count > 0)
                Lanes.AddLast(node);
            else
                _lanes.Remove(lane.Receiver);
        }
    }

    private sealed record Lane(string Receiver)
    {
        public LinkedList<TaskCompletionSource> Waiters { get; } = [];
    }
}

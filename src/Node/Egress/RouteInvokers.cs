namespace Backhaul.Node.Egress;

/// <summary>
/// The pools of connections, one for each route in use. The direct one stays; of the others at most so many are kept, and those that nobody
/// used for a while are given up. Giving one up closes its idle connections; what is under way on it ends undisturbed.
/// </summary>
internal sealed class RouteInvokers : IDisposable
{
    private readonly Func<OutboundRoute, HttpMessageInvoker> _make;
    private readonly TimeProvider _time;
    private readonly int _routesMax;
    private readonly TimeSpan _idle;
    private readonly HttpMessageInvoker _direct;
    private readonly ITimer _sweep;
    private readonly Lock _lock = new();
    private readonly Dictionary<OutboundRoute, Pool> _pools = [];

    public RouteInvokers(Func<OutboundRoute, HttpMessageInvoker> make, TimeProvider time, int routesMax, TimeSpan idle)
    {
        (_make, _time, _routesMax, _idle) = (make, time, routesMax, idle);
        _direct = make(OutboundRoute.Direct);
        _sweep = time.CreateTimer(static pools => ((RouteInvokers)pools!).GiveUpIdle(), this, idle, idle);
    }

    /// <summary>Kept besides the direct one.</summary>
    public int Count
    {
        get
        {
            lock (_lock)
                return _pools.Count;
        }
    }

    public HttpMessageInvoker Get(OutboundRoute route)
    {
        if (route == OutboundRoute.Direct)
            return _direct;
        HttpMessageInvoker? surplus = null;
        HttpMessageInvoker invoker;
        lock (_lock)
        {
            if (_pools.TryGetValue(route, out var pool))
            {
                pool.UsedAt = _time.GetTimestamp();
                return pool.Invoker;
            }
            if (_pools.Count >= _routesMax)
            {
                var oldest = _pools.MinBy(static entry => entry.Value.UsedAt);
                _pools.Remove(oldest.Key);
                surplus = oldest.Value.Invoker;
            }
            invoker = _make(route);
            _pools[route] = new Pool(invoker) { UsedAt = _time.GetTimestamp() };
        }
        surplus?.Dispose();
        return invoker;
    }

    public void Dispose()
    {
        _sweep.Dispose();
        _direct.Dispose();
        lock (_lock)
        {
            foreach (var pool in _pools.Values)
                pool.Invoker.Dispose();
            _pools.Clear();
        }
    }

    private void GiveUpIdle()
    {
        List<HttpMessageInvoker> idle = [];
        lock (_lock)
        {
            foreach (var (route, pool) in _pools.Where(entry => _time.GetElapsedTime(entry.Value.UsedAt) >= _idle).ToList())
            {
                _pools.Remove(route);
                idle.Add(pool.Invoker);
            }
        }
        foreach (var invoker in idle)
            invoker.Dispose();
    }

    private sealed class Pool(HttpMessageInvoker invoker)
    {
        public HttpMessageInvoker Invoker { get; } = invoker;
        public long UsedAt { get; set; }
    }
}

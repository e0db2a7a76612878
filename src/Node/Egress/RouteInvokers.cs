using Backhaul.Protocol;

namespace Backhaul.Node.Egress;

/// <summary>
/// The pools of connections, one for each route in use. The direct one stays. Of the others the node keeps at most so many, and a tenant's requests make at most
/// their share of them, since the users of proxies are given by clients and may be any number.
/// <para>
/// A new route takes the place of the one that nobody asks anything by and that was used longest ago: of the tenant's own once it has its share, else of all. One
/// that is leased is never given up; when all that might go are, the new one is refused, and its request waits. So a tenant holds back itself and nobody else.
/// A lease lasts until the head of the answer: giving a pool up closes its idle connections, and bodies under way on it end undisturbed.
/// </para>
/// A pool counts for the tenant whose request made it, although others whose session names the same proxy or certificate go by it too.
/// </summary>
internal sealed class RouteInvokers : IDisposable
{
    private readonly Func<OutboundRoute, HttpMessageInvoker> _make;
    private readonly TimeProvider _time;
    private readonly EgressOptions _options;
    private readonly ITimer _sweep;
    private readonly Lock _lock = new();
    private readonly Dictionary<OutboundRoute, RoutePool> _pools = [];

    public RouteInvokers(Func<OutboundRoute, HttpMessageInvoker> make, TimeProvider time, EgressOptions options)
    {
        (_make, _time, _options) = (make, time, options);
        Direct = make(OutboundRoute.Direct);
        _sweep = time.CreateTimer(static pools => ((RouteInvokers)pools!).GiveUpIdle(), this, options.RouteIdleTimeout, options.RouteIdleTimeout);
    }

    public HttpMessageInvoker Direct { get; }

    /// <summary>Kept besides the direct one.</summary>
    public int Count
    {
        get
        {
            lock (_lock)
                return _pools.Count;
        }
    }

    /// <summary>The pool of a route that is not the direct one, for one request; throws <see cref="OutboundFault.RouteLimit"/> while there is no room for it.</summary>
    public RouteLease Lease(OutboundRoute route, TenantId tenant)
    {
        RoutePool? pool, surplus = null;
        lock (_lock)
        {
            if (!_pools.TryGetValue(route, out pool))
            {
                var leaving = FindLeaving(tenant);
                pool = new RoutePool(_make(route), tenant);
                if (leaving is not null)
                    _pools.Remove(leaving, out surplus);
                _pools.Add(route, pool);
            }
            pool.Leases++;
            pool.UsedAt = _time.GetTimestamp();
        }
        surplus?.Invoker.Dispose();
        return new RouteLease(this, pool);
    }

    public void Return(RoutePool pool)
    {
        lock (_lock)
        {
            pool.Leases--;
            pool.UsedAt = _time.GetTimestamp();
        }
    }

    public void Dispose()
    {
        _sweep.Dispose();
        Direct.Dispose();
        lock (_lock)
        {
            foreach (var pool in _pools.Values)
                pool.Invoker.Dispose();
            _pools.Clear();
        }
    }

    /// <summary>The route that makes room for a new one of this tenant; null when there is room.</summary>
    private OutboundRoute? FindLeaving(TenantId tenant)
    {
        var hasShare = _pools.Values.Count(pool => pool.Tenant == tenant) >= _options.RoutesPerTenantMax;
        if (!hasShare && _pools.Count < _options.RoutesMax)
            return null;
        var unused = _pools.Where(entry => entry.Value.Leases == 0 && (!hasShare || entry.Value.Tenant == tenant)).ToList();
        return unused.Count > 0 ? unused.MinBy(static entry => entry.Value.UsedAt).Key : throw Refuse(hasShare);
    }

    private OutboundException Refuse(bool hasShare)
    {
        var (whose, most, option) = hasShare ? ("This tenant", _options.RoutesPerTenantMax, nameof(EgressOptions.RoutesPerTenantMax)) : ("This node", _options.RoutesMax, nameof(EgressOptions.RoutesMax));
        return new OutboundException(
            OutboundFault.RouteLimit,
            $"{whose} has requests under way by {most} ways through proxies (each user is one) or with certificates and TLS versions of their own, as many as {EgressOptions.Section}:{option} allows at a time; one more goes when an answer has begun.");
    }

    private void GiveUpIdle()
    {
        List<RoutePool> idle = [];
        lock (_lock)
        {
            foreach (var (route, pool) in _pools.Where(entry => entry.Value.Leases == 0 && _time.GetElapsedTime(entry.Value.UsedAt) >= _options.RouteIdleTimeout).ToList())
            {
                _pools.Remove(route);
                idle.Add(pool);
            }
        }
        foreach (var pool in idle)
            pool.Invoker.Dispose();
    }
}

/// <summary>The connections of one route. Changed under the lock of its owner only.</summary>
internal sealed class RoutePool(HttpMessageInvoker invoker, TenantId tenant)
{
    public HttpMessageInvoker Invoker { get; } = invoker;
    public TenantId Tenant { get; } = tenant;
    public int Leases { get; set; }
    public long UsedAt { get; set; }
}

/// <summary>While it is held the pool stays; returned once.</summary>
internal readonly struct RouteLease(RouteInvokers owner, RoutePool pool) : IDisposable
{
    public HttpMessageInvoker Invoker => pool.Invoker;

    public void Dispose() => owner.Return(pool);
}

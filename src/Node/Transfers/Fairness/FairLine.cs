using Backhaul.Protocol;

namespace Backhaul.Node.Transfers.Fairness;

/// <summary>
/// The line of sessions that wait for slots: tenants in proportion to their weights, and within a tenant its sessions to theirs, whatever one of them has
/// waiting. Pure.
/// </summary>
internal sealed class FairLine(Func<TenantId, double> weightOf)
{
    private readonly VirtualTimes<TenantId> _tenants = new();
    private readonly Dictionary<TenantId, Tenant> _sessions = [];

    /// <summary>Sessions that want slots, the one that is next first: of the next tenant all, then of the one behind it.</summary>
    public IEnumerable<SessionKey> InOrder => _tenants.InOrder.SelectMany(tenant => _sessions[tenant].Times.InOrder);

    public void Join(SessionKey session, double weight)
    {
        if (!_sessions.TryGetValue(session.Tenant, out var tenant))
            _sessions[session.Tenant] = tenant = new Tenant();
        tenant.Known.Add(session);
        tenant.Times.Join(session, weight);
        _tenants.Join(session.Tenant, weightOf(session.Tenant));
    }

    public void Charge(SessionKey session, int slots)
    {
        if (!_sessions.TryGetValue(session.Tenant, out var tenant) || slots == 0)
            return;
        tenant.Times.Charge(session, slots);
        _tenants.Charge(session.Tenant, slots);
    }

    public void Leave(SessionKey session)
    {
        if (!_sessions.TryGetValue(session.Tenant, out var tenant))
            return;
        tenant.Times.Leave(session);
        if (tenant.Times.Count == 0)
            _tenants.Leave(session.Tenant);
    }

    public void Forget(SessionKey session)
    {
        Leave(session);
        if (!_sessions.TryGetValue(session.Tenant, out var tenant))
            return;
        tenant.Times.Forget(session);
        tenant.Known.Remove(session);
        if (tenant.Known.Count > 0)
            return;
        _sessions.Remove(session.Tenant);
        _tenants.Forget(session.Tenant);
    }

    private sealed class Tenant
    {
        public VirtualTimes<SessionKey> Times { get; } = new();

        /// <summary>Those that were in line and are on this node still.</summary>
        public HashSet<SessionKey> Known { get; } = [];
    }
}

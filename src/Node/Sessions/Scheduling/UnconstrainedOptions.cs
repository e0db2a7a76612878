using Backhaul.Protocol;

namespace Backhaul.Node.Sessions;

/// <summary>The operators' policy about unconstrained tasks: to whom they are granted, and how many of them run at once.</summary>
internal sealed record UnconstrainedOptions
{
    /// <summary>In place of a tenant's name: every tenant.</summary>
    public const string Everybody = "*";

    /// <summary>Tenants whose tasks are unconstrained when they ask for it; none: nobody's.</summary>
    public IReadOnlyList<string> Tenants { get; init; } = [];

    /// <summary>Unconstrained tasks that this node runs at once, whosever they are; more wait for one of them to end.</summary>
    public int RunningMax { get; init; } = 4;

    public bool Grants(TenantId tenant)
    {
        var name = tenant.ToString();
        return Tenants.Any(granted => granted == Everybody || granted == name);
    }

    public IEnumerable<string> Faults()
    {
        if (RunningMax is < 1 or > 4096)
            yield return $"Backhaul:Sessions:Unconstrained:{nameof(RunningMax)} is {RunningMax}; it must be between 1 and 4096.";
        for (var i = 0; i < Tenants.Count; i++)
        {
            if (Tenants[i] != Everybody && !TenantId.TryParse(Tenants[i], out _))
                yield return $"Backhaul:Sessions:Unconstrained:{nameof(Tenants)}:{i} is neither a tenant's name nor {Everybody} for all.";
        }
    }
}

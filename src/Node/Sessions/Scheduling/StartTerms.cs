using Backhaul.Protocol;

namespace Backhaul.Node.Sessions;

/// <summary>Where a task may run by what bytes cost there. Persisted by name: append only.</summary>
internal enum CostPolicy
{
    /// <summary>Where they are paid for, but neither beyond what the plan holds nor in somebody else's network.</summary>
    Default = 1,
    UnrestrictedOnly = 2,
    Always = 3,
}

/// <summary>
/// What a task demands of the conditions that it starts under. Few differ among the tasks of a session, however many those are: ready tasks lie by them,
/// so that a change of the conditions costs nothing for each.
/// </summary>
internal readonly record struct StartTerms
{
    public bool Cellular { get; init; }
    public bool Expensive { get; init; }
    public bool Constrained { get; init; }
    public CostPolicy Cost { get; init; }

    /// <summary>It starts when the node has nothing better to do.</summary>
    public bool Discretionary { get; init; }

    /// <summary>It runs while a client is attached to its session.</summary>
    public bool WhileAttached { get; init; }

    /// <summary>It was granted to be free of the session's connections to a host; the other limits that it is free of it does not demand above.</summary>
    public bool Unconstrained { get; init; }

    /// <summary>
    /// The same without what an unconstrained task is free of. It still wants a network, and its client where the session has said so: neither is a limit
    /// that an operator could lift.
    /// </summary>
    public StartTerms Freed() => new()
    {
        Cellular = true,
        Expensive = true,
        Constrained = true,
        Cost = CostPolicy.Always,
        WhileAttached = WhileAttached,
        Unconstrained = true,
    };

    /// <summary>What a configuration without defaults written out means too: those of earlier builds have none.</summary>
    public static StartTerms Of(SessionConfiguration configuration) => new()
    {
        Cellular = configuration.AllowsCellularAccess ?? true,
        Expensive = configuration.AllowsExpensiveAccess ?? true,
        Constrained = configuration.AllowsConstrainedAccess ?? true,
        Discretionary = configuration.Discretionary ?? false,
        WhileAttached = configuration.WhileAttachedOnly ?? false,
        Cost = configuration.CostPolicy is { } policy ? CostPolicyOf(policy)!.Value : CostPolicy.Default,
    };

    /// <summary>The word of the wire; null for another.</summary>
    public static CostPolicy? CostPolicyOf(string word) => word switch
    {
        "default" => CostPolicy.Default,
        "unrestrictedOnly" => CostPolicy.UnrestrictedOnly,
        "always" => CostPolicy.Always,
        _ => null,
    };

    public static string WordOf(CostPolicy policy) => policy switch
    {
        CostPolicy.Default => "default",
        CostPolicy.UnrestrictedOnly => "unrestrictedOnly",
        CostPolicy.Always => "always",
        _ => throw new ArgumentOutOfRangeException(nameof(policy), policy, "not a policy"),
    };
}

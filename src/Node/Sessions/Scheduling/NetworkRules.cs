using Backhaul.Node.Transfers.Conditions;

namespace Backhaul.Node.Sessions;

/// <summary>
/// Whether a task may use the network as it is declared. Pure. A task runs where each of its session's permissions and its cost policy allow it:
/// <code>
///   cost              default   unrestrictedOnly   always    allowsExpensiveAccess: false
///   unrestricted      runs      runs               runs      runs
///   metered           runs      waits              runs      waits
///   approachingLimit  runs      waits              runs      waits
///   overLimit         waits     waits              runs      waits
///   roaming           waits     waits              runs      waits
/// </code>
/// </summary>
internal static class NetworkRules
{
    public static StartHold? Hold(StartTerms terms, NetworkState network)
    {
        if (network.Offline)
            return Held(WaitReasons.NoNetwork, "there is no network", network);
        if (!terms.Expensive && network.Cost is not NetworkCost.Unrestricted)
            return Held(WaitReasons.CostedNetwork, $"the network is {network.CostWord}, and the session has allowsExpensiveAccess false", network);
        if (!Allows(terms.Cost, network.Cost))
            return Held(WaitReasons.CostedNetwork, $"the network is {network.CostWord}, and the task's costPolicy is {StartTerms.WordOf(terms.Cost)}", network);
        if (!terms.Cellular && network.Cellular)
            return Held(WaitReasons.CostedNetwork, "the network is cellular, and the session has allowsCellularAccess false", network);
        if (!terms.Constrained && network.Constrained)
            return Held(WaitReasons.ConstrainedNetwork, "the network is constrained, and the session has allowsConstrainedAccess false", network);
        return null;
    }

    private static bool Allows(CostPolicy policy, NetworkCost cost) => policy switch
    {
        CostPolicy.Always => true,
        CostPolicy.UnrestrictedOnly => cost is NetworkCost.Unrestricted,
        _ => cost is NetworkCost.Unrestricted or NetworkCost.Metered or NetworkCost.ApproachingLimit,
    };

    private static StartHold Held(string reason, string what, NetworkState network)
    {
        var since = network.Since is { } at ? $" since {at:u}" : "";
        var why = network.Why is { } text ? $" ({text})" : "";
        return new StartHold(reason, null, $"Operators say that {what}{since}{why}; it goes on when they say otherwise.");
    }
}

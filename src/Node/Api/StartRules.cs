using Backhaul.Node.Sessions;
using Backhaul.Protocol;

namespace Backhaul.Node.Api;

/// <summary>Which conditions a client may set for the start of tasks.</summary>
internal static class StartRules
{
    public static Problem? CheckCostPolicy(string? policy) => policy is null || StartTerms.CostPolicyOf(policy) is not null
        ? null
        : Problems.Create(400, ProblemCodes.InvalidField, "costPolicy must be default, unrestrictedOnly or always.", "costPolicy");
}

using Backhaul.Node.Sessions;
using Backhaul.Protocol;

namespace Backhaul.Node.Api;

/// <summary>Which conditions a client may set for the start of tasks.</summary>
internal static class StartRules
{
    public static Problem? Check(SessionConfiguration configuration) =>
        CheckCostPolicy(configuration.CostPolicy)
        ?? CheckServiceType(configuration.ServiceType)
        ?? (configuration.Weight is null or (>= 0.01 and <= 100) ? null : Invalid("weight", "must be from 0.01 to 100."));

    public static Problem? CheckCostPolicy(string? policy) =>
        policy is null || StartTerms.CostPolicyOf(policy) is not null ? null : Invalid("costPolicy", "must be default, unrestrictedOnly or always.");

    private static Problem? CheckServiceType(string? type) =>
        type is null || ServiceTypes.IsKnown(type) ? null : Invalid("serviceType", $"must be one of {string.Join(", ", ServiceTypes.Names)}.");

    private static Problem Invalid(string field, string what) => Problems.Create(400, ProblemCodes.InvalidField, $"{field} {what}", field);
}

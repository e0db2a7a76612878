using Backhaul.Protocol;

namespace Backhaul.Node.Sessions;

/// <summary>
/// What a session says that its transfers are for, and the weight that this gives it in the line for slots: among the sessions of its tenant, together with
/// the session's own weight.
/// </summary>
internal static class ServiceTypes
{
    public const string Default = "default";

    private static readonly Dictionary<string, double> Weights = new(StringComparer.Ordinal)
    {
        ["background"] = 1,
        [Default] = 4,
        ["video"] = 6,
        ["avStreaming"] = 8,
        ["responsiveData"] = 8,
        ["responsiveAV"] = 12,
        ["voice"] = 12,
        ["callSignaling"] = 16,
    };

    public static IReadOnlyCollection<string> Names => Weights.Keys;

    public static bool IsKnown(string type) => Weights.ContainsKey(type);

    public static double WeightOf(SessionConfiguration configuration) =>
        Weights[configuration.ServiceType ?? Default] * (configuration.Weight ?? 1);
}

namespace Backhaul.Origin.Tests.Downloads;

/// <summary>Which rows are met after a kill, and why the others are not.</summary>
internal static class KilledRows
{
    /// <summary>Rows in which there is nothing between the first byte and the last at which a process could be killed.</summary>
    public static IReadOnlyDictionary<string, string> WhyNot { get; } = new Dictionary<string, string>(StringComparer.Ordinal)
    {
        ["Nothing"] = "no byte, so no part to continue",
        ["One byte"] = "whole with its first byte, so no part to continue",
    };

    public static IReadOnlyList<FaultRow> All { get; } = [.. FaultRows.All.Where(row => !WhyNot.ContainsKey(row.Name))];
}

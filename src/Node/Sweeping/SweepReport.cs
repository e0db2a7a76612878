using Backhaul.Node.Files;
using Backhaul.Protocol;

namespace Backhaul.Node.Sweeping;

/// <summary>What a sweep of one container did, or would have done.</summary>
internal sealed record SweepReport(ContainerName Container, IReadOnlyDictionary<LeftoverKind, FileTally> Swept)
{
    /// <summary>Old enough, and referred to: left alone.</summary>
    public long Kept { get; init; }

    /// <summary>Nobody could say whether it is referred to: left for the next time.</summary>
    public long Unknown { get; init; }

    /// <summary>The first thing that went wrong, as a sentence; the rest was swept.</summary>
    public string? Failure { get; init; }

    public FileTally Total => Swept.Values.Aggregate(new FileTally(), static (sum, tally) => sum.Plus(tally.Count, tally.Bytes));
}

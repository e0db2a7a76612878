namespace Backhaul.Node.Sweeping;

/// <summary>When and what is swept. Bound from <c>Backhaul:Sweeper</c>, validated at start.</summary>
internal sealed record SweeperOptions
{
    /// <summary>Between two sweeps of a container, over all nodes. Zero: operators sweep, nobody else does.</summary>
    public TimeSpan Every { get; init; } = TimeSpan.FromMinutes(15);

    /// <summary>What changed within this time is left alone. Longer than clocks of machines and of their file server differ, and than any step between a file and its event takes.</summary>
    public TimeSpan Grace { get; init; } = TimeSpan.FromHours(1);

    /// <summary>Sentences about what is wrong; none when the options are good.</summary>
    public IEnumerable<string> Faults()
    {
        if (Every < TimeSpan.Zero || (Every > TimeSpan.Zero && Every < TimeSpan.FromSeconds(10)) || Every > TimeSpan.FromDays(30))
            yield return $"Backhaul:Sweeper:Every is {Every}. Choose 10 seconds to 30 days, or zero for no sweeps but those of operators.";
        if (Grace < TimeSpan.FromMinutes(1) || Grace > TimeSpan.FromDays(30))
            yield return $"Backhaul:Sweeper:Grace is {Grace}. Choose one minute to 30 days; shorter ones remove what is still being made.";
    }
}

namespace Backhaul.Node.Transfers.Origins;

/// <summary>What this node asks of origins. Bound from <c>Backhaul:Origins</c>, validated at start.</summary>
internal sealed record OriginOptions
{
    public const string Section = "Backhaul:Origins";

    /// <summary>For origins that no rule names.</summary>
    public OriginLimits Default { get; init; } = OriginLimits.None;

    /// <summary>The first that matches decides; what it leaves open is the default's.</summary>
    public IReadOnlyList<OriginRule> Rules { get; init; } = [];

    /// <summary>Connections that fail in a row before an origin counts as dead.</summary>
    public int CircuitFailures { get; init; } = 5;

    /// <summary>How often a dead origin is tried by this node.</summary>
    public TimeSpan ProbeEvery { get; init; } = TimeSpan.FromSeconds(16);

    /// <summary>How long a request may wait inside its attempt for a limit of requests per second; longer waits give the slot back.</summary>
    public TimeSpan RequestWaitMax { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How often nodes tell the store what they want of an origin, and learn what they get.</summary>
    public TimeSpan DealEvery { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>How long a share holds without another deal.</summary>
    public TimeSpan ShareAge { get; init; } = TimeSpan.FromSeconds(12);

    /// <summary>Origins remembered by this node; those that are idle and unlimited go first.</summary>
    public int OriginsMax { get; init; } = 10_000;

    public OriginLimits LimitsOf(string origin)
    {
        foreach (var rule in Rules)
        {
            if (rule.Matches(origin))
                return rule.Limits.Over(Default);
        }
        return Default;
    }

    public IReadOnlyList<string> Problems()
    {
        List<string> problems = [.. Default.Problems().Select(problem => $"{Section}:{nameof(Default)}:{problem}")];
        for (var i = 0; i < Rules.Count; i++)
        {
            var at = i;
            if (Rules[i].Host.Length == 0 || Rules[i].Host == "*.")
                problems.Add($"{Section}:{nameof(Rules)}:{i}:Host is missing: name a host, such as example.org or *.example.org.");
            problems.AddRange(Rules[i].Limits.Problems().Select(problem => $"{Section}:{nameof(Rules)}:{at}:Limits:{problem}"));
        }
        Check(CircuitFailures is >= 1 and <= 1000, $"{nameof(CircuitFailures)} must be between 1 and 1000.");
        Check(ProbeEvery >= TimeSpan.FromSeconds(1) && ProbeEvery <= TimeSpan.FromHours(1), $"{nameof(ProbeEvery)} must be between 1 s and 1 h.");
        Check(RequestWaitMax >= TimeSpan.Zero && RequestWaitMax <= TimeSpan.FromMinutes(1), $"{nameof(RequestWaitMax)} must be between 0 and 1 min.");
        Check(DealEvery >= TimeSpan.FromMilliseconds(100) && DealEvery <= TimeSpan.FromMinutes(1), $"{nameof(DealEvery)} must be between 100 ms and 1 min.");
        Check(ShareAge >= DealEvery * 3, $"{nameof(ShareAge)} must be at least three times {nameof(DealEvery)}, so that one deal may fail.");
        Check(OriginsMax is >= 100 and <= 1_000_000, $"{nameof(OriginsMax)} must be between 100 and 1,000,000.");
        return problems;

        void Check(bool good, string problem)
        {
            if (!good)
                problems.Add($"{Section}:{problem}");
        }
    }
}

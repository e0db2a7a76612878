namespace Backhaul.Simulation.Tests.Runs;

/// <summary>Rules of the product that a run may switch off: mutants, which the invariants must catch. All off means the product as it is.</summary>
internal sealed record SimRules
{
    public static SimRules AsBuilt { get; } = new();

    /// <summary>The store compares neither epoch nor owner.</summary>
    public bool FenceIsOff { get; init; }

    /// <summary>A node that cannot renew its lease believes that it has.</summary>
    public bool TrustIsForEver { get; init; }

    /// <summary>Reports of old attempts are taken as those of the present one.</summary>
    public bool AttemptFenceIsOff { get; init; }

    /// <summary>Repeated commands are executed again.</summary>
    public bool LedgerIsOff { get; init; }

    /// <summary>Nodes look at the cluster only when they are told to.</summary>
    public bool PollingIsOff { get; init; }
}

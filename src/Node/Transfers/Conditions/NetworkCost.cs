namespace Backhaul.Node.Transfers.Conditions;

/// <summary>What bytes cost at a place, as operators declare it. Persisted by name: append only.</summary>
internal enum NetworkCost
{
    Unrestricted = 1,

    /// <summary>Bytes are paid for.</summary>
    Metered = 2,

    /// <summary>Paid for, and what the plan holds is nearly used up.</summary>
    ApproachingLimit = 3,

    /// <summary>What the plan holds is used up.</summary>
    OverLimit = 4,

    /// <summary>Somebody else's network.</summary>
    Roaming = 5,
}

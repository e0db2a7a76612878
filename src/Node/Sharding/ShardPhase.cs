namespace Backhaul.Node.Sharding;

/// <summary>Where a shard stands on this node.</summary>
internal enum ShardPhase
{
    /// <summary>Not ours.</summary>
    NotOwned = 1,

    /// <summary>Being claimed.</summary>
    Acquiring = 2,

    /// <summary>Ours, and trusted.</summary>
    Open = 3,

    /// <summary>Perhaps ours: the lease is not trusted at the moment.</summary>
    Suspended = 4,

    /// <summary>Being handed over: its sessions stop.</summary>
    Closing = 5,

    /// <summary>Given back, or lost to another.</summary>
    Closed = 6,
}

/// <summary>What happens to a shard.</summary>
internal enum ShardEvent
{
    ClaimStarted = 1,
    Granted = 2,
    ClaimFailed = 3,
    TrustLost = 4,
    TrustRegained = 5,
    HandOffAsked = 6,
    Released = 7,
    Fenced = 8,
}

/// <summary>What a shard does with a command or a query.</summary>
internal enum ShardAnswer
{
    Execute = 1,

    /// <summary>Keep a few, refuse the rest as <c>acquiring</c>.</summary>
    Park = 2,
    Acquiring = 3,
    Suspended = 4,
    Moving = 5,
    NotOwned = 6,
}

/// <summary>
/// The phases of a shard and what it answers in each, pure.
/// <code>
///   NotOwned ──claim──► Acquiring ──granted──► Open ──hand-off──► Closing ──released──► Closed ──claim──► Acquiring
///                           │ failed            │ ▲                  │
///                           ▼          lost trust ▼ │ regained       │ fenced (from any phase with a grant)
///                        NotOwned           Suspended ──fenced──► Closed ◄───┘
///
///   phase       command      query        hand-off
///   NotOwned    not owned    not owned    –
///   Acquiring   park ≤ 64    acquiring    ignored
///   Open        execute      execute      → Closing
///   Suspended   suspended    suspended    ignored        (a stale read is a lie)
///   Closing     moving       moving       ignored
///   Closed      not owned    not owned    –
/// </code>
/// </summary>
internal static class ShardPhases
{
    /// <summary>The next phase; null when the event changes nothing in this one.</summary>
    public static ShardPhase? Next(ShardPhase phase, ShardEvent happened) => (phase, happened) switch
    {
        (ShardPhase.NotOwned or ShardPhase.Closed, ShardEvent.ClaimStarted) => ShardPhase.Acquiring,
        (ShardPhase.Acquiring, ShardEvent.Granted) => ShardPhase.Open,
        (ShardPhase.Acquiring, ShardEvent.ClaimFailed) => ShardPhase.NotOwned,
        (ShardPhase.Open, ShardEvent.TrustLost) => ShardPhase.Suspended,
        (ShardPhase.Suspended, ShardEvent.TrustRegained) => ShardPhase.Open,
        (ShardPhase.Open, ShardEvent.HandOffAsked) => ShardPhase.Closing,
        (ShardPhase.Closing, ShardEvent.Released) => ShardPhase.Closed,
        (ShardPhase.Open or ShardPhase.Suspended or ShardPhase.Closing, ShardEvent.Fenced) => ShardPhase.Closed,
        _ => null,
    };

    public static ShardAnswer AnswerTo(ShardPhase phase, bool isQuery) => phase switch
    {
        ShardPhase.Acquiring => isQuery ? ShardAnswer.Acquiring : ShardAnswer.Park,
        ShardPhase.Open => ShardAnswer.Execute,
        ShardPhase.Suspended => ShardAnswer.Suspended,
        ShardPhase.Closing => ShardAnswer.Moving,
        _ => ShardAnswer.NotOwned,
    };

    /// <summary>Whether the sessions of the shard may write and act: while it closes they still checkpoint.</summary>
    public static bool MayWrite(ShardPhase phase) => phase is ShardPhase.Open or ShardPhase.Closing;
}

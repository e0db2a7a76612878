namespace Backhaul.Node.Sharding;

/// <summary>
/// How shards hold their sessions and give them back. Bound from <c>Backhaul:Sharding</c> (<see cref="ShardCount"/> from
/// <c>Backhaul:Cluster</c>), checked at start by <see cref="Faults"/>.
/// </summary>
internal sealed record ShardingOptions
{
    /// <summary>Fixed for life when the journal is created: a session's shard follows from it.</summary>
    public int ShardCount { get; init; } = Protocol.ShardMap.ShardCountDefault;

    /// <summary>Commands that wait for a session that is loaded, or for a shard that is claimed; more are answered at once, and sent again.</summary>
    public int ParkedMax { get; init; } = 64;

    /// <summary>Sessions that load at the same time on this node: more would only wait for the same store.</summary>
    public int LoadsMax { get; init; } = 50;

    /// <summary>A load that takes longer lets the next one begin.</summary>
    public TimeSpan LoadPermitMax { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Loads that fail in a row before a session is quarantined.</summary>
    public int LoadFailuresMax { get; init; } = 3;

    /// <summary>How often due sessions are looked for; a due time inside the period is met exactly.</summary>
    public TimeSpan WakePoll { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Due sessions that are started and not loaded yet: the recovery after a start holds no more in memory.</summary>
    public int WakesInFlightMax { get; init; } = 200;

    /// <summary>A session that was woken and left is not woken again before this.</summary>
    public TimeSpan WakeCoolDown { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Messages that wait in a shard's mailbox.</summary>
    public int ShardInboxMax { get; init; } = 1024;

    /// <summary>Messages that wait in a session's mailbox; more are answered 429.</summary>
    public int SessionInboxMax { get; init; } = 256;

    /// <summary>A running transfer reaches its checkpoint.</summary>
    public TimeSpan ChildStop { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>A session stops: its transfers, then its snapshot.</summary>
    public TimeSpan SessionStop { get; init; } = TimeSpan.FromSeconds(13);

    /// <summary>A shard stops: all its sessions, in parallel.</summary>
    public TimeSpan HandOff { get; init; } = TimeSpan.FromSeconds(15);

    /// <summary>All shards stop and are given back.</summary>
    public TimeSpan Drain { get; init; } = TimeSpan.FromSeconds(45);

    /// <summary>How long the membership must have been the same before a shard moves voluntarily: a rolling restart changes it twice for each node.</summary>
    public TimeSpan Settle { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>Shards that move voluntarily at the same time, away from one node.</summary>
    public int HandOffsMax { get; init; } = 2;

    /// <summary>Shards that a node hands over at the same time while it drains.</summary>
    public int DrainHandOffsMax { get; init; } = 4;

    /// <summary>Claims under way at the same time.</summary>
    public int ClaimsInFlightMax { get; init; } = 4;

    /// <summary>Shards that a node may claim in its first moment (a fifteenth of the lease); doubles with each.</summary>
    public int ClaimsFirst { get; init; } = 4;

    /// <summary>A shard that was taken over from a dead node more often in a row is left alone.</summary>
    public int TakeoversMax { get; init; } = 3;

    /// <summary>… but for one try after this.</summary>
    public TimeSpan PoisonCoolDown { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>Sentences about what is wrong; none when the options are good.</summary>
    public IEnumerable<string> Faults()
    {
        if (ShardCount is < 1 or > 65_536)
            yield return $"Backhaul:Cluster:ShardCount is {ShardCount}; it must be 1 to 65536.";
        foreach (var (name, value) in new (string, int)[]
        {
            (nameof(ParkedMax), ParkedMax), (nameof(LoadsMax), LoadsMax), (nameof(LoadFailuresMax), LoadFailuresMax),
            (nameof(WakesInFlightMax), WakesInFlightMax), (nameof(ShardInboxMax), ShardInboxMax), (nameof(SessionInboxMax), SessionInboxMax),
            (nameof(HandOffsMax), HandOffsMax), (nameof(DrainHandOffsMax), DrainHandOffsMax), (nameof(ClaimsInFlightMax), ClaimsInFlightMax),
            (nameof(ClaimsFirst), ClaimsFirst), (nameof(TakeoversMax), TakeoversMax),
        })
        {
            if (value < 1)
                yield return $"Backhaul:Sharding:{name} is {value}; it must be at least 1.";
        }
        if (WakePoll <= TimeSpan.Zero || LoadPermitMax <= TimeSpan.Zero || WakeCoolDown < TimeSpan.Zero)
            yield return "Backhaul:Sharding: WakePoll and LoadPermitMax must be longer than zero, and WakeCoolDown not negative.";
        if (Settle < TimeSpan.Zero || PoisonCoolDown < TimeSpan.Zero)
            yield return "Backhaul:Sharding: Settle and PoisonCoolDown must not be negative.";
        if (ChildStop <= TimeSpan.Zero || ChildStop + Grace >= SessionStop || SessionStop + Grace > HandOff || HandOff + Grace >= Drain)
        {
            yield return "Backhaul:Sharding: 0 < ChildStop + 1 s < SessionStop, SessionStop + 1 s <= HandOff and HandOff + 1 s < Drain must hold, "
                + $"but they are {ChildStop}, {SessionStop}, {HandOff} and {Drain} (defaults: 10, 13, 15 and 45 s).";
        }
    }

    /// <summary>What a stop has left after its time, to put its work down: see <see cref="Actors.ActorOptions.AbandonGrace"/>.</summary>
    private static TimeSpan Grace => Actors.ActorOptions.Default.AbandonGrace;
}

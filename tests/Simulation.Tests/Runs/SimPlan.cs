namespace Backhaul.Simulation.Tests.Runs;

/// <summary>What a seed decides before anything runs: sizes, how long, which faults may come and how often.</summary>
internal sealed record SimPlan
{
    public required long Seed { get; init; }

    public required int Nodes { get; init; }

    public required int Shards { get; init; }

    public required int Clients { get; init; }

    public required int Sessions { get; init; }

    /// <summary>Faults and work go on for this long …</summary>
    public required TimeSpan Busy { get; init; }

    /// <summary>… and then everything heals, and progress is demanded. Null: a safety run, which just ends.</summary>
    public required bool IsLiveness { get; init; }

    public required TimeSpan Lease { get; init; }

    public required double Disorder { get; init; }

    /// <summary>The mean time between two faults; null: none.</summary>
    public required TimeSpan? FaultEvery { get; init; }

    /// <summary>Which kinds of fault this run knows.</summary>
    public required IReadOnlyList<SimFaultKind> Faults { get; init; }

    /// <summary>How slowly clients do what they do; a patient run lasts long and is quiet, so that launches and retries by the hour come into it.</summary>
    public required double Pace { get; init; }

    /// <summary>The machines' wall clocks agree, as far as clocks do.</summary>
    public required bool ClocksAgree { get; init; }

    public required SimRules Rules { get; init; }

    public static SimPlan Of(long seed, SimRules? rules = null)
    {
        var random = new SimRandom(seed, "plan");
        var nodes = random.Between(1, 5);
        var kinds = Enum.GetValues<SimFaultKind>().Where(_ => random.Chance(0.6)).ToList();
        if (!random.Chance(0.1))
            kinds.Remove(SimFaultKind.StoreRestored); // it excuses much, so it has runs of its own
        var isPatient = random.Chance(0.05);
        var clocksAgree = isPatient || random.Chance(0.5);
        if (clocksAgree)
            kinds.RemoveAll(static kind => kind is SimFaultKind.WallJump or SimFaultKind.ClockRate);
        if (isPatient)
            nodes = Math.Min(nodes, 3);
        return new SimPlan
        {
            Seed = seed,
            Nodes = nodes,
            Shards = random.Pick([8, 8, 16, 16, 32, 64]),
            Clients = random.Between(2, 6),
            Sessions = isPatient ? random.Between(3, 6) : random.Between(4, 24),
            Busy = isPatient ? random.Seconds(900, 2400) : random.Seconds(60, 240),
            IsLiveness = random.Chance(0.6),
            Lease = TimeSpan.FromSeconds(random.Chance(0.8) ? 15 : 5),
            Disorder = random.Pick([0, 0.1, 0.3, 1.0]),
            FaultEvery = random.Chance(0.05) || kinds.Count == 0 ? null : isPatient ? random.Seconds(30, 200) : random.Seconds(2, 30),
            Faults = kinds,
            Pace = isPatient ? 12 : 1,
            ClocksAgree = clocksAgree,
            Rules = rules ?? SimRules.AsBuilt,
        };
    }

    public override string ToString() =>
        $"{Nodes} nodes, {Shards} shards, {Sessions} sessions, {Clients} clients, lease {Lease.TotalSeconds:0} s, {Busy.TotalSeconds:0} s, "
        + $"{(Pace > 1 ? "patient " : "")}{(IsLiveness ? "liveness" : "safety")}, disorder {Disorder:0.0}, a fault every {FaultEvery?.TotalSeconds ?? 0:0} s of {string.Join(' ', Faults)}";
}

/// <summary>What may go wrong.</summary>
internal enum SimFaultKind
{
    /// <summary>A process dies without a word and comes back later.</summary>
    Crash = 1,

    /// <summary>SIGSTOP and SIGCONT.</summary>
    Pause = 2,

    /// <summary>The machine sleeps: its monotonic clock stands.</summary>
    Sleep = 3,

    /// <summary>SIGTERM: an orderly end, and a start later.</summary>
    Drain = 4,

    /// <summary>A machine and the database do not hear each other; one way or both.</summary>
    StoreCut = 5,

    /// <summary>Calls to the database fail in every way.</summary>
    StoreTrouble = 6,

    /// <summary>Calls to the database take long.</summary>
    StoreSlow = 7,

    /// <summary>Commits take long while they hold their rows.</summary>
    CommitsSlow = 8,

    /// <summary>The database stops and starts.</summary>
    StoreDown = 9,

    /// <summary>A replica that was behind is promoted.</summary>
    StoreRestored = 10,

    /// <summary>Two machines do not hear each other; one way or both.</summary>
    PeersCut = 11,

    /// <summary>Requests between nodes and clients are lost, doubled, reset.</summary>
    NetworkTrouble = 12,

    /// <summary>Notifications are lost.</summary>
    SignalsLost = 13,

    /// <summary>A machine's clock runs up to five per cent fast or slow.</summary>
    ClockRate = 14,

    /// <summary>Somebody sets a machine's wall clock.</summary>
    WallJump = 15,

    /// <summary>Origins fail and change what they serve.</summary>
    OriginTrouble = 16,

    /// <summary>The shared volume hangs for one machine.</summary>
    VolumeHangs = 17,

    /// <summary>Receivers of webhooks refuse, are slow, are gone, and answers get lost.</summary>
    ReceiverTrouble = 18,
}

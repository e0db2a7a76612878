namespace Backhaul.Node.Ops;

/// <summary>The operator's edge. Bound from <c>Backhaul:Ops</c>, validated at start.</summary>
internal sealed record OpsOptions
{
    /// <summary>Where it listens. Loopback needs no key; any other address needs configured keys, or the node refuses to start.</summary>
    public string Url { get; init; } = "http://127.0.0.1:9110";

    /// <summary>How often a tail looks for news that nobody announces; short enough to feel live, long enough to cost nothing.</summary>
    public TimeSpan TailInterval { get; init; } = TimeSpan.FromMilliseconds(500);

    /// <summary>How long one command of an operator may wait for a session's answer; longer than the load of the largest session.</summary>
    public TimeSpan CommandDeadline { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How long open tails may take to end when the node stops; far below the host's own limit.</summary>
    public TimeSpan StopWithin { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>What is wrong, one sentence each.</summary>
    public IEnumerable<string> Faults()
    {
        if (!OpsAddress.TryParse(Url, out _))
        {
            yield return $"Backhaul:Ops:Url is '{Url}'. It must be http://address:port, for instance http://127.0.0.1:9110; "
                + "the address is an IP address, localhost, or * for all.";
        }
        if (TailInterval < TimeSpan.FromMilliseconds(50) || TailInterval > TimeSpan.FromMinutes(1))
            yield return "Backhaul:Ops:TailInterval must lie between 50 ms and 1 minute.";
        if (CommandDeadline < TimeSpan.FromSeconds(1) || CommandDeadline > TimeSpan.FromMinutes(5))
            yield return "Backhaul:Ops:CommandDeadline must lie between 1 s and 5 minutes.";
        if (StopWithin < TimeSpan.Zero || StopWithin > TimeSpan.FromSeconds(10))
            yield return "Backhaul:Ops:StopWithin must lie between 0 and 10 s: the rest of the shutdown needs its time.";
    }

    /// <summary>What forbids to listen there; null when nothing does.</summary>
    public string? FaultWithoutKeys() => !OpsAddress.TryParse(Url, out var address) || address.IsLoopback
        ? null
        : $"Backhaul:Ops:Url is {Url}, which other machines can reach, and no operator's key is configured. Configure a key with the role "
            + "Viewer, Operator or Admin (Backhaul:Security:Keys:0:Sha256, :Role), or keep the operator's port on 127.0.0.1.";
}

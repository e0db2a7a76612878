namespace Backhaul.Node.Journal.Postgres;

/// <summary>
/// Connections to PostgreSQL. Bound from <c>Backhaul:Store:Postgres</c>, validated at start. The times are a ladder: a statement ends on
/// the server before the client gives its connection up, so that a slow statement is a known failure and only a silent network an unknown outcome.
/// </summary>
internal sealed record PostgresOptions
{
    /// <summary>Connections that append and save snapshots. Each lane of the journal uses one at a time.</summary>
    public int AppendConnectionsMax { get; init; } = 8;

    /// <summary>Connections that read: sessions being loaded, pages of events, lists.</summary>
    public int ReadConnectionsMax { get; init; } = 16;

    /// <summary>Connections that claim, release and re-acquire shards and read the view.</summary>
    public int ClaimConnectionsMax { get; init; } = 8;

    /// <summary>
    /// The server ends an append that takes longer, and rolls it back. It bounds how long a node that vanished can hold a shard, so it is
    /// shorter than the time of trust in a lease.
    /// </summary>
    public TimeSpan AppendTimeout { get; init; } = TimeSpan.FromSeconds(5);

    public TimeSpan ReadTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>How long a claim waits for an append of the old owner in flight; then it is tried again later.</summary>
    public TimeSpan ClaimLockTimeout { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>Network and authentication of a new connection.</summary>
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(3);

    /// <summary>Beyond the statement's own time: then the network is taken for cut and the outcome for unknown.</summary>
    public TimeSpan NetworkGrace { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>A connection without traffic is probed after this long, by both sides, so that the server notices a node that vanished.</summary>
    public TimeSpan KeepaliveIdle { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Data without an acknowledgement for this long ends the connection on the server's side.</summary>
    public TimeSpan PeerTimeout { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>A migration of the schema, and waiting for that of another node.</summary>
    public TimeSpan MigrationTimeout { get; init; } = TimeSpan.FromMinutes(2);

    public IEnumerable<string> Problems()
    {
        const string Section = "Backhaul:Store:Postgres";
        if (AppendConnectionsMax is < 2 or > 128)
            yield return $"{Section}:AppendConnectionsMax must lie between 2 and 128.";
        if (ReadConnectionsMax is < 1 or > 512)
            yield return $"{Section}:ReadConnectionsMax must lie between 1 and 512.";
        if (ClaimConnectionsMax is < 2 or > 128)
            yield return $"{Section}:ClaimConnectionsMax must lie between 2 and 128.";
        foreach (var (name, value) in new[]
            {
                (nameof(AppendTimeout), AppendTimeout), (nameof(ReadTimeout), ReadTimeout), (nameof(ConnectTimeout), ConnectTimeout),
                (nameof(NetworkGrace), NetworkGrace), (nameof(KeepaliveIdle), KeepaliveIdle), (nameof(PeerTimeout), PeerTimeout),
            })
        {
            if (value < TimeSpan.FromSeconds(1) || value > TimeSpan.FromMinutes(1))
                yield return $"{Section}:{name} must lie between 1 second and 1 minute.";
        }

        if (ClaimLockTimeout < TimeSpan.FromMilliseconds(100) || ClaimLockTimeout >= AppendTimeout)
            yield return $"{Section}:ClaimLockTimeout must lie between 100 milliseconds and AppendTimeout.";
        if (MigrationTimeout < TimeSpan.FromSeconds(1) || MigrationTimeout > TimeSpan.FromHours(1))
            yield return $"{Section}:MigrationTimeout must lie between 1 second and 1 hour.";
    }
}

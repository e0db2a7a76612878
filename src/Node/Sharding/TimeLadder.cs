using Backhaul.Node.Sharding.Membership;

namespace Backhaul.Node.Sharding;

/// <summary>
/// The times that others chose and that must fit below the trust in the cluster's lease: <c>append statement, claim &lt; trust</c>. Checked with the
/// configured lease before a cluster may be founded with it, and with the one that was written at the founding, which is known only when the
/// store was opened. The rungs of the lease itself follow from it (<see cref="LeaseTerms"/>); those of a stop are <see cref="ShardingOptions"/>'s.
/// </summary>
internal sealed record TimeLadder
{
    /// <summary>The store ends an append that takes longer; null: it has no such time.</summary>
    public TimeSpan? AppendStatement { get; init; }

    /// <summary>How long a claim waits for an append in flight.</summary>
    public TimeSpan? ClaimWait { get; init; }

    /// <summary>Throws when a rung is out of place.</summary>
    public void Check(LeaseTerms terms)
    {
        List<string> faults = [.. Faults(terms)];
        if (faults.Count > 0)
            throw new LadderException(string.Join(Environment.NewLine, faults));
    }

    public IEnumerable<string> Faults(LeaseTerms terms)
    {
        if (AppendStatement is { } append && append >= terms.Trust)
        {
            yield return $"Backhaul:Store:Postgres:AppendTimeout is {append.TotalSeconds:0.###} s, but a node of this cluster trusts its lease of {terms.Lease.TotalSeconds:0.###} s "
                + $"for {terms.Trust.TotalSeconds:0.###} s: an append that is still under way after that could hold up whoever takes over. Make it shorter.";
        }
        if (ClaimWait is { } claim && claim >= terms.Trust)
        {
            yield return $"Backhaul:Store:Postgres:ClaimLockTimeout is {claim.TotalSeconds:0.###} s; it must be shorter than the {terms.Trust.TotalSeconds:0.###} s "
                + $"for which a node of this cluster trusts its lease of {terms.Lease.TotalSeconds:0.###} s.";
        }
    }
}

/// <summary>A time-out is longer than the one that should outlast it; the message says which.</summary>
[System.Diagnostics.CodeAnalysis.SuppressMessage("Design", "CA1064:Exceptions should be public", Justification = "It ends the process; nothing else catches it.")]
internal sealed class LadderException(string sentence) : Exception(sentence);

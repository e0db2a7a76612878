namespace Backhaul.Node.Sharding.Membership;

/// <summary>Where a node's lease stands.</summary>
internal enum LeasePhase
{
    Joining = 1,
    Trusted = 2,
    Suspended = 3,
    Left = 4,
    Lost = 5,
}

/// <summary>
/// Whether this node may act, as a pure machine: what happened comes in with the clocks' readings, nothing is read here.
/// <code>
///  Joining ──joined──► Trusted ──trust deadline passed, or the machine slept──► Suspended ──renewed, then verified──► Trusted
///                        │  ▲                                                       │ ▲
///                        │  └──────── every good renewal                 renewed ───┘ └── its trust passed before it was verified
///                        ├── left (at the end of a drain) ──► Left
///                        └── a renewal found no such member ──► Lost ──► the process ends with code 70          (from Suspended too)
/// </code>
/// Invariants: never trusted at or after the start of the newest good renewal + trust (lease - margin), whatever the order of the
/// answers and however late they are; an answer to an attempt that is older than the newest good one changes nothing; after a lapse of
/// trust nothing is trusted before somebody has verified, later than the renewal, what this node still owns; Left and Lost are for ever.
/// </summary>
internal sealed class NodeLease(LeaseTerms terms)
{
    /// <summary>The wall clock may be set by this much without anybody having slept.</summary>
    private static readonly TimeSpan JumpMax = TimeSpan.FromSeconds(1);

    private ClockReading? _last;
    private TimeSpan? _newestGood;

    public LeasePhase Phase { get; private set; } = LeasePhase.Joining;

    /// <summary>Of the newest good renewal; means something only while <see cref="LeasePhase.Trusted"/>, or suspended and <see cref="IsRenewed"/>.</summary>
    public TimeSpan TrustedUntil { get; private set; }

    /// <summary>Suspended, and the lease is in force again: verify what is owned.</summary>
    public bool IsRenewed { get; private set; }

    /// <summary>How often trust, or a renewal that waited to be verified, ran out.</summary>
    public int Lapses { get; private set; }

    /// <summary>Since when renewals have followed each other without a break; null when trust is over.</summary>
    public TimeSpan? UnbrokenSince { get; private set; }

    public bool IsTrustedAt(TimeSpan now) => Phase == LeasePhase.Trusted && now < TrustedUntil;

    public bool HasEnded => Phase is LeasePhase.Left or LeasePhase.Lost;

    /// <summary>How long the renewal that starts now may take.</summary>
    public TimeSpan AttemptTime(TimeSpan now)
    {
        var left = TrustedUntil - now;
        var least = terms.AttemptMax / 4; // with less, a store that is merely slow would never answer in time
        return Phase == LeasePhase.Trusted && left < terms.AttemptMax ? Max(left, least) : terms.AttemptMax;
    }

    /// <summary>The store has written this node in, with a whole lease.</summary>
    public void Joined(ClockReading attempted, ClockReading now)
    {
        Look(now);
        if (Phase != LeasePhase.Joining)
            return;
        Phase = LeasePhase.Trusted;
        Count(attempted.Monotonic);
        if (Slept(attempted, now))
            Lapse();
        Look(now);
    }

    /// <summary>A renewal was answered. <paramref name="isMember"/>: the row is there, active or draining, and has a new lease.</summary>
    public void Answered(ClockReading attempted, bool isMember, ClockReading now)
    {
        Look(now);
        if (HasEnded || Phase == LeasePhase.Joining || attempted.Monotonic < _newestGood)
            return;
        if (!isMember)
        {
            End(LeasePhase.Lost);
            return;
        }
        if (Slept(attempted, now))
            return; // for nobody knows how long
        Count(attempted.Monotonic);
        if (Phase == LeasePhase.Suspended && now.Monotonic < TrustedUntil)
            IsRenewed = true;
        Look(now);
    }

    /// <summary>The clocks were looked at: often, and before anything else is concluded.</summary>
    public void Look(ClockReading now)
    {
        if (_last is { } last && Slept(last, now))
            Lapse();
        _last = now;
        if (now.Monotonic >= TrustedUntil)
            Lapse();
    }

    /// <summary>
    /// What this node owns was read again, later than the renewal that ended lapse number <paramref name="lapse"/>. False when trust ran out once more meanwhile.
    /// </summary>
    public bool Verified(int lapse, ClockReading now)
    {
        Look(now);
        if (Phase != LeasePhase.Suspended || !IsRenewed || lapse != Lapses)
            return false;
        IsRenewed = false;
        Phase = LeasePhase.Trusted;
        return true;
    }

    /// <summary>At the end of a drain.</summary>
    public void Leave()
    {
        if (!HasEnded)
            End(LeasePhase.Left);
    }

    private void Count(TimeSpan attempted)
    {
        if (UnbrokenSince is null || attempted - _newestGood > terms.BreakAfter)
            UnbrokenSince = attempted;
        _newestGood = attempted;
        TrustedUntil = attempted + terms.Trust;
    }

    private void Lapse()
    {
        if (Phase is not (LeasePhase.Trusted or LeasePhase.Suspended))
            return;
        if (Phase == LeasePhase.Trusted || IsRenewed)
            Lapses++;
        Phase = LeasePhase.Suspended;
        IsRenewed = false;
        UnbrokenSince = null;
    }

    private void End(LeasePhase end)
    {
        Phase = end;
        IsRenewed = false;
        UnbrokenSince = null;
    }

    /// <summary>The clocks went apart: the machine slept, or somebody set its clock, which cannot be told from it.</summary>
    private static bool Slept(ClockReading before, ClockReading now) =>
        (now.Wall - before.Wall - (now.Monotonic - before.Monotonic)).Duration() > JumpMax;

    private static TimeSpan Max(TimeSpan one, TimeSpan other) => one > other ? one : other;
}

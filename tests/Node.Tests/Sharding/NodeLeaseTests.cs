using Backhaul.Node.Sharding.Membership;
using FsCheck;
using FsCheck.Fluent;
using Xunit;

namespace Backhaul.Node.Tests.Sharding;

public sealed class NodeLeaseTests
{
    private static readonly LeaseTerms Terms = new(TimeSpan.FromSeconds(15));
    private static readonly DateTimeOffset Noon = new(2030, 1, 1, 12, 0, 0, TimeSpan.Zero);

    private readonly NodeLease _lease = new(Terms);

    [Fact]
    public void The_ladder_of_a_lease_is_strict()
    {
        foreach (var lease in new[] { 5.0, 15, 60 }.Select(TimeSpan.FromSeconds))
        {
            var terms = new LeaseTerms(lease);
            TimeSpan[] rungs = [terms.Look, terms.Again, terms.AttemptMax, terms.Heartbeat, terms.BreakAfter, terms.SuspectBelow, terms.Trust, terms.Lease];
            Assert.Equal(rungs.Order(), rungs);
            Assert.Equal(rungs.Length, rungs.Distinct().Count());
        }
        Assert.Equal((3, 2, 13), (Terms.Heartbeat.TotalSeconds, Terms.AttemptMax.TotalSeconds, Terms.Trust.TotalSeconds));
    }

    [Fact]
    public void Trust_counts_from_the_start_of_the_attempt()
    {
        _lease.Joined(At(0), At(1.5));
        Assert.True(_lease.IsTrustedAt(Seconds(12.9)));
        Assert.False(_lease.IsTrustedAt(Seconds(13)));
        _lease.Answered(At(3), isMember: true, At(5));
        Assert.True(_lease.IsTrustedAt(Seconds(15.9)));
        Assert.False(_lease.IsTrustedAt(Seconds(16)));
    }

    [Fact]
    public void A_renewal_after_the_trust_has_passed_must_be_verified()
    {
        _lease.Joined(At(0), At(0));
        _lease.Look(At(13));
        Assert.Equal((LeasePhase.Suspended, 1), (_lease.Phase, _lease.Lapses));
        _lease.Answered(At(14), isMember: true, At(14.1));
        Assert.True(_lease.IsRenewed);
        Assert.False(_lease.IsTrustedAt(Seconds(14.2)));
        Assert.True(_lease.Verified(1, At(14.3)));
        Assert.True(_lease.IsTrustedAt(Seconds(14.4)));
    }

    [Fact]
    public void What_was_verified_before_trust_ran_out_again_does_not_count()
    {
        _lease.Joined(At(0), At(0));
        _lease.Look(At(13));
        _lease.Answered(At(14), isMember: true, At(14.1));
        _lease.Look(At(27.5));
        _lease.Answered(At(28), isMember: true, At(28.1));
        Assert.Equal(2, _lease.Lapses);
        Assert.False(_lease.Verified(1, At(28.2)));
        Assert.True(_lease.Verified(2, At(28.3)));
    }

    [Fact]
    public void An_answer_that_comes_after_its_own_time_is_worth_nothing()
    {
        _lease.Joined(At(0), At(0));
        _lease.Answered(At(1), isMember: true, At(14));
        Assert.Equal(LeasePhase.Suspended, _lease.Phase);
        Assert.False(_lease.IsRenewed);
    }

    [Fact]
    public void A_machine_that_slept_trusts_nothing_until_it_has_verified()
    {
        _lease.Joined(At(0), At(0));
        _lease.Look(At(2, wall: 20)); // the monotonic clock stood still for 18 s
        Assert.Equal(LeasePhase.Suspended, _lease.Phase);
        _lease.Answered(At(3, wall: 21), isMember: true, At(3.1, wall: 21.1));
        Assert.True(_lease.IsRenewed);
    }

    [Fact]
    public void A_machine_that_slept_during_a_renewal_does_not_count_it()
    {
        _lease.Joined(At(0), At(0));
        _lease.Answered(At(3), isMember: true, At(3, wall: 40));
        Assert.Equal((LeasePhase.Suspended, false), (_lease.Phase, _lease.IsRenewed));
    }

    [Fact]
    public void A_node_that_is_no_member_is_lost_for_ever()
    {
        _lease.Joined(At(0), At(0));
        _lease.Answered(At(3), isMember: false, At(3.1));
        _lease.Answered(At(4), isMember: true, At(4.1));
        Assert.Equal(LeasePhase.Lost, _lease.Phase);
        Assert.False(_lease.IsTrustedAt(Seconds(4.2)));
    }

    [Fact]
    public void A_gap_between_renewals_is_a_break_also_when_trust_went_on()
    {
        _lease.Joined(At(0), At(0));
        foreach (var second in new[] { 3, 6, 9, 12, 15 })
            _lease.Answered(At(second), isMember: true, At(second + 0.1));
        Assert.Equal(Seconds(0), _lease.UnbrokenSince);
        _lease.Answered(At(22), isMember: true, At(22.1));
        Assert.Equal(Seconds(22), _lease.UnbrokenSince);
        Assert.Equal(LeasePhase.Trusted, _lease.Phase);
    }

    [Fact]
    public void An_attempt_has_no_more_time_than_trust_is_left_and_never_less_than_makes_sense()
    {
        _lease.Joined(At(0), At(0));
        Assert.Equal(Seconds(2), _lease.AttemptTime(Seconds(3)));
        Assert.Equal(Seconds(1), _lease.AttemptTime(Seconds(12)));
        Assert.Equal(Seconds(0.5), _lease.AttemptTime(Seconds(12.9)));
        _lease.Look(At(13));
        Assert.Equal(Seconds(2), _lease.AttemptTime(Seconds(13)));
    }

    /// <summary>Attempts whose answers come in any order, late or never, with sleeps of the machine in between.</summary>
    [Fact]
    public void Nothing_is_trusted_beyond_the_newest_good_attempt_whatever_the_order_of_the_answers() =>
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(2000), Prop.ForAll(Histories(), history => Follow(history)));

    private static void Follow(IReadOnlyList<Step> history)
    {
        var lease = new NodeLease(Terms);
        var (mono, wall) = (0.0, 0.0);
        var attempts = new List<(ClockReading At, double SleptBefore)>();
        var (slept, answeredGood, lastLapse) = (0.0, double.NegativeInfinity, 0);
        lease.Joined(Clock(), Clock());
        answeredGood = 0;
        foreach (var step in history)
        {
            mono += step.Pass;
            wall += step.Pass + (step.Sleeps ? 5 : 0);
            slept += step.Sleeps ? 5 : 0;
            switch (step.What)
            {
                case 0:
                    attempts.Add((Clock(), slept));
                    break;
                case 1 or 2 when attempts.Count > 0:
                    var (at, before) = attempts[step.Which % attempts.Count];
                    var old = at.Monotonic.TotalSeconds < answeredGood;
                    var wasEnded = lease.HasEnded;
                    lease.Look(Clock());
                    var (phase, until, lapses, renewed) = (lease.Phase, lease.TrustedUntil, lease.Lapses, lease.IsRenewed);
                    lease.Answered(at, isMember: step.What == 1, Clock());
                    if (old || wasEnded)
                        Assert.Equal((phase, until, lapses, renewed), (lease.Phase, lease.TrustedUntil, lease.Lapses, lease.IsRenewed));
                    else if (step.What == 2)
                        Assert.Equal(LeasePhase.Lost, lease.Phase);
                    else if (before >= slept)
                        answeredGood = at.Monotonic.TotalSeconds;
                    break;
                case 3:
                    lease.Look(Clock());
                    break;
                case 4:
                    lease.Verified(lease.Lapses - (step.Which % 2), Clock());
                    break;
                default:
                    break;
            }
            Assert.True(lease.Lapses >= lastLapse);
            lastLapse = lease.Lapses;
            foreach (var later in new[] { 0, 0.5, 5, 12.9, 13, 20 })
            {
                if (lease.IsTrustedAt(TimeSpan.FromSeconds(mono + later)))
                    Assert.True(mono + later < answeredGood + 13, $"Trusted {mono + later - answeredGood} s after the newest good attempt.");
            }
            if (step is { Sleeps: true, What: 1 or 3 } && (step.What == 3 || attempts.Count > 0))
                Assert.NotEqual(LeasePhase.Trusted, lease.Phase);
        }

        ClockReading Clock() => new(TimeSpan.FromSeconds(mono), Noon.AddSeconds(wall));
    }

    private static Arbitrary<IReadOnlyList<Step>> Histories()
    {
        var step = from what in Gen.Choose(0, 5)
                   from which in Gen.Choose(0, 20)
                   from pass in Gen.Elements(0.0, 0.1, 0.5, 1, 2, 3, 6, 13, 14)
                   from sleeps in Gen.Frequency((12, Gen.Constant(false)), (1, Gen.Constant(true)))
                   select new Step(what == 2 && which % 3 > 0 ? 1 : what, which, pass, sleeps);
        return Arb.From(step.ListOf().Select(list => (IReadOnlyList<Step>)[.. list]));
    }

    private static ClockReading At(double seconds, double? wall = null) => new(Seconds(seconds), Noon.AddSeconds(wall ?? seconds));

    private static TimeSpan Seconds(double seconds) => TimeSpan.FromSeconds(seconds);

    private sealed record Step(int What, int Which, double Pass, bool Sleeps);
}

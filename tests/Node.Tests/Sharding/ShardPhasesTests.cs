using Backhaul.Node.Journal;
using Backhaul.Node.Sharding;
using Backhaul.Node.Sharding.Membership;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace Backhaul.Node.Tests.Sharding;

public sealed class ShardPhasesTests
{
    private static readonly NodeId Node = new(new Guid(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11));

    [Theory]
    [InlineData(ShardPhase.NotOwned, ShardAnswer.NotOwned, ShardAnswer.NotOwned)]
    [InlineData(ShardPhase.Acquiring, ShardAnswer.Park, ShardAnswer.Acquiring)]
    [InlineData(ShardPhase.Open, ShardAnswer.Execute, ShardAnswer.Execute)]
    [InlineData(ShardPhase.Suspended, ShardAnswer.Suspended, ShardAnswer.Suspended)]
    [InlineData(ShardPhase.Closing, ShardAnswer.Moving, ShardAnswer.Moving)]
    [InlineData(ShardPhase.Closed, ShardAnswer.NotOwned, ShardAnswer.NotOwned)]
    internal void Each_phase_has_its_answer(ShardPhase phase, ShardAnswer toCommand, ShardAnswer toQuery)
    {
        Assert.Equal(toCommand, ShardPhases.AnswerTo(phase, isQuery: false));
        Assert.Equal(toQuery, ShardPhases.AnswerTo(phase, isQuery: true));
    }

    [Fact]
    public void A_hand_off_closes_an_open_shard_and_is_ignored_elsewhere()
    {
        foreach (var phase in Enum.GetValues<ShardPhase>())
            Assert.Equal(phase == ShardPhase.Open ? ShardPhase.Closing : null, ShardPhases.Next(phase, ShardEvent.HandOffAsked));
    }

    [Fact]
    public void Only_an_open_or_closing_shard_writes()
    {
        foreach (var phase in Enum.GetValues<ShardPhase>())
            Assert.Equal(phase is ShardPhase.Open or ShardPhase.Closing, ShardPhases.MayWrite(phase));
    }

    [Fact]
    public void Nothing_leads_to_open_but_a_grant_or_regained_trust()
    {
        foreach (var phase in Enum.GetValues<ShardPhase>())
        {
            foreach (var happened in Enum.GetValues<ShardEvent>())
            {
                var opens = ShardPhases.Next(phase, happened) == ShardPhase.Open;
                Assert.Equal((phase, happened) is (ShardPhase.Acquiring, ShardEvent.Granted) or (ShardPhase.Suspended, ShardEvent.TrustRegained), opens);
            }
        }
    }

    [Fact]
    public void A_tenure_gives_its_grant_only_while_it_may_write()
    {
        var tenure = new ShardTenure(3, new AlwaysTrusted(), NullLogger.Instance);
        Assert.Null(tenure.Current);
        tenure.TryMove(ShardEvent.ClaimStarted);
        tenure.Grant(new ShardGrant(3, 7, Node));
        Assert.Equal(7, tenure.Current?.Epoch);
        Assert.True(tenure.MayAct);
        tenure.TryMove(ShardEvent.TrustLost);
        Assert.Null(tenure.Current);
        Assert.False(tenure.MayAct);
        tenure.TryMove(ShardEvent.TrustRegained);
        tenure.TryMove(ShardEvent.HandOffAsked);
        Assert.Equal(7, tenure.Current?.Epoch); // sessions still checkpoint
        tenure.TryMove(ShardEvent.Released);
        Assert.Null(tenure.Current);
        Assert.Equal(7, tenure.Epoch);
    }

    [Fact]
    public void A_fenced_tenure_is_lost_once_and_an_old_refusal_means_nothing()
    {
        var tenure = new ShardTenure(3, new AlwaysTrusted(), NullLogger.Instance);
        var lost = 0;
        tenure.Lost += () => lost++;
        tenure.TryMove(ShardEvent.ClaimStarted);
        tenure.Grant(new ShardGrant(3, 7, Node));
        tenure.OnReacquired(new ShardGrant(3, 8, Node));
        tenure.OnFenced(new ShardGrant(3, 7, Node));
        Assert.Equal((0, 8L), (lost, tenure.Current?.Epoch));
        tenure.OnFenced(new ShardGrant(3, 8, Node));
        tenure.OnFenced(new ShardGrant(3, 8, Node));
        Assert.Equal(1, lost);
        Assert.Null(tenure.Current);
        Assert.False(tenure.MayAct);
    }

    [Fact]
    public void The_ladder_is_checked()
    {
        Assert.Empty(new ShardingOptions().Faults());
        Assert.Single(new ShardingOptions { ChildStop = TimeSpan.FromSeconds(13) }.Faults());
        Assert.Single(new ShardingOptions { SessionStop = TimeSpan.FromSeconds(15) }.Faults());
        Assert.Single(new ShardingOptions { HandOff = TimeSpan.FromSeconds(45) }.Faults());
        Assert.Single(new ShardingOptions { ShardCount = 0 }.Faults());
        Assert.Single(new ShardingOptions { ParkedMax = 0 }.Faults());
    }
}

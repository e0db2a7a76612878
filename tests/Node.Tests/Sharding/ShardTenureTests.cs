using Backhaul.Node.Journal;
using Backhaul.Node.Sharding;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace Backhaul.Node.Tests.Sharding;

public sealed class ShardTenureTests
{
    private static readonly ShardGrant Granted = new(3, 7, new NodeId(Guid.Parse("11111111-1111-1111-1111-111111111111")));

    private readonly SwitchedTrust _trust = new();
    private readonly ShardTenure _tenure;
    private int _lost;

    public ShardTenureTests()
    {
        _tenure = new ShardTenure(3, _trust, NullLogger.Instance) { Lost = () => _lost++ };
        _tenure.TryMove(ShardEvent.ClaimStarted);
        _tenure.Grant(Granted);
    }

    [Fact]
    public void Without_trust_whoever_asks_is_to_wait_and_the_epoch_is_known_still()
    {
        Assert.Equal((Granted, false), _tenure.Ask());
        _trust.IsTrusted = false;
        Assert.Equal((null, true), _tenure.Ask());
        Assert.Equal(7, ((IGrantHolder)_tenure).Epoch);
        _trust.IsTrusted = true;
        Assert.Equal((Granted, false), _tenure.Ask());
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void What_was_put_down_is_not_suspended_but_lost(bool trusted)
    {
        _tenure.TryMove(ShardEvent.HandOffAsked);
        _tenure.PutDown();
        _trust.IsTrusted = trusted;
        Assert.Equal((null, false), _tenure.Ask());
        Assert.False(_tenure.IsSuspended);
    }

    [Fact]
    public void A_grant_under_which_an_append_may_still_arrive_ends_the_tenure()
    {
        _tenure.OnDoubtful(Granted);
        Assert.Equal(ShardPhase.Closed, _tenure.Phase);
        Assert.Equal((null, false), _tenure.Ask());
        _tenure.OnDoubtful(Granted);
        Assert.Equal(1, _lost);
    }

    [Fact]
    public void A_doubt_of_an_older_epoch_was_settled_by_the_raise()
    {
        _tenure.OnReacquired(Granted with { Epoch = 8 });
        _tenure.OnDoubtful(Granted);
        Assert.Equal(8, _tenure.Current?.Epoch);
        Assert.Equal(0, _lost);
    }
}

using Backhaul.Node.Journal;
using Backhaul.Node.Routing;
using Backhaul.Node.Sharding.Membership;
using Backhaul.World;
using Microsoft.Extensions.Logging;
using Xunit;

namespace Backhaul.Node.Tests.Routing;

public sealed class OwnerDirectoryTests
{
    private static readonly NodeId A = new(new Guid(1, 0, 0, new byte[8]));
    private static readonly NodeId B = new(new Guid(2, 0, 0, new byte[8]));
    private readonly VirtualWorld _world = new();
    private readonly FakeViews _views = new();

    [Fact]
    public void Owners_are_those_of_the_view_and_nobody_for_the_dead_the_gone_and_the_unknown()
    {
        using var owners = NewDirectory();
        Assert.Null(owners.Find(0));
        _views.Node(A, "http://a:1").Node(B, "http://b:1", MemberState.Dead)
            .Shard(0, 3, A).Shard(1, 4, B).Shard(2, 5, null).Shard(3, 1, new NodeId(Guid.Empty)).Publish();
        Assert.Equal(new Owner(0, 3, A, "http://a:1"), owners.Find(0));
        Assert.All([1, 2, 3, 4, -1], shard => Assert.Null(owners.Find(shard)));
    }

    [Fact]
    public void A_member_that_drains_still_owns_what_it_has_not_given_back()
    {
        using var owners = NewDirectory();
        _views.Node(A, "http://a:1", MemberState.Draining).Shard(0, 3, A).Publish();
        Assert.Equal(A, owners.Find(0)!.Node);
    }

    [Fact]
    public void A_hint_is_taken_only_with_an_epoch_not_below_the_known_one()
    {
        using var owners = NewDirectory();
        _views.Node(A, "http://a:1").Shard(0, 5, A).Publish();
        Assert.False(owners.Accept(new Owner(0, 4, B, "http://b:1")));
        Assert.False(owners.Accept(new Owner(0, 5, A, "http://a:1")));
        Assert.Equal(A, owners.Find(0)!.Node);
        Assert.True(owners.Accept(new Owner(0, 6, B, "http://b:1")));
        Assert.Equal(B, owners.Find(0)!.Node);
        Assert.False(owners.Accept(new Owner(0, 5, A, "http://a:1")));
        Assert.Equal(B, owners.Find(0)!.Node);
    }

    [Theory]
    [InlineData(-1, "http://b:1"), InlineData(70_000, "http://b:1"), InlineData(0, "b"), InlineData(0, "")]
    public void A_hint_that_makes_no_sense_is_not_taken(int shard, string address)
    {
        using var owners = NewDirectory();
        Assert.False(owners.Accept(new Owner(shard, 9, B, address)));
    }

    [Fact]
    public void A_hint_outlives_a_view_that_was_read_before_it_and_no_second_one()
    {
        using var owners = NewDirectory();
        _views.Node(A, "http://a:1").Shard(0, 5, A).Publish();
        Assert.True(owners.Accept(new Owner(0, 7, B, "http://b:1")));
        _views.Publish();
        Assert.Equal(B, owners.Find(0)!.Node);
        _views.Publish(); // a store that was restored has lower epochs, and is right
        Assert.Equal(A, owners.Find(0)!.Node);
    }

    [Fact]
    public void A_hint_outlives_one_view_also_when_a_command_asked_for_it()
    {
        using var owners = NewDirectory();
        _views.Node(A, "http://a:1").Shard(0, 5, A).Publish();
        Assert.True(owners.Accept(new Owner(0, 7, B, "http://b:1")));
        _world.Run(async () =>
        {
            owners.Refresh();
            await Task.Delay(TimeSpan.FromMilliseconds(1), _world.Time);
        });
        Assert.Equal(B, owners.Find(0)!.Node);
    }

    [Fact]
    public void A_view_with_a_higher_epoch_replaces_a_hint()
    {
        using var owners = NewDirectory();
        _views.Node(A, "http://a:1").Node(B, "http://b:1").Shard(0, 5, A).Publish();
        Assert.True(owners.Accept(new Owner(0, 7, B, "http://b:1")));
        _views.Shard(0, 8, null).Publish();
        Assert.Null(owners.Find(0));
    }

    [Fact]
    public void An_address_that_does_not_answer_is_forgotten_for_all_its_shards_until_the_next_view()
    {
        using var owners = NewDirectory();
        _views.Node(A, "http://a:1").Node(B, "http://b:1").Shard(0, 1, A).Shard(1, 1, A).Shard(2, 1, B).Publish();
        owners.Drop("http://a:1");
        Assert.Null(owners.Find(0));
        Assert.Null(owners.Find(1));
        Assert.NotNull(owners.Find(2));
        _world.Run(async () =>
        {
            owners.Refresh();
            await Task.Delay(TimeSpan.FromMilliseconds(1), _world.Time);
        });
        Assert.NotNull(owners.Find(0));
    }

    [Fact]
    public void A_thousand_commands_that_ask_for_a_view_read_one_at_a_time_and_not_more_often_than_allowed()
    {
        using var owners = NewDirectory();
        _views.OnRefresh = stop => Task.Delay(TimeSpan.FromMilliseconds(100), _world.Time, stop);
        _world.Run(async () =>
        {
            for (var i = 0; i < 1000; i++)
            {
                owners.Refresh();
                await Task.Delay(TimeSpan.FromMilliseconds(6), _world.Time);
            }
        });
        Assert.InRange(_views.Refreshes, 9, 11); // 6 s, each 100 ms and a pause of 500 ms
    }

    [Fact]
    public void A_view_that_cannot_be_read_is_told_in_the_log_and_the_next_one_is_read()
    {
        using var owners = NewDirectory();
        _views.OnRefresh = _ => throw new InvalidOperationException("away");
        _world.Run(async () =>
        {
            owners.Refresh();
            await Task.Delay(TimeSpan.FromSeconds(1), _world.Time);
            _views.OnRefresh = null;
            owners.Refresh();
            await Task.Delay(TimeSpan.FromSeconds(1), _world.Time);
        });
        Assert.Equal(2, _views.Refreshes);
        Assert.Contains(_world.Loggers.Lines, line => line.Text.Contains("could not be read", StringComparison.Ordinal));
    }

    private OwnerDirectory NewDirectory() => new(_views, new RoutingOptions(), _world.Time, _world.Loggers.CreateLogger<OwnerDirectory>());
}

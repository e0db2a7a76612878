using System.Text.Json;
using FsCheck;
using FsCheck.Fluent;
using Xunit;

namespace Backhaul.Protocol.Tests.Ids;

public sealed class ShardMapTests
{
    /// <summary>The vectors come from Python's hashlib; docs/protocol.md publishes some of them with the two lines that make them.</summary>
    [Fact]
    public void Shards_follow_from_identifiers_as_published()
    {
        using var vectors = JsonDocument.Parse(Golden.Read("shard-vectors.json"));
        Assert.True(vectors.RootElement.GetArrayLength() >= 30);
        foreach (var vector in vectors.RootElement.EnumerateArray())
        {
            var session = new SessionKey(TenantId.Parse(Text(vector, "tenant")), SessionIdentifier.Parse(Text(vector, "identifier")));
            Assert.Equal(vector.GetProperty("shard").GetInt32(), ShardMap.ShardOf(session, vector.GetProperty("shardCount").GetInt32()));
        }
    }

    [Fact]
    public void Every_session_has_a_shard_of_the_cluster() =>
        Prop.ForAll<PositiveInt, PositiveInt>((number, shards) =>
            ShardMap.ShardOf(Session($"s{number.Get}"), shards.Get) is var shard && shard >= 0 && shard < shards.Get).QuickCheckThrowOnFailure();

    [Fact]
    public void Sessions_spread_evenly()
    {
        var counts = new int[ShardMap.ShardCountDefault];
        for (var i = 0; i < 256 * 100; i++)
            counts[ShardMap.ShardOf(Session($"session-{i}"), counts.Length)]++;
        Assert.InRange(counts.Min(), 60, 100);
        Assert.InRange(counts.Max(), 100, 145);
    }

    [Fact]
    public void The_same_identifier_in_two_tenants_is_two_sessions() =>
        Assert.NotEqual(ShardMap.ShardOf(Session("photos"), int.MaxValue),
            ShardMap.ShardOf(new SessionKey(TenantId.Parse("acme"), SessionIdentifier.Parse("photos")), int.MaxValue));

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    public void A_cluster_has_at_least_one_shard(int shards) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => ShardMap.ShardOf(Session("a"), shards));

    private static SessionKey Session(string identifier) => new(TenantId.Default, SessionIdentifier.Parse(identifier));

    private static string Text(JsonElement vector, string name) => vector.GetProperty(name).GetString()!;
}

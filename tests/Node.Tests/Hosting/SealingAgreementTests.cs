using Backhaul.Node.Hosting;
using Backhaul.Node.Journal.Memory;
using Backhaul.Node.Security;
using Backhaul.World;
using Xunit;

namespace Backhaul.Node.Tests.Hosting;

/// <summary>Nodes of one cluster and the keys that they seal clients' secrets with.</summary>
public sealed class SealingAgreementTests
{
    private readonly VirtualWorld _world = new(seed: 5);
    private readonly MemoryOriginStore _store;

    public SealingAgreementTests() => _store = new MemoryOriginStore(new MemoryJournalStore(_world.Time));

    [Fact]
    public async Task A_node_with_other_keys_or_none_does_not_join()
    {
        await JoinAsync(Box(1));
        await JoinAsync(Box(1));
        foreach (var other in new[] { Box(), Box(2), Box(2, 3) })
        {
            var refused = await Assert.ThrowsAsync<NodeStartException>(() => JoinAsync(other));
            Assert.Equal(ExitCodes.Configuration, refused.ExitCode);
            Assert.Contains($"the key {Box(1).KeyIds[0]}, and Backhaul:Security:SecretKeys of this node has {(other.KeyIds.Count == 0 ? "none" : string.Join(", ", other.KeyIds))}", refused.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Nodes_without_keys_make_a_cluster_until_one_has_a_key()
    {
        await JoinAsync(Box());
        await JoinAsync(Box());
        await JoinAsync(Box(1));
        await Assert.ThrowsAsync<NodeStartException>(() => JoinAsync(Box()));
    }

    [Fact]
    public async Task A_new_key_is_added_behind_the_old_one_everywhere_and_then_put_first()
    {
        await JoinAsync(Box(1));
        await JoinAsync(Box(1, 2));
        await JoinAsync(Box(1, 2));
        await JoinAsync(Box(2, 1));
        await JoinAsync(Box(2, 1));
        await JoinAsync(Box(2));
        await Assert.ThrowsAsync<NodeStartException>(() => JoinAsync(Box(1)));
    }

    /// <summary>Regression: a repeated PUT was another version of the configuration on a node whose keys were in another order.</summary>
    [Fact]
    public async Task The_same_secret_gives_the_same_text_on_nodes_whose_keys_are_in_another_order()
    {
        var (one, other) = (Box(1, 2), Box(2, 1));
        await JoinAsync(one);
        await JoinAsync(other);
        await LearnAsync(one);
        await LearnAsync(other);
        Assert.Equal(one.Seal("whsec_x", "webhook/default/a"), other.Seal("whsec_x", "webhook/default/a"));
    }

    [Fact]
    public async Task A_running_node_says_once_that_it_lacks_the_key_of_the_others()
    {
        var old = Box();
        await JoinAsync(old);
        await JoinAsync(Box(1));
        var watch = new SealingWatch(old, _world.Loggers.CreateLogger("sealing"));
        for (var n = 0; n < 3; n++)
            await LearnAsync(old, watch);
        Assert.Single(_world.Loggers.Lines, line => line.ToString().Contains($"seal clients' secrets with the key {Box(1).KeyIds[0]}, which", StringComparison.Ordinal));
        Assert.False(old.CanSeal);
    }

    [Fact]
    public async Task A_key_that_is_lost_is_given_up_when_an_operator_says_so()
    {
        await JoinAsync(Box(1));
        await JoinAsync(Box(2), isLost: true);
        await JoinAsync(Box(2));
        await Assert.ThrowsAsync<NodeStartException>(() => JoinAsync(Box(), isLost: true));
    }

    private Task JoinAsync(SecretBox box, bool isLost = false) =>
        new SealingAgreement(_store, box, isLost, _world.Loggers.CreateLogger("sealing")).AgreeAsync(CancellationToken.None).AsTask();

    private async Task LearnAsync(SecretBox box, SealingWatch? watch = null)
    {
        foreach (var row in (await _store.ReadOriginsAsync(CancellationToken.None)).Rows)
            (watch ?? new SealingWatch(box, _world.Loggers.CreateLogger("sealing"))).Note(row.Origin, row.Payload);
    }

    private static SecretBox Box(params byte[] keys) => new([.. keys.Select(static key => Enumerable.Repeat(key, SecretBox.KeyBytes).ToArray())]);
}

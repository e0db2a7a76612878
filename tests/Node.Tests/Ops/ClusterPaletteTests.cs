using Backhaul.Node.Journal;
using Backhaul.Node.Sessions;
using Backhaul.Node.Sharding;
using Backhaul.Node.Sharding.Membership;
using Backhaul.Protocol;
using Microsoft.Extensions.DependencyInjection;
using Xunit;
using static Backhaul.Node.Tests.Ops.PaletteCalls;

namespace Backhaul.Node.Tests.Ops;

/// <summary>What operators see of a cluster and do to it, over the real edge; the store and the view are scripted.</summary>
public sealed class ClusterPaletteTests
{
    private static readonly NodeId Second = new(new Guid(2, 0, 0, new byte[8]));
    private static readonly NodeId Third = new(new Guid(3, 0, 0, new byte[8]));

    private readonly ScriptedCluster _cluster = new()
    {
        Current = new ClusterView(
            7,
            [
                new Member(OpsHost.Me, "node-1", "http://10.0.0.1:5081", "0.1.0", MemberState.Active, TimeSpan.FromSeconds(14.2)),
                new Member(Second, "node-2", "http://10.0.0.2:5081", "0.2.0", MemberState.Active, TimeSpan.FromSeconds(13)),
                new Member(Third, "node-3", "http://10.0.0.3:5081", "0.1.0", MemberState.Active, TimeSpan.FromSeconds(-4)),
            ],
            [new ShardOwner(0, 5, OpsHost.Me, 0), new ShardOwner(1, 9, Second, 0), new ShardOwner(2, 3, Third, 4), new ShardOwner(3, 2, null, 0)]),
    };

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_nodes_are_listed_with_lease_and_shards()
    {
        await using var host = await StartAsync();
        var (lines, _, exit) = await RunAsync(host, "cluster", "show");
        Assert.Equal(
        [
            "Node   | Id                               | State  | Address              | Build | Lease left | Shards | This one",
            "node-1 | 00000001000000000000000000000000 | active | http://10.0.0.1:5081 | 0.1.0 | 14.2 s     | 1      | yes",
            "node-2 | 00000002000000000000000000000000 | active | http://10.0.0.2:5081 | 0.2.0 | 13.0 s     | 1      | -",
            "node-3 | 00000003000000000000000000000000 | active | http://10.0.0.3:5081 | 0.1.0 | -4.0 s     | 1      | -",
            "Count: 3 nodes",
        ], lines);
        Assert.Equal(0, exit);
        Assert.Equal(1, _cluster.Refreshes);
        Assert.Equal("Count: 2 builds", (await RunAsync(host, "cluster", "version")).Lines[^1]);
    }

    [Fact]
    public async Task A_cluster_is_whole_when_no_lease_is_overdue_and_every_shard_is_held()
    {
        await using var host = await StartAsync();
        var (lines, _, _) = await RunAsync(host, "cluster", "status");
        Assert.Equal(["no", "3", "1", "4", "1", "1"], Fields(lines, "whole", "active", "lease overdue", "shards", "free", "poisoned"));
        _cluster.Current = _cluster.Current with
        {
            Members = [.. _cluster.Current.Members.Select(member => member with { LeaseLeft = TimeSpan.FromSeconds(14) })],
            Shards = [.. _cluster.Current.Shards.Select(shard => shard with { Owner = Second, Takeovers = 0 })],
        };
        Assert.Equal(["yes"], Fields((await RunAsync(host, "cluster", "status")).Lines, "whole"));
    }

    [Fact]
    public async Task With_the_store_away_the_last_view_is_shown_and_said_to_be_old()
    {
        await using var host = await StartAsync();
        _cluster.Away = true;
        var (lines, errors, exit) = await RunAsync(host, "cluster", "show");
        Assert.Equal("Count: 3 nodes", lines[^1]);
        Assert.Contains("last read", Assert.Single(errors), StringComparison.Ordinal);
        Assert.Equal(0, exit);
    }

    [Fact]
    public async Task One_embedded_node_answers_for_itself()
    {
        await using var host = await OpsHost.StartAsync();
        for (var shard = 0; shard < 4; shard++)
        {
            Assert.True(host.Shards.TryBeginClaim(shard));
            host.Shards.Opened(new ShardGrant(shard, 6, OpsHost.Me));
        }
        var show = (await RunAsync(host, "cluster", "show")).Lines;
        Assert.Equal(3, show.Count);
        Assert.StartsWith("node-1 | 00000001000000000000000000000000 | active |", show[1], StringComparison.Ordinal);
        Assert.Equal(["yes", "one embedded node", "4"], Fields((await RunAsync(host, "cluster", "status")).Lines, "whole", "kind", "shards"));
        Assert.Equal(
            ["Shard | Owner  | Epoch | Take-overs | Here", "0     | node-1 | 6     | 0          | Open"],
            (await RunAsync(host, "cluster-sharding", "list-shards")).Lines.Take(2));
        Assert.Equal("Count: 0 shards", (await RunAsync(host, "cluster-sharding", "poisoned")).Lines[^1]);
        var (_, errors, exit) = await RunAsync(host, confirmed: true, "cluster", "down", "node-1");
        Assert.Contains("one embedded node", Assert.Single(errors), StringComparison.Ordinal);
        Assert.Equal(1, exit);
    }

    [Fact]
    public async Task Shards_are_listed_by_owner_and_the_poisoned_ones_by_themselves()
    {
        await using var host = await StartAsync();
        Assert.Equal("Count: 4 shards", (await RunAsync(host, "cluster-sharding", "list-shards")).Lines[^1]);
        Assert.Equal("1     | node-2 | 9     | 0          | NotOwned", (await RunAsync(host, "cluster-sharding", "list-shards", "--owner", "node-2")).Lines[1]);
        Assert.StartsWith("3     | nobody", (await RunAsync(host, "cluster-sharding", "list-shards", "--owner", "nobody")).Lines[1], StringComparison.Ordinal);
        Assert.StartsWith("2     | node-3 | 3     | 4", (await RunAsync(host, "cluster-sharding", "poisoned")).Lines[1], StringComparison.Ordinal);
        var (_, errors, exit) = await RunAsync(host, "cluster-sharding", "list-shards", "--owner", "node-9");
        Assert.Equal("There is no member 'node-9'. There are: node-1, node-2, node-3.", Assert.Single(errors));
        Assert.Equal(2, exit);
        var stats = (await RunAsync(host, "cluster-sharding", "region-stats")).Lines;
        Assert.Equal("Node   | State  | Shards | Sessions in memory | Loading | Quarantined", stats[0]);
        Assert.Equal("node-1 | active | 1      | 0                  | 0       | 0", stats[1]);
        Assert.Equal("node-2 | active | 1      | -                  | -       | -", stats[2]);
        Assert.StartsWith("nobody", stats[4], StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_poisoned_shard_is_released_with_a_trace()
    {
        await using var host = await StartAsync();
        var (_, _, exit) = await RunAsync(host, "cluster-sharding", "release-shard", "2", "--reason", "the session is mended");
        Assert.Equal(0, exit);
        Assert.Equal([2], _cluster.Forgiven);
        Assert.Contains("the session is mended", host.AuditText, StringComparison.Ordinal);
        Assert.Equal(1, (await RunAsync(host, "cluster-sharding", "release-shard", "0")).Exit);
        Assert.Equal(2, (await RunAsync(host, "cluster-sharding", "release-shard", "4")).Exit);
    }

    [Fact]
    public async Task A_shard_is_moved_by_the_node_that_holds_it_to_the_node_named_or_to_the_one_with_fewest()
    {
        await using var host = await StartAsync();
        Assert.Equal(2, (await RunAsync(host, "cluster-sharding", "move-shard", "0")).Exit); // it wants a confirmation
        Assert.Equal(0, (await RunAsync(host, confirmed: true, "cluster-sharding", "move-shard", "0", "--to", "node-2", "--reason", "noisy neighbour")).Exit);
        Assert.Equal(0, (await RunAsync(host, confirmed: true, "cluster-sharding", "move-shard", "0")).Exit); // node-3's lease is over
        Assert.Equal([(0, Second), (0, Second)], _cluster.Given);
        Assert.Contains("noisy neighbour", host.AuditText, StringComparison.Ordinal);
        foreach (var (words, sentence) in new (string[], string)[]
        {
            (["1"], "held by node-2 (http://10.0.0.2:5081)"), (["3"], "Nobody holds"), (["0", "--to", "node-3"], "its lease is over"), (["0", "--to", "node-1"], "holds it already"),
        })
        {
            var (_, errors, exit) = await RunAsync(host, confirmed: true, ["cluster-sharding", "move-shard", .. words]);
            Assert.Contains(sentence, Assert.Single(errors), StringComparison.Ordinal);
            Assert.Equal(1, exit);
        }
        _cluster.Refuses = true;
        Assert.Equal(3, (await RunAsync(host, confirmed: true, "cluster-sharding", "move-shard", "0", "--to", "node-2")).Exit);
    }

    [Fact]
    public async Task Only_a_node_whose_lease_is_over_is_declared_dead()
    {
        await using var host = await StartAsync();
        Assert.Equal(2, (await RunAsync(host, "cluster", "down", "node-3")).Exit); // it wants a confirmation
        Assert.Empty(_cluster.Declared);
        var (_, errors, exit) = await RunAsync(host, confirmed: true, "cluster", "down", "node-2");
        Assert.Contains("it is alive", Assert.Single(errors), StringComparison.Ordinal);
        Assert.Equal(1, exit);
        Assert.Equal(0, (await RunAsync(host, confirmed: true, "cluster", "down", "00000003", "--reason", "its machine burnt")).Exit);
        Assert.Equal([Third], _cluster.Declared);
        Assert.Contains("its machine burnt", host.AuditText, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Leaving_drains_this_node_after_a_confirmation()
    {
        await using var host = await StartAsync();
        Assert.Equal(2, (await RunAsync(host, "cluster", "leave")).Exit);
        Assert.Equal(0, host.Drain.Begun);
        Assert.Equal(0, (await RunAsync(host, confirmed: true, "cluster", "leave")).Exit);
        Assert.Equal(1, host.Drain.Begun);
    }

    [Fact]
    public async Task A_tail_tells_what_changes_in_the_cluster()
    {
        await using var host = await StartAsync();
        using var http = new HttpClient { BaseAddress = host.Address };
        using var response = await http.SendAsync(Execute(confirmed: false, "cluster", "tail"), HttpCompletionOption.ResponseHeadersRead, Stop);
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync(Stop));
        Assert.Contains("3 of 4 shards held", await reader.ReadLineAsync(Stop), StringComparison.Ordinal);
        _cluster.Current = _cluster.Current with
        {
            Members = [.. _cluster.Current.Members.Select(member => member.Id == Third ? member with { State = MemberState.Dead } : member)],
            Shards = [.. _cluster.Current.Shards.Select(shard => shard.ShardId >= 2 ? shard with { Owner = Second } : shard)],
        };
        Assert.Contains("node-3 is dead", await reader.ReadLineAsync(Stop), StringComparison.Ordinal);
        Assert.Contains("1 shard from nobody to node-2: 3", await reader.ReadLineAsync(Stop), StringComparison.Ordinal);
        Assert.Contains("1 shard from node-3 to node-2: 2", await reader.ReadLineAsync(Stop), StringComparison.Ordinal);
        host.Readiness.CloseStreams();
    }

    [Fact]
    public async Task A_session_that_is_not_in_quarantine_here_is_named_with_the_node_that_holds_it()
    {
        var elsewhere = Enumerable.Range(0, 100).Select(n => SessionKey.Parse($"default/s{n}")).First(key => ShardMap.ShardOf(key, 4) == 1);
        var here = Enumerable.Range(0, 100).Select(n => SessionKey.Parse($"default/s{n}")).First(key => ShardMap.ShardOf(key, 4) == 0);
        await using var host = await StartAsync();
        Assert.StartsWith("Count: 0 sessions on this node", (await RunAsync(host, "session", "quarantined")).Lines[^1], StringComparison.Ordinal);
        Assert.Contains("node-2 (http://10.0.0.2:5081) holds", Assert.Single((await RunAsync(host, "session", "release", elsewhere.Identifier.ToString())).Errors), StringComparison.Ordinal);
        Assert.Equal($"{here} is not quarantined.", Assert.Single((await RunAsync(host, "session", "release", here.Identifier.ToString())).Errors));
    }

    [Fact]
    public async Task History_shows_the_state_at_an_event_and_no_query_of_a_url()
    {
        await using var host = await OpsHost.StartAsync();
        host.Router.Answer = (_, command) => command is SessionCommand.ShowHistory { Number: 5, TasksMax: 1 }
            ? ScriptedRouter.Done(
                new HistoryView(5, "task.completed.v1", 9, 3, Views.Noon, "active", 1, Paused: false, 2, 1, 2,
                    [new HistoryTask("t1", "download", "completed", "succeeded", 1, 10, 10, "https://example.org/a?signature=secret")]),
                HistoryJson.Default.HistoryView)
            : CommandReply.Refuse(400, ProblemCodes.InvalidField, "not this one");
        var (lines, _, exit) = await RunAsync(host, "session", "history", "photos", "-n", "5", "--limit", "1");
        Assert.Equal(0, exit);
        Assert.Contains("event               | 5", lines);
        Assert.Contains("row                 | 9, written in epoch 3", lines);
        Assert.Contains("t1   | download | completed | succeeded | 100 %    | 1        | https://example.org/a?...", lines);
        Assert.Equal("Count: 2 tasks (there are more: --limit)", lines[^1]);
        Assert.Equal(1, (await RunAsync(host, "session", "history", "photos")).Exit);
    }

    private Task<OpsHost> StartAsync() => OpsHost.StartAsync(services =>
    {
        services.AddSingleton<IClusterViews>(_cluster);
        services.AddSingleton<IClusterStore>(_cluster);
        services.AddSingleton<GiveShard>(_cluster.GiveAsync);
    });

    private static IEnumerable<string> Fields(IReadOnlyList<string> lines, params string[] names) =>
        names.Select(name => lines.Select(line => line.Split(" | ")).Single(cells => cells[0].Trim() == name)[1]);

    /// <summary>The store and the view that the node has of it.</summary>
    private sealed class ScriptedCluster : IClusterViews, IClusterStore
    {
        public ClusterView Current { get; set; } = ClusterView.Empty;

        public bool Away { get; set; }

        public int Refreshes { get; private set; }

        public List<int> Forgiven { get; } = [];

        public List<NodeId> Declared { get; } = [];

        public List<(int Shard, NodeId To)> Given { get; } = [];

        public bool Refuses { get; set; }

        public Task<bool> GiveAsync(int shardId, NodeId to, CancellationToken stop)
        {
            if (!Refuses)
                Given.Add((shardId, to));
            return Task.FromResult(!Refuses);
        }

        public event Action? Changed
        {
            add { }
            remove { }
        }

        public Task RefreshAsync(CancellationToken stop)
        {
            Refreshes++;
            return Away ? throw new JournalStoreException(StoreFailure.Transient, "no connection") : Task.CompletedTask;
        }

        public ValueTask<bool> ForgiveAsync(int shardId, CancellationToken stop)
        {
            if (Current.Shards[shardId].Takeovers == 0)
                return new(false);
            Forgiven.Add(shardId);
            return new(true);
        }

        public ValueTask<bool> DeclareDeadAsync(NodeId suspect, CancellationToken stop)
        {
            if (Current.Find(suspect)!.LeaseLeft > TimeSpan.Zero)
                return new(false);
            Declared.Add(suspect);
            return new(true);
        }

        public ValueTask<ClusterView> ReadViewAsync(CancellationToken stop) => new(Current);

        public ValueTask<ClusterFacts> OpenAsync(ClusterFounding founding, CancellationToken stop) => throw new NotSupportedException();

        public ValueTask JoinAsync(NodeId node, string name, string address, string build, CancellationToken stop) => throw new NotSupportedException();

        public ValueTask<bool> MoveAsync(NodeId node, MemberState to, CancellationToken stop) => throw new NotSupportedException();

        public ValueTask<ShardGrant?> ClaimAsync(NodeId node, int shardId, long seenEpoch, CancellationToken stop) => throw new NotSupportedException();

        public ValueTask<bool> ReleaseAsync(ShardGrant grant, CancellationToken stop) => throw new NotSupportedException();
    }
}

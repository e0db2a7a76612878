using Xunit;

namespace Backhaul.EndToEnd.Tests.Cluster;

/// <summary>The node that owns a session dies while it calls somebody: its successor calls once more, by the same id, and goes on from there.</summary>
public sealed class WebhookTests(ServerFixture fixture) : IClassFixture<ServerFixture>
{
    private static readonly TimeSpan Within = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task Killed_between_sending_and_recording_its_webhook_comes_once_more_by_the_same_id()
    {
        await using var receiver = await HookReceiver.StartAsync();
        await using var cluster = await NodeCluster.StartAsync(fixture.Server, settings: CalledBack.Settings);
        await cluster.Running.First().Api.OpenAsync("pushed", CalledBack.Target("push", receiver));
        await Eventually.TrueAsync(() => Task.FromResult(receiver.Received.Count == 1), Within, () => $"the first event\n{cluster.Logs}");
        var owner = (await cluster.OwnerOfAsync("pushed"))!;
        var kills = 0;
        receiver.BeforeAnswer = async _ =>
        {
            if (Interlocked.Increment(ref kills) == 1)
                await cluster.Nodes[owner].KillAsync(); // it has sent the second event, and records nothing any more
        };
        await cluster.Nodes[owner].Api.SendAsync(HttpMethod.Post, "/v1/sessions/pushed/tasks", Waiting, key: "one");
        var survivor = cluster.Nodes.First(node => node.Key != owner).Value;
        await Eventually.TrueAsync(() => Task.FromResult(receiver.Received.Count >= 3), Within, () => $"the second event again\n{cluster.Logs}");
        await survivor.Api.SendAsync(HttpMethod.Post, "/v1/sessions/pushed/tasks", Waiting, key: "two");
        await Eventually.TrueAsync(
            async () => (await survivor.Api.SessionAsync("pushed")).GetProperty("acknowledged").GetInt64() == 3, Within, () => $"the acknowledgement of all\n{cluster.Logs}");
        var hooks = receiver.Received.ToList();
        Assert.Equal([1, 2, 2, 3], hooks.Select(hook => hook.Data.GetProperty("number").GetInt32()));
        Assert.Equal(hooks[1].Id, hooks[2].Id);
        Assert.Equal(3, hooks.Select(hook => hook.Id).Distinct().Count());
        foreach (var row in await cluster.RowsAsync("pushed"))
            Assert.DoesNotContain("whsec_", row.Payload.ToString(), StringComparison.Ordinal);
        await AssertOperatedAsync(cluster, receiver);
        await AssertRefusedAsync(cluster);
    }

    /// <summary>An operator asks a node that does not hold the session.</summary>
    private static async Task AssertOperatedAsync(NodeCluster cluster, HookReceiver receiver)
    {
        var owner = await cluster.OwnerOfAsync("pushed");
        var other = cluster.Nodes.First(node => node.Key != owner && !node.Value.HasExited).Value;
        Assert.Matches(@"pushed +\| push +\| enabled", (await PbmAsync(other, "webhook", "list")).Output);
        Assert.Matches(@"\| yes +\| 20\d +\|", (await PbmAsync(other, "webhook", "test", "pushed", "--reason", "try")).Output);
        Assert.Equal("backhaul.test", receiver.Received.Last().Type);
        var second = receiver.Received.First(hook => hook.Data.GetProperty("number").GetInt32() == 2).Id;
        Assert.Equal(0, (await PbmAsync(other, "webhook", "replay", "pushed", "--from", "2", "--to", "2", "--reason", "lost there")).Code);
        await Eventually.TrueAsync(() => Task.FromResult(receiver.Received.Count(hook => hook.Id == second) == 3), Within, () => $"the replay\n{cluster.Logs}");
        Assert.Contains("disabled", (await PbmAsync(other, "webhook", "disable", "pushed", "--reason", "enough")).Output, StringComparison.Ordinal);
        Assert.Matches(@"pushed +\| push +\| disabled +\| 20", (await PbmAsync(other, "webhook", "list", "--state", "disabled")).Output);
    }

    private static Task<(int Code, string Output)> PbmAsync(NodeProcess node, params string[] words) =>
        Machine.RunAsync(["dotnet", Build.Pbm, node.OpsAddress, .. words], Within);

    /// <summary>A node that could not open the secret does not become a member.</summary>
    private static async Task AssertRefusedAsync(NodeCluster cluster)
    {
        var stranger = cluster.Spawn("stranger", ("Backhaul:Security:SecretKeys:0", Convert.ToBase64String(new byte[32])));
        Assert.Equal(78, await stranger.ExitAsync(Within));
        Assert.Contains("The nodes of this cluster seal clients' secrets with the key", stranger.Output, StringComparison.Ordinal);
    }

    private const string Waiting = """{"kind":"download","url":"http://127.0.0.1:9/","start":false}""";
}

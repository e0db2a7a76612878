using Xunit;

namespace Backhaul.EndToEnd.Tests.Cluster;

/// <summary>The node that owns a session dies while it launches the session's client: its successor goes on from there.</summary>
public sealed class LaunchTests(ServerFixture fixture) : IClassFixture<ServerFixture>
{
    [Fact]
    public async Task Launches_go_on_where_a_dead_node_left_them_and_the_limiter_with_them()
    {
        await using var receiver = await HookReceiver.StartAsync();
        await using var origin = await Origin.StartAsync();
        await using var cluster = await NodeCluster.StartAsync(fixture.Server, settings: CalledBack.Settings);
        var file = origin.Add("launching", 10_000, bytesPerSecond: 0);
        var first = cluster.Running.First();
        await first.Api.OpenAsync("launched", CalledBack.Target("launch", receiver));
        var dead = "";
        receiver.BeforeAnswer = async hook =>
        {
            if (dead.Length > 0)
                return;
            dead = (await cluster.OwnerOfAsync("launched"))!;
            await cluster.Nodes[dead].KillAsync();
        };
        await first.Api.DownloadAsync("launched", "it", file.Url, "launched/it.bin");
        await Eventually.TrueAsync(
            () => Task.FromResult(receiver.Received.Count >= 3), TimeSpan.FromSeconds(180), () => $"the first launch, once more, and its successor\n{cluster.Logs}");
        var hooks = receiver.Received.ToList();
        Assert.Equal([1, 1, 2], hooks.Select(hook => hook.Data.GetProperty("launch").GetInt32()));
        Assert.All(hooks, hook => Assert.Equal(("backhaul.launch", "tasksEnded"), (hook.Type, hook.Data.GetProperty("reason").GetString())));
        Assert.Equal(hooks[0].Id, hooks[1].Id);
        var between = (hooks[2].At - hooks[1].At).TotalSeconds;
        Console.WriteLine($"[seed] the next launch came {between:0.0} s after the one before it");
        Assert.InRange(between, 59, 60 + Sweep.Allowed(TimeSpan.FromSeconds(15), otherwise: TimeSpan.FromSeconds(60)).TotalSeconds); // a minute from its delivery, on whatever node
        var survivor = cluster.Nodes.First(node => node.Key != dead).Value;
        var completed = await survivor.Api.SendAsync(HttpMethod.Post, "/v1/sessions/launched/launches/2/complete", key: "complete");
        Assert.True(completed.Json.GetProperty("completed").GetBoolean());
    }
}

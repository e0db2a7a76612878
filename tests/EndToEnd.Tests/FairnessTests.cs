using Xunit;

namespace Backhaul.EndToEnd.Tests;

/// <summary>Sessions that compete for the slots of a real node.</summary>
public sealed class FairnessTests
{
    private const int Tasks = 60;
    private static readonly TimeSpan Within = TimeSpan.FromSeconds(90);

    [Fact]
    public async Task Sessions_that_wait_start_in_proportion_to_the_weights_of_their_service_types_and_discretionary_ones_at_last()
    {
        using var folder = new NodeFolder();
        await using var origin = await Origin.StartAsync();
        var file = origin.Add("shared", 20_000, bytesPerSecond: 400_000);
        await using var node = await NodeProcess.StartAsync(folder.Data, new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["Backhaul:Transfers:RunningMin"] = "2",
            ["Backhaul:Transfers:RunningStart"] = "2",
            ["Backhaul:Transfers:RunningMax"] = "2",
            ["Backhaul:Transfers:TenantWeights:default"] = "2",
        });
        await PbmAsync(node, "network", "set", "--offline", "--reason", "until all are there");
        await node.Api.OpenAsync("idle", """{"discretionary":true}""");
        await node.Api.OpenAsync("light", """{"serviceType":"background"}""");
        await node.Api.OpenAsync("heavy", """{"serviceType":"default"}""");
        var many = $"[{string.Join(',', Enumerable.Repeat($$"""{"kind":"download","url":"{{file.Url}}"}""", Tasks))}]";
        foreach (var session in (string[])["idle", "light", "heavy"])
            await node.Api.SendAsync(HttpMethod.Post, $"/v1/sessions/{session}/tasks", many);
        await PbmAsync(node, "network", "set", "--clear", "--reason", "all are there");
        foreach (var session in (string[])["heavy", "light", "idle"])
            await Eventually.TrueAsync(async () => Succeeded(await node.Api.SessionAsync(session)) == Tasks, Within, () => $"{session} to be done");

        var (heavy, light, idle) = (await StartsAsync("heavy"), await StartsAsync("light"), await StartsAsync("idle"));
        var early = light.Count(at => at <= heavy[^1]);
        Assert.InRange(early, Tasks / 4 * 0.6, Tasks / 4 * 1.6);
        Assert.True(idle.Count(at => at < light[^3]) <= 3, $"{idle.Count(at => at < light[^3])} discretionary tasks started before the others were through");

        async Task<List<DateTimeOffset>> StartsAsync(string session) =>
            [.. (await node.Api.EventsAsync(session)).Where(happened => happened.GetProperty("type").GetString() == "taskStarted").Select(happened => happened.GetProperty("at").GetDateTimeOffset())];
    }

    private static long Succeeded(System.Text.Json.JsonElement session) => session.GetProperty("counts").GetProperty("succeeded").GetInt64();

    private static async Task PbmAsync(NodeProcess node, params string[] words)
    {
        var (code, said) = await Machine.RunAsync(["dotnet", Build.Pbm, node.OpsAddress, .. words], Within);
        Assert.True(code == 0, said);
    }
}

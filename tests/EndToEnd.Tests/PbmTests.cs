using Xunit;

namespace Backhaul.EndToEnd.Tests;

/// <summary>The real tool against a real node.</summary>
public sealed class PbmTests
{
    private static readonly TimeSpan Within = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task One_shot_commands_show_what_the_node_has()
    {
        using var folder = new NodeFolder();
        await using var node = await NodeProcess.StartAsync(folder.Data);
        await node.Api.OpenAsync("operated");
        await node.Api.SendAsync(HttpMethod.Post, "/v1/sessions/operated/tasks", """{"id":"held","kind":"download","url":"http://127.0.0.1:9/x","start":false}""");

        var (code, list) = await PbmAsync(node, "session", "list");
        Assert.True(code == 0, list);
        Assert.Contains("operated", list, StringComparison.Ordinal);
        Assert.Contains(" | ", list, StringComparison.Ordinal);
        Assert.StartsWith("Count: 1", list.TrimEnd().Split('\n')[^1], StringComparison.Ordinal);

        Assert.Contains("held", (await PbmAsync(node, "task", "list", "operated")).Output, StringComparison.Ordinal);
        Assert.Contains("suspended", (await PbmAsync(node, "task", "why", "operated", "held")).Output, StringComparison.Ordinal);
        Assert.Contains("sessionCreated", (await PbmAsync(node, "session", "events", "operated")).Output, StringComparison.Ordinal);
        Assert.Equal(0, (await PbmAsync(node, "system", "info")).Code);
        Assert.Equal(0, (await PbmAsync(node, "actor", "hierarchy")).Code);
    }

    [Fact]
    public async Task Unknown_commands_and_absent_nodes_end_with_an_error_and_a_sentence()
    {
        using var folder = new NodeFolder();
        await using var node = await NodeProcess.StartAsync(folder.Data);
        var (unknown, said) = await PbmAsync(node, "session", "fly");
        Assert.NotEqual(0, unknown);
        Assert.Contains("fly", said, StringComparison.Ordinal);
        Assert.NotEqual(0, (await PbmAsync(node, "session", "show", "never")).Code);

        var (absent, sentence) = await Machine.RunAsync(["dotnet", Build.Pbm, $"127.0.0.1:{Machine.FreePort()}", "session", "list"], Within);
        Assert.NotEqual(0, absent);
        Assert.DoesNotContain("   at ", sentence, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Drain_ends_the_node_with_code_0()
    {
        using var folder = new NodeFolder();
        await using var node = await NodeProcess.StartAsync(folder.Data);
        var (code, said) = await PbmAsync(node, "system", "drain", "--reason", "end of the test", "--yes");
        Assert.True(code == 0, said);
        Assert.Equal(0, await node.ExitAsync(TimeSpan.FromSeconds(60)));
    }

    private static Task<(int Code, string Output)> PbmAsync(NodeProcess node, params string[] words) =>
        Machine.RunAsync(["dotnet", Build.Pbm, node.OpsAddress, .. words], Within);
}

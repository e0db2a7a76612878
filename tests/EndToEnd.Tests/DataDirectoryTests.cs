using Xunit;

namespace Backhaul.EndToEnd.Tests;

public sealed class DataDirectoryTests
{
    private static readonly TimeSpan RefusedWithin = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task A_second_process_on_the_same_data_directory_is_refused_with_a_sentence()
    {
        using var folder = new NodeFolder();
        await using var first = await NodeProcess.StartAsync(folder.Data);
        await first.Api.OpenAsync("mine");

        await using var second = NodeProcess.Spawn(folder.Data);
        Assert.NotEqual(0, await second.ExitAsync(RefusedWithin));
        Assert.Contains(folder.Data, second.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", second.Output, StringComparison.Ordinal); // a sentence, not a stack trace

        Assert.Equal("active", (await first.Api.SessionAsync("mine")).GetProperty("state").GetString());
    }

    [Fact]
    public async Task An_unwritable_data_directory_is_refused_with_a_sentence()
    {
        using var folder = new NodeFolder();
        File.SetUnixFileMode(folder.Data, UnixFileMode.UserRead | UnixFileMode.UserExecute | UnixFileMode.OtherRead | UnixFileMode.OtherExecute);
        await using var node = NodeProcess.Spawn(folder.Data);
        Assert.NotEqual(0, await node.ExitAsync(RefusedWithin));
        Assert.Contains(folder.Data, node.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", node.Output, StringComparison.Ordinal);
        File.SetUnixFileMode(folder.Data, (UnixFileMode)0b111_111_111);
    }

    [Fact]
    public async Task A_data_directory_that_cannot_be_made_is_refused_with_a_sentence()
    {
        using var folder = new NodeFolder();
        var blocked = Path.Combine(folder.Data, "a-file", "data");
        await File.WriteAllTextAsync(Path.Combine(folder.Data, "a-file"), "not a folder", TestContext.Current.CancellationToken);
        await using var node = NodeProcess.Spawn(blocked);
        Assert.NotEqual(0, await node.ExitAsync(RefusedWithin));
        Assert.Contains(blocked, node.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", node.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task After_kill_9_the_same_data_directory_opens_again_at_once()
    {
        using var folder = new NodeFolder();
        for (var life = 0; life < 3; life++)
        {
            await using var node = await NodeProcess.StartAsync(folder.Data);
            var answer = await node.Api.OpenAsync("mine");
            Assert.Equal(life == 0, answer.Json.TryGetProperty("created", out var created) && created.GetBoolean());
            await node.KillAsync();
        }
    }

    [Fact]
    public async Task Wrong_options_are_refused_with_the_name_of_the_option()
    {
        using var folder = new NodeFolder();
        await using var node = NodeProcess.Spawn(folder.Data, new Dictionary<string, string> { ["Backhaul:Transfers:RunningMax"] = "0" });
        Assert.NotEqual(0, await node.ExitAsync(RefusedWithin));
        Assert.Contains("Backhaul:Transfers:RunningMax", node.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Listening_elsewhere_than_on_loopback_without_keys_is_refused()
    {
        using var folder = new NodeFolder();
        await using var node = NodeProcess.Spawn(folder.Data, new Dictionary<string, string> { ["urls"] = $"http://0.0.0.0:{Machine.FreePort()}" });
        Assert.NotEqual(0, await node.ExitAsync(RefusedWithin));
        Assert.Contains("key", node.Output, StringComparison.OrdinalIgnoreCase);
    }
}

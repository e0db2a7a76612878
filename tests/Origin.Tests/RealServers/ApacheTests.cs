using Xunit;

namespace Backhaul.Origin.Tests.RealServers;

public sealed class ApacheTests
{
    [Fact]
    public async Task Killed_in_the_middle_a_download_goes_on_by_a_range()
    {
        using var folder = new NodeFolder();
        await using var apache = await ApacheServer.StartAsync();
        await RealFiles.KillInTheMiddleAsync(folder, $"{apache.Url}/slow/a.bin", "{}");
        Assert.Contains(apache.Server.Log, line => line.Contains(" 206 \"bytes=", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Digest_is_answered_also_after_a_kill()
    {
        using var folder = new NodeFolder();
        await using var apache = await ApacheServer.StartAsync();
        await RealFiles.KillInTheMiddleAsync(folder, $"{apache.Url}/digest-slow/a.bin", """{"credentials":[{"scheme":"digest","realm":"the archive","secret":"vendor"}]}""");
        Assert.Contains(apache.Server.Log, line => line.Contains(" 206 \"bytes=", StringComparison.Ordinal) && line.EndsWith($" {RealFiles.User}", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_wrong_password_is_sent_once()
    {
        using var folder = new NodeFolder();
        await using var apache = await ApacheServer.StartAsync();
        await using var node = await RealFiles.StartNodeAsync(folder);
        await node.Api.OpenAsync("s", """{"credentials":[{"secret":"wrong"}]}""");
        await node.Api.DownloadAsync("s", "one", $"{apache.Url}/digest/a.bin", "one.bin");
        var waiting = await node.Api.TaskWhenAsync("s", "one", view => view.TryGetProperty("challenge", out _), RealFiles.Within);
        Assert.Equal("digest", waiting.GetProperty("challenge").GetProperty("scheme").GetString());
        Assert.Equal(2, apache.Server.Log.Count);
    }
}

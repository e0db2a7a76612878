using System.Security.Cryptography;
using Xunit;

namespace Backhaul.Origin.Tests.RealServers;

public sealed class NginxTests
{
    [Fact]
    public async Task Killed_in_the_middle_a_download_goes_on_by_a_range()
    {
        using var folder = new NodeFolder();
        await using var nginx = await NginxServer.StartAsync();
        await RealFiles.KillInTheMiddleAsync(folder, $"{nginx.Url}/slow/a.bin", "{}");
        Assert.Contains(nginx.Server.Log, line => line.Contains(" 206 ", StringComparison.Ordinal) && line.Contains("\"bytes=", StringComparison.Ordinal) && !line.Contains("\"bytes=0-", StringComparison.Ordinal));
        Assert.Single(nginx.Server.Log, line => line.Contains(" 200 ", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Basic_is_answered_also_after_a_kill()
    {
        using var folder = new NodeFolder();
        await using var nginx = await NginxServer.StartAsync();
        await RealFiles.KillInTheMiddleAsync(folder, $"{nginx.Url}/private-slow/a.bin", """{"credentials":[{"realm":"the vault","secret":"vendor"}]}""");
        Assert.Contains(nginx.Server.Log, line => line.Contains(" 206 ", StringComparison.Ordinal) && line.Contains($" {RealFiles.User} ", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_wrong_password_waits_for_the_client_and_the_right_one_lets_it_go_on()
    {
        using var folder = new NodeFolder();
        await using var nginx = await NginxServer.StartAsync();
        await using var node = await RealFiles.StartNodeAsync(folder);
        await node.Api.OpenAsync("s", """{"credentials":[{"secret":"wrong"}]}""");
        await node.Api.DownloadAsync("s", "one", $"{nginx.Url}/private/a.bin", "one.bin");
        var waiting = await node.Api.TaskWhenAsync("s", "one", view => view.TryGetProperty("challenge", out _), RealFiles.Within);
        Assert.Equal("credential", waiting.GetProperty("reason").GetString());
        Assert.True(waiting.GetProperty("challenge").GetProperty("wasRefused").GetBoolean());
        Assert.Equal(2, nginx.Server.Log.Count);
        await node.Api.OpenAsync("s", """{"credentials":[{"secret":"vendor"}]}""");
        await RealFiles.AssertDoneAsync(node, folder, "one");
        Assert.Contains(await node.Api.EventsAsync("s"), e => e.GetProperty("type").GetString() == "challenge");
    }

    [Fact]
    public async Task A_client_certificate_opens_tls_and_without_one_nothing_does()
    {
        using var folder = new NodeFolder();
        await using var nginx = await NginxServer.StartAsync();
        await using var node = await RealFiles.StartNodeAsync(folder);
        await node.Api.OpenAsync("s", """{"tls":{"minimum":"1.3","clientCertificate":"me"}}""");
        await node.Api.DownloadAsync("s", "one", $"{nginx.TlsUrl}/plain/a.bin", "one.bin");
        await RealFiles.AssertDoneAsync(node, folder, "one");
        Assert.Contains(nginx.Server.Log, line => line.Contains("CN=backhaul", StringComparison.Ordinal) && line.EndsWith("HTTP/2.0", StringComparison.Ordinal));
        await node.Api.OpenAsync("bare");
        await node.Api.DownloadAsync("bare", "two", $"{nginx.TlsUrl}/plain/a.bin", "two.bin");
        var ended = await node.Api.EndedAsync("bare", "two", RealFiles.Within);
        Assert.Equal("failed", ended.GetProperty("outcome").GetString());
    }

    [Fact]
    public async Task A_put_is_asked_for_its_password_before_the_body_leaves()
    {
        using var folder = new NodeFolder();
        await using var nginx = await NginxServer.StartAsync();
        await using var node = await RealFiles.StartNodeAsync(folder);
        await node.Api.OpenAsync("s", """{"credentials":[{"realm":"the inbox","secret":"vendor"}]}""");
        var body = RandomNumberGenerator.GetBytes(3 * 1024 * 1024);
        await node.Api.PutFileAsync("default/out.bin", body);
        var added = await node.Api.SendAsync(
            HttpMethod.Post, "/v1/sessions/s/tasks", $$"""{"id":"up","kind":"upload","method":"PUT","url":"{{nginx.Url}}/dav/in/a.bin","source":"default/out.bin"}""", key: "up");
        Assert.Equal(System.Net.HttpStatusCode.Created, added.Status);
        var ended = await node.Api.EndedAsync("s", "up", RealFiles.Within);
        Assert.True(ended.GetProperty("outcome").GetString() == "succeeded", ended.ToString());
        Assert.Equal(body, await File.ReadAllBytesAsync(nginx.Server.Folder.At("dav/in/a.bin"), TestContext.Current.CancellationToken));
        Assert.Equal(["401", "201"], nginx.Server.Log.Select(line => line.Split(' ')[2]));
    }
}

using Xunit;

namespace Backhaul.Origin.Tests.RealServers;

public sealed class SquidTests
{
    [Theory]
    [InlineData("basic", false)]
    [InlineData("basic", true)]
    [InlineData("digest", false)]
    [InlineData("digest", true)]
    public async Task A_proxy_with_a_password_is_answered_for_plain_requests_and_tunnels(string scheme, bool tls)
    {
        using var folder = new NodeFolder();
        await using var nginx = await NginxServer.StartAsync();
        await using var squid = await SquidServer.StartAsync(scheme);
        await using var node = await RealFiles.StartNodeAsync(folder, squid.Url);
        await node.Api.OpenAsync("s", """{"proxy":"gate","tls":{"clientCertificate":"me"}}""");
        await node.Api.DownloadAsync("s", "one", $"{(tls ? nginx.TlsUrl : nginx.Url)}/plain/a.bin", "one.bin");
        await RealFiles.AssertDoneAsync(node, folder, "one");
        await node.KillAsync(); // a tunnel is logged when it ends
        await Eventually.TrueAsync(() => Task.FromResult(squid.Server.Log.Any(IsServed)), RealFiles.Within, () => $"Squid to log it: {string.Join('\n', squid.Server.Log)}");

        bool IsServed(string line) => line.Contains(tls ? "TCP_TUNNEL/200" : "/200 ", StringComparison.Ordinal) && line.Contains($" {RealFiles.User} ", StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_wrong_password_is_a_challenge_of_the_proxy_which_its_client_answers_for_one_task(bool tls)
    {
        using var folder = new NodeFolder();
        await using var nginx = await NginxServer.StartAsync();
        await using var squid = await SquidServer.StartAsync("basic");
        await using var node = await RealFiles.StartNodeAsync(folder, squid.Url);
        await node.Api.OpenAsync("s", """{"proxy":"gate-wrong","tls":{"clientCertificate":"me"}}""");
        await node.Api.DownloadAsync("s", "one", $"{(tls ? nginx.TlsUrl : nginx.Url)}/plain/a.bin", "one.bin");
        var waiting = await node.Api.TaskWhenAsync("s", "one", view => view.TryGetProperty("challenge", out _), RealFiles.Within);
        Assert.True(waiting.GetProperty("challenge").GetProperty("isProxy").GetBoolean());
        Assert.Equal("the gate", waiting.GetProperty("challenge").GetProperty("realm").GetString());
        Assert.Empty(nginx.Server.Log);
        var answer = $$$"""{"answer":"useCredential","credential":{"userName":"{{{RealFiles.User}}}","password":"{{{RealFiles.Password}}}"}}""";
        Assert.Equal(System.Net.HttpStatusCode.Accepted, (await node.Api.SendAsync(HttpMethod.Post, "/v1/sessions/s/tasks/one/challenge", answer)).Status);
        await RealFiles.AssertDoneAsync(node, folder, "one");
        await node.Api.DownloadAsync("s", "two", $"{(tls ? nginx.TlsUrl : nginx.Url)}/plain/a.bin", "two.bin"); // what was given is the one task's
        await node.Api.TaskWhenAsync("s", "two", view => view.TryGetProperty("challenge", out _), RealFiles.Within);
    }
}

using System.Net.Http.Json;
using System.Text.Json;
using Xunit;

namespace Backhaul.Origin.Tests.RealServers;

/// <summary>Our webhooks at a receiver made of what others use: <c>standardwebhooks</c> verifies, <c>cloudevents</c> parses.</summary>
public sealed class WebhookPeerTests
{
    private const string Key = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    private const string NextKey = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";

    private static readonly TimeSpan Within = TimeSpan.FromSeconds(60);

    [Theory]
    [InlineData(Key)]
    [InlineData(NextKey + " " + Key)] // during a rotation the receiver may have either
    public async Task Pushed_events_are_verified_and_parsed_by_others_libraries_and_the_secret_is_nowhere_in_clear(string secret)
    {
        await using var peer = await NpmPeer.StartAsync("webhook-receiver.mjs", Key);
        using var folder = new NodeFolder();
        await using (var node = await NodeProcess.StartAsync(folder.Data))
        {
            await node.Api.OpenAsync("hooked", JsonSerializer.Serialize(new { push = new { url = peer.Address, secret } }));
            await node.Api.OpenAsync("hooked", JsonSerializer.Serialize(new { push = new { url = peer.Address, secret } })); // a repetition, not a second version
            for (var i = 0; i < 5; i++)
                await node.Api.SendAsync(HttpMethod.Post, "/v1/sessions/hooked/tasks", """{"kind":"download","url":"http://127.0.0.1:9/","start":false,"description":"ünïcode ✓"}""");
            await Eventually.TrueAsync(
                async () => (await node.Api.SessionAsync("hooked")).GetProperty("acknowledged").GetInt64() == 6, Within, () => "the acknowledgement of six events");
            var view = await node.Api.SessionAsync("hooked");
            Assert.Equal("•••", view.GetProperty("configuration").GetProperty("push").GetProperty("secret").GetString());
            Assert.Equal(1, view.GetProperty("configurationVersion").GetInt32());
            await node.StopAsync();
        }
        var received = await ReceivedAsync(peer);
        Assert.All(received, one => Assert.True(one.GetProperty("verified").GetBoolean(), one.ToString()));
        var events = received.Select(one => one.GetProperty("event")).ToList();
        Assert.Equal(Enumerable.Range(1, 6), events.Select(one => one.GetProperty("data").GetProperty("number").GetInt32()));
        Assert.All(events, one => Assert.Equal("/sessions/hooked", one.GetProperty("source").GetString()));
        Assert.Equal("backhaul.taskCreated", events[1].GetProperty("type").GetString());
        Assert.Equal("ünïcode ✓", events[1].GetProperty("data").GetProperty("data").GetProperty("description").GetString());
        Assert.Equal(6, received.Select(one => one.GetProperty("id").GetString()).Distinct().Count());
        foreach (var file in Directory.EnumerateFiles(folder.Data, "*", SearchOption.AllDirectories))
            Assert.DoesNotContain(Key["whsec_".Length..], System.Text.Encoding.Latin1.GetString(await File.ReadAllBytesAsync(file, TestContext.Current.CancellationToken)), StringComparison.Ordinal);
    }

    private static async Task<List<JsonElement>> ReceivedAsync(NpmPeer peer)
    {
        using var http = new HttpClient(new SocketsHttpHandler { UseProxy = false });
        return (await http.GetFromJsonAsync<List<JsonElement>>(peer.Address))!;
    }
}

using System.Net;
using System.Net.Http.Headers;
using Xunit;

namespace Backhaul.EndToEnd.Tests.Cluster;

/// <summary>The bytes of a running download, read through the nodes that do not run it: the owner writes to a container that all of them share.</summary>
public sealed class SharedContentTests(ServerFixture fixture) : IClassFixture<ServerFixture>
{
    private const int Length = 8_000_003;
    private static readonly TimeSpan Within = TimeSpan.FromSeconds(60);

    /// <summary>Several connections soon, and few durable bytes at a time.</summary>
    private static readonly (string, string)[] Settings =
    [
        ("Backhaul:Transfers:CheckpointInterval", "00:00:00.200"),
        ("Backhaul:Transfers:SegmentBytesMin", "262144"),
        ("Backhaul:Transfers:SegmentWindow", "00:00:00.100"),
    ];

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Bytes_of_a_running_download_are_read_through_the_other_nodes_as_they_become_durable(bool randomAccess)
    {
        await using var origin = await Origin.StartAsync();
        await using var cluster = await NodeCluster.StartAsync(fixture.Server, settings: Settings);
        var file = origin.Add($"shared-{randomAccess}", Length, bytesPerSecond: 300_000);
        var content = origin.ContentOf(file.Name);
        var api = cluster.Running.First().Api;
        await api.OpenAsync("shared");
        var added = await api.SendAsync(
            HttpMethod.Post, "/v1/sessions/shared/tasks",
            $$"""{"id":"d","kind":"download","url":"{{file.Url}}","destination":"default/shared.bin","randomAccess":{{(randomAccess ? "true" : "false")}}}""", key: "d");
        Assert.Equal(HttpStatusCode.Created, added.Status);
        var owner = await cluster.OwnerOfAsync("shared");
        var others = cluster.Nodes.Where(node => node.Key != owner).Select(node => node.Value.Url).ToList();
        Assert.Equal(2, others.Count);
        using var reader = new HttpClient(new SocketsHttpHandler { UseProxy = false }) { Timeout = TimeSpan.FromSeconds(90) };

        // In order, by turns through both: each waits for bytes that are not there yet when it asks.
        for (var at = 0; at < 1_500_000; at += 300_000)
            await ReadAsync(reader, others[at / 300_000 % 2], content, at, at + 300_000, isWhole: true);
        if (randomAccess)
        {
            var wanted = await cluster.Nodes[owner!].Api.SendAsync(HttpMethod.Post, "/v1/sessions/shared/tasks/d/ranges", """{"ranges":[[7000000,7200000]]}""", key: "r");
            Assert.Equal(HttpStatusCode.Accepted, wanted.Status);
            await ReadAsync(reader, others[0], content, 7_000_000, 7_200_000, isWhole: true);
            await ReadAsync(reader, others[1], content, 7_000_100, 7_100_000, isWhole: true);
        }
        Assert.Equal("running", (await api.TaskAsync("shared", "d")).GetProperty("state").GetString());

        // Without waiting there is what there is; more than there ever will be waits for the end.
        await ReadAsync(reader, others[1], content, 1_000_000, Length, isWhole: false);
        await Task.WhenAll(others.Select(other => ReadAsync(reader, other, content, Length - 500_000, Length, isWhole: true)));

        Assert.Equal("succeeded", (await api.EndedAsync("shared", "d", Within)).GetProperty("outcome").GetString());
        Assert.Equal(owner, await cluster.OwnerOfAsync("shared"));
        foreach (var other in others)
            await ReadAsync(reader, other, content, 0, Length, isWhole: true);
        Assert.Equal(file.Sha256, await ClusterLoad.Sha256Async(cluster.FileOf("shared.bin")));
    }

    private static async Task ReadAsync(HttpClient reader, Uri node, byte[] content, int from, int to, bool isWhole)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(node, $"/v1/sessions/shared/tasks/d/content{(isWhole ? "?wait=60" : "")}"));
        request.Headers.Range = new RangeHeaderValue(from, to - 1);
        using var answer = await reader.SendAsync(request, TestContext.Current.CancellationToken);
        var body = await answer.Content.ReadAsByteArrayAsync(TestContext.Current.CancellationToken);
        Assert.True(answer.StatusCode == HttpStatusCode.PartialContent, $"bytes {from}-{to - 1} through {node}: {(int)answer.StatusCode} {System.Text.Encoding.UTF8.GetString(body.AsSpan(0, Math.Min(500, body.Length)))}");
        var range = answer.Content.Headers.ContentRange!;
        Assert.Equal(((long?)from, (long?)(from + body.Length - 1), (long?)Length), (range.From, range.To, range.Length));
        Assert.True(isWhole ? body.Length == to - from : body.Length is > 0 && body.Length <= to - from, $"{body.Length} of {to - from} bytes came.");
        Assert.True(content.AsSpan(from, body.Length).SequenceEqual(body), $"Wrong bytes from {from} on through {node}.");
    }
}

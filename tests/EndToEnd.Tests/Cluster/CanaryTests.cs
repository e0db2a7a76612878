using System.Collections.Concurrent;
using System.Net;
using System.Text;
using Backhaul.FaultOrigin;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Logging;
using Xunit;

namespace Backhaul.EndToEnd.Tests.Cluster;

/// <summary>
/// What Node.Tests cannot see of secrets: the files of a node that was killed, all it wrote and exported, and every table of a cluster's database.
/// The places and the answers are searched there.
/// </summary>
public sealed class CanaryTests(ServerFixture fixture) : IClassFixture<ServerFixture>
{
    private const string Query = "Kq7Zx4Vj9WmTb5RcQueryQwPyLmNd";
    private const string Header = "Kq7Zx4Vj9WmTb5RcHeaderQwPyLmNd";
    private const string SessionHeader = "Kq7Zx4Vj9WmTb5RcSessionQwPyLmNd";
    private static readonly TimeSpan Within = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task Killed_and_started_again_a_node_has_no_secret_in_its_files_its_output_and_what_it_exports()
    {
        using var folder = new NodeFolder();
        await using var origin = await ScriptedOrigin.StartAsync();
        await using var sink = await StartSinkAsync(out var exported);
        var settings = new Dictionary<string, string> { ["Logging:LogLevel:Default"] = "Trace", ["Backhaul:Transfers:CheckpointInterval"] = "00:00:00.050" };
        var environment = new Dictionary<string, string>
        {
            ["OTEL_EXPORTER_OTLP_ENDPOINT"] = sink.Urls.First(),
            ["OTEL_EXPORTER_OTLP_PROTOCOL"] = "http/protobuf",
            ["OTEL_BSP_SCHEDULE_DELAY"] = "100",
            ["OTEL_METRIC_EXPORT_INTERVAL"] = "500",
        };
        var said = new List<string>();
        await using (var node = await NodeProcess.StartAsync(folder.Data, settings, environment: environment))
        {
            await BeginAsync(node, origin);
            await node.KillAsync();
            said.Add(node.Output);
            AssertNowhere(folder, said, exported);
        }
        await using (var node = await NodeProcess.StartAsync(folder.Data, settings, environment: environment))
        {
            await node.Api.EndedAsync("s", "one", Within);
            await Eventually.TrueAsync(() => Task.FromResult(exported.Any(body => Contains(body, "download attempt"))), Within, () => "spans to be exported");
            await node.StopAsync();
            said.Add(node.Output);
        }
        AssertArrived(origin);
        Assert.Contains("SessionActor", string.Concat(said), StringComparison.Ordinal);
        AssertNowhere(folder, said, exported);
    }

    [Fact]
    public async Task A_cluster_without_keys_goes_on_elsewhere_and_has_no_secret_in_any_table()
    {
        await using var origin = await ScriptedOrigin.StartAsync();
        await using var cluster = await NodeCluster.StartAsync(fixture.Server, 2, linked: false, ("Logging:LogLevel:Default", "Debug"));
        await BeginAsync(cluster.Running.First(), origin);
        await cluster.Nodes[(await cluster.OwnerOfAsync("s"))!].KillAsync();
        await cluster.Running.Single().Api.EndedAsync("s", "one", Within);
        AssertArrived(origin);
        var tables = await fixture.Server.QueryAsync(
            cluster.Database, "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')", row => row.GetString(0));
        Assert.Contains("public.session_journal", tables);
        foreach (var table in tables)
        {
            // Binary columns come as hexadecimal.
            foreach (var row in await fixture.Server.QueryAsync(cluster.Database, $"SELECT t::text FROM {table} t", row => row.GetString(0)))
                AssertNot(Encoding.UTF8.GetBytes(row), table);
        }
        AssertNot(Encoding.UTF8.GetBytes(cluster.Logs), "the logs");
    }

    /// <summary>A download that is half done, with a secret in each place that a node takes it from.</summary>
    private static async Task BeginAsync(NodeProcess node, ScriptedOrigin origin)
    {
        await node.Api.OpenAsync("s", $$$"""{"additionalHeaders":{"X-Api-Key":"{{{SessionHeader}}}"},"requestTimeout":"PT2S"}""");
        var url = origin.Bytes("canary", 4_000_000, $"stall=2000000&times=1&token={Query}");
        var task = $$$"""{"id":"one","kind":"download","url":"{{{url}}}","headers":{"Authorization":"Bearer {{{Header}}}"}}""";
        Assert.Equal(HttpStatusCode.Created, (await node.Api.SendAsync(HttpMethod.Post, "/v1/sessions/s/tasks", task, key: "one")).Status);
        await node.Api.TaskWhenAsync("s", "one", view => view.GetProperty("progress").GetProperty("bytesReceived").GetInt64() > 0, Within);
    }

    private static void AssertArrived(ScriptedOrigin origin)
    {
        Assert.True(origin.Requests.Count >= 2);
        Assert.All(origin.Requests, request => Assert.Equal(
            (true, $"Bearer {Header}", SessionHeader),
            (request.Query.Contains($"token={Query}", StringComparison.Ordinal), request.Headers["Authorization"], request.Headers["X-Api-Key"])));
    }

    private static void AssertNowhere(NodeFolder folder, IEnumerable<string> said, IEnumerable<byte[]> exported)
    {
        foreach (var file in Directory.EnumerateFiles(folder.Data, "*", SearchOption.AllDirectories))
            AssertNot(File.ReadAllBytes(file), file);
        foreach (var text in said)
            AssertNot(Encoding.UTF8.GetBytes(text), "the output");
        foreach (var body in exported)
            AssertNot(body, "what was exported");
    }

    private static void AssertNot(byte[] bytes, string where)
    {
        foreach (var secret in (string[])[Query, Header, SessionHeader])
        {
            foreach (var form in Forms(secret))
                Assert.False(Contains(bytes, form), $"{where} has {secret}");
        }
    }

    private static bool Contains(byte[] bytes, string text) => Encoding.Latin1.GetString(bytes).Contains(text, StringComparison.OrdinalIgnoreCase);

    private static IEnumerable<string> Forms(string secret)
    {
        yield return secret;
        yield return Convert.ToHexString(Encoding.UTF8.GetBytes(secret));
        for (var lead = 0; lead < 3; lead++)
            yield return Convert.ToBase64String(Encoding.UTF8.GetBytes(new string('x', lead) + secret + "xx"))[4..^8];
    }

    /// <summary>Keeps what is exported to it.</summary>
    private static Task<WebApplication> StartSinkAsync(out ConcurrentQueue<byte[]> exported)
    {
        var bodies = exported = new ConcurrentQueue<byte[]>();
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var sink = builder.Build();
        sink.Run(async context =>
        {
            using var body = new MemoryStream();
            await context.Request.Body.CopyToAsync(body);
            bodies.Enqueue(body.ToArray());
        });
        return StartedAsync(sink);
    }

    private static async Task<WebApplication> StartedAsync(WebApplication sink)
    {
        await sink.StartAsync();
        return sink;
    }
}

using System.Net.Http.Json;
using System.Text.Json.Nodes;
using Xunit;

namespace Backhaul.Node.Tests.Ops;

/// <summary>Palette commands as the tool sends them, and the records that come back.</summary>
internal static class PaletteCalls
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    public static Task<(IReadOnlyList<string> Lines, IReadOnlyList<string> Errors, int Exit)> RunAsync(OpsHost host, params string[] words) =>
        RunAsync(host, confirmed: false, words);

    public static async Task<(IReadOnlyList<string> Lines, IReadOnlyList<string> Errors, int Exit)> RunAsync(OpsHost host, bool confirmed, params string[] words)
    {
        using var http = new HttpClient { BaseAddress = host.Address };
        using var request = Execute(confirmed, words);
        using var response = await http.SendAsync(request, Stop);
        Assert.Equal("application/x-ndjson", response.Content.Headers.ContentType?.MediaType);
        var records = await ReadAsync(response);
        Assert.Single(records, r => r["exit"] is not null);
        return (
            [.. records.Select(r => (string?)r["line"]).OfType<string>()],
            [.. records.Select(r => (string?)r["error"]).OfType<string>()],
            (int)records[^1]["exit"]!);
    }

    public static HttpRequestMessage Execute(bool confirmed, params string[] words) =>
        new(HttpMethod.Post, "/pbm/execute") { Content = JsonContent.Create(new { words, confirmed }) };

    public static async Task<List<JsonNode>> ReadAsync(HttpResponseMessage response) =>
        [.. (await response.Content.ReadAsStringAsync(Stop)).Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonNode.Parse(line)!)];
}

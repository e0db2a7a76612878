using System.Text.Json;
using Xunit;

namespace Backhaul.Node.Tests.Api;

public sealed class HealthAndDescriptionTests
{
    [Fact]
    public async Task Ready_follows_the_life_of_the_node_and_live_does_not()
    {
        await using var host = await EdgeHost.StartAsync();
        Assert.Equal((503, "unavailable"), Of(await host.SendAsync("GET", "/health/ready")));
        host.Readiness.BecomeReady();
        Assert.Equal((200, null), Of(await host.SendAsync("GET", "/health/ready")));
        host.Readiness.BeginDrain();
        host.Readiness.BecomeReady();
        var draining = await host.SendAsync("GET", "/health/ready");
        Assert.Equal((503, "unavailable", "5"), (draining.Status, draining.Code, draining.Header("Retry-After")));
        Assert.Equal((200, null), Of(await host.SendAsync("GET", "/health/live")));
    }

    [Fact]
    public async Task The_description_names_every_call_once_with_its_problems_and_its_key()
    {
        await using var host = await EdgeHost.StartAsync();
        var answer = await host.SendAsync("GET", "/openapi/v1.json");
        Assert.Equal(200, answer.Status);
        var root = answer.Json;
        Assert.StartsWith("3.1", root.GetProperty("openapi").GetString(), StringComparison.Ordinal);
        Assert.Equal("bearer", root.GetProperty("components").GetProperty("securitySchemes").GetProperty("key").GetProperty("scheme").GetString());
        Assert.True(root.GetProperty("security").GetArrayLength() == 1);

        var calls = root.GetProperty("paths").EnumerateObject()
            .SelectMany(path => path.Value.EnumerateObject().Select(call => (Path: path.Name, Method: call.Name.ToUpperInvariant(), Call: call.Value)))
            .Where(call => call.Call.ValueKind == JsonValueKind.Object && call.Call.TryGetProperty("operationId", out _))
            .ToList();
        string[] expected =
        [
            "PUT /v1/sessions/{session}", "GET /v1/sessions", "GET /v1/sessions/{session}", "DELETE /v1/sessions/{session}",
            "POST /v1/sessions/{session}/tasks", "GET /v1/sessions/{session}/tasks", "GET /v1/sessions/{session}/tasks/{task}",
            "GET /v1/sessions/{session}/tasks/{task}/why", "GET /v1/sessions/{session}/tasks/{task}/attempts", "PATCH /v1/sessions/{session}/tasks/{task}",
            "POST /v1/sessions/{session}/tasks/{task}/resume", "POST /v1/sessions/{session}/tasks/{task}/suspend", "POST /v1/sessions/{session}/tasks/{task}/cancel",
            "GET /v1/sessions/{session}/events", "POST /v1/sessions/{session}/events/ack", "GET /health/live", "GET /health/ready",
        ];
        var found = calls.Select(call => $"{call.Method} {call.Path}").ToList();
        Assert.Empty(expected.Except(found));
        Assert.Equal(calls.Count, calls.Select(call => call.Call.GetProperty("operationId").GetString()).Distinct().Count());
        foreach (var (path, method, call) in calls)
        {
            Assert.True(call.TryGetProperty("summary", out _), $"{method} {path} has no summary");
            if (path.StartsWith("/health/", StringComparison.Ordinal))
                continue;
            Assert.True(call.GetProperty("responses").GetProperty("400").GetProperty("content").TryGetProperty("application/problem+json", out _), $"{method} {path}");
        }
    }

    [Fact]
    public async Task The_description_knows_the_forms_of_text()
    {
        await using var host = await EdgeHost.StartAsync();
        var schemas = (await host.SendAsync("GET", "/openapi/v1.json")).Json.GetProperty("components").GetProperty("schemas");
        var configuration = schemas.GetProperty("SessionConfiguration").GetProperty("properties");
        Assert.Equal("duration", configuration.GetProperty("requestTimeout").GetProperty("format").GetString());
        Assert.Equal("integer", configuration.GetProperty("maxConnectionsPerHost").GetProperty("type").GetString());
        var task = schemas.GetProperty("TaskRequest").GetProperty("properties");
        Assert.Equal("string", task.GetProperty("url").GetProperty("type").GetString());
        Assert.True(schemas.TryGetProperty("BulkChunk", out _));
        Assert.True(schemas.TryGetProperty("Problem", out _));
    }

    private static (int, string?) Of(EdgeHost.Answer answer) => (answer.Status, answer.Code);
}

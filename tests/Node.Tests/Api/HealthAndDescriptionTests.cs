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

    /// <summary>The node's own refusal names the words that it takes: they are those of the description.</summary>
    [Theory]
    [InlineData("TaskRequest", "kind", "POST", "/v1/sessions/photos/tasks", """{"url":"http://example.org/","kind":"?"}""")]
    [InlineData("TaskRequest", "sourceChange", "POST", "/v1/sessions/photos/tasks", """{"url":"http://example.org/","kind":"download","sourceChange":"?"}""")]
    [InlineData("TaskRequest", "uploadProtocol", "POST", "/v1/sessions/photos/tasks", """{"url":"http://example.org/","kind":"upload","source":"default/a","uploadProtocol":"?"}""")]
    [InlineData("TaskRequest", "costPolicy", "POST", "/v1/sessions/photos/tasks", """{"url":"http://example.org/","kind":"download","costPolicy":"?"}""")]
    [InlineData("AskBeforeStart", "when", "POST", "/v1/sessions/photos/tasks", """{"url":"http://example.org/","kind":"download","askBeforeStart":{"when":"?"}}""")]
    [InlineData("AskBeforeStart", "default", "POST", "/v1/sessions/photos/tasks", """{"url":"http://example.org/","kind":"download","askBeforeStart":{"default":"?"}}""")]
    [InlineData("GroupRequest", "mode", "PUT", "/v1/sessions/photos/groups/g", """{"mode":"?"}""")]
    [InlineData("ChallengeAnswer", "answer", "POST", "/v1/sessions/photos/tasks/a/challenge", """{"answer":"?"}""")]
    [InlineData("DelayedRequestAnswer", "answer", "POST", "/v1/sessions/photos/tasks/a/delayed-request", """{"answer":"?"}""")]
    [InlineData("SessionConfiguration", "serviceType", "PUT", "/v1/sessions/photos", """{"serviceType":"?"}""")]
    [InlineData("SessionConfiguration", "costPolicy", "PUT", "/v1/sessions/photos", """{"costPolicy":"?"}""")]
    [InlineData("CredentialRule", "scheme", "PUT", "/v1/sessions/photos", """{"credentials":[{"secret":"vendor","scheme":"?"}]}""")]
    [InlineData("TlsConfiguration", "minimum", "PUT", "/v1/sessions/photos", """{"tls":{"minimum":"?"}}""")]
    public async Task The_words_of_a_field_are_those_that_the_node_takes(string schema, string field, string method, string path, string body)
    {
        await using var host = await EdgeHost.StartAsync();
        var refused = await host.SendAsync(method, path, body);
        Assert.Equal(400, refused.Status);
        Assert.EndsWith(field, refused.Json.GetProperty("field").GetString(), StringComparison.Ordinal);
        var words = (await SchemaAsync(host, schema)).GetProperty("properties").GetProperty(field).GetProperty("enum").EnumerateArray().Select(word => word.GetString()!);
        var sentence = refused.Json.GetProperty("detail").GetString()!;
        var taken = sentence[(sentence.IndexOf(" must be ", StringComparison.Ordinal) + " must be ".Length)..].TrimEnd('.').Replace("one of ", "", StringComparison.Ordinal)
            .Replace("\"", "", StringComparison.Ordinal).Split([", ", " or "], StringSplitOptions.None);
        Assert.Equal(taken.Order(), words.Order());
    }

    [Theory]
    [InlineData("AckRequest", "through", "POST", "/v1/sessions/photos/events/ack", "{}")]
    [InlineData("ReplayRequest", "from", "POST", "/v1/sessions/photos/push/replay", "{}")]
    [InlineData("ChallengeAnswer", "answer", "POST", "/v1/sessions/photos/tasks/a/challenge", "{}")]
    [InlineData("DelayedRequestAnswer", "answer", "POST", "/v1/sessions/photos/tasks/a/delayed-request", "{}")]
    [InlineData("CredentialRule", "secret", "PUT", "/v1/sessions/photos", """{"credentials":[{}]}""")]
    [InlineData("LaunchConfiguration", "url", "PUT", "/v1/sessions/photos", """{"launch":{"secret":"whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz"}}""")]
    [InlineData("LaunchConfiguration", "secret", "PUT", "/v1/sessions/photos", """{"launch":{"url":"https://example.org/"}}""")]
    [InlineData("PushConfiguration", "url", "PUT", "/v1/sessions/photos", """{"push":{"secret":"whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz"}}""")]
    [InlineData("PushConfiguration", "secret", "PUT", "/v1/sessions/photos", """{"push":{"url":"https://example.org/"}}""")]
    [InlineData("FileMoveRequest", "destination", "POST", "/v1/files/default/a/move", "{}")]
    public async Task A_field_that_the_description_requires_is_missed_by_the_node(string schema, string field, string method, string path, string body)
    {
        await using var host = await EdgeHost.StartAsync();
        var refused = await host.SendAsync(method, path, body);
        Assert.Equal(400, refused.Status);
        Assert.EndsWith(field, refused.Json.GetProperty("field").GetString(), StringComparison.Ordinal);
        Assert.Contains(field, (await SchemaAsync(host, schema)).GetProperty("required").EnumerateArray().Select(each => each.GetString()));
    }

    /// <summary>Generated clients refused the last page of every list.</summary>
    [Theory]
    [InlineData("PageOfTaskView", "next")]
    [InlineData("PageOfSessionListItem", "next")]
    [InlineData("ResumeDataView", "resumeData")]
    public async Task What_is_written_as_null_may_be_null_by_the_description(string schema, string field)
    {
        await using var host = await EdgeHost.StartAsync();
        var type = (await SchemaAsync(host, schema)).GetProperty("properties").GetProperty(field).GetProperty("type");
        Assert.Equal(["null", "string"], type.EnumerateArray().Select(each => each.GetString()).Order());
    }

    [Theory]
    [InlineData("/v1/sessions/{session}/events", "get", "Last-Event-ID", "410")]
    [InlineData("/v1/sessions/{session}/tasks", "post", "Idempotency-Key", "410")]
    [InlineData("/v1/sessions/{session}/tasks/{task}/content", "get", "wait", "206")]
    [InlineData("/v1/files/{container}/{path}", "get", "Range", "206")]
    [InlineData("/v1/uploads", "post", "path", "201")]
    public async Task The_description_has_what_is_read_from_the_query_and_the_headers(string path, string method, string parameter, string status)
    {
        await using var host = await EdgeHost.StartAsync();
        var call = (await host.SendAsync("GET", "/openapi/v1.json")).Json.GetProperty("paths").GetProperty(path).GetProperty(method);
        Assert.Contains(parameter, call.GetProperty("parameters").EnumerateArray().Select(each => each.GetProperty("name").GetString()));
        Assert.True(call.GetProperty("responses").TryGetProperty(status, out _));
    }

    private static async Task<JsonElement> SchemaAsync(EdgeHost host, string name) =>
        (await host.SendAsync("GET", "/openapi/v1.json")).Json.GetProperty("components").GetProperty("schemas").GetProperty(name);

    private static (int, string?) Of(EdgeHost.Answer answer) => (answer.Status, answer.Code);
}

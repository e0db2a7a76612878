using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;

namespace Backhaul.NodeProcesses;

/// <summary>An answer of the node: status and JSON (undefined when there was no body).</summary>
internal sealed record Answer(HttpStatusCode Status, JsonElement Json, string Text)
{
    /// <summary>The stable code of a problem document.</summary>
    public string? Code => Json.ValueKind == JsonValueKind.Object && Json.TryGetProperty("code", out var code) ? code.GetString() : null;
}

/// <summary>The wire, spoken by hand: the tests must see what a stranger's client would see.</summary>
internal sealed class NodeApi(Uri url) : IDisposable
{
    private readonly HttpClient _http = new(new SocketsHttpHandler { UseProxy = false }) { BaseAddress = url, Timeout = TimeSpan.FromSeconds(60) };

    public void Dispose() => _http.Dispose();

    public async Task<bool> IsReadyAsync()
    {
        try
        {
            using var answer = await _http.GetAsync("/health/ready");
            return answer.IsSuccessStatusCode;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }

    public Task<Answer> GetAsync(string path) => SendAsync(HttpMethod.Get, path);

    public async Task<Answer> SendAsync(
        HttpMethod method, string path, string? json = null, string? key = null, string mediaType = "application/json")
    {
        using var request = new HttpRequestMessage(method, path);
        if (json is not null)
            request.Content = new StringContent(json, Encoding.UTF8, MediaTypeHeaderValue.Parse(mediaType));
        if (key is not null)
            request.Headers.Add("Idempotency-Key", key);
        using var response = await _http.SendAsync(request);
        var text = await response.Content.ReadAsStringAsync();
        var isJson = response.Content.Headers.ContentType?.MediaType is "application/json" or "application/problem+json";
        return new Answer(response.StatusCode, isJson && text.Length > 0 ? JsonDocument.Parse(text).RootElement.Clone() : default, text);
    }

    public async Task<Answer> PutFileAsync(string path, byte[] content)
    {
        using var response = await _http.PutAsync($"/v1/files/{path}", new ByteArrayContent(content));
        var text = await response.Content.ReadAsStringAsync();
        return new Answer(response.StatusCode, text.StartsWith('{') ? JsonDocument.Parse(text).RootElement.Clone() : default, text);
    }

    public Task<byte[]> GetFileAsync(string path) => _http.GetByteArrayAsync($"/v1/files/{path}");

    /// <summary>Opens or re-attaches; must succeed.</summary>
    public async Task<Answer> OpenAsync(string session, string configuration = "{}")
    {
        var answer = await SendAsync(HttpMethod.Put, $"/v1/sessions/{session}", configuration);
        return answer.Status is HttpStatusCode.OK or HttpStatusCode.Created ? answer : throw Unexpected(answer);
    }

    public async Task<Answer> DownloadAsync(string session, string id, string from, string? destination = null)
    {
        var place = destination is null ? "" : $",\"destination\":\"default/{destination}\"";
        var answer = await SendAsync(HttpMethod.Post, $"/v1/sessions/{session}/tasks", $$"""{"id":"{{id}}","kind":"download","url":"{{from}}"{{place}}}""", key: id);
        return answer.Status is HttpStatusCode.OK or HttpStatusCode.Created ? answer : throw Unexpected(answer);
    }

    public async Task<JsonElement> TaskAsync(string session, string id)
    {
        var answer = await GetAsync($"/v1/sessions/{session}/tasks/{id}");
        return answer.Status == HttpStatusCode.OK ? answer.Json : throw Unexpected(answer);
    }

    public async Task<JsonElement> SessionAsync(string session)
    {
        var answer = await GetAsync($"/v1/sessions/{session}");
        return answer.Status == HttpStatusCode.OK ? answer.Json : throw Unexpected(answer);
    }

    /// <summary>Waits until a task has ended; its view.</summary>
    public async Task<JsonElement> EndedAsync(string session, string id, TimeSpan within)
    {
        var last = default(JsonElement);
        await Eventually.TrueAsync(async () =>
        {
            last = await TaskAsync(session, id);
            return last.GetProperty("state").GetString() == "completed";
        }, within, () => $"task {id} to end; its view is {last}");
        return last;
    }

    /// <summary>Waits until a task satisfies a condition; its view.</summary>
    public async Task<JsonElement> TaskWhenAsync(string session, string id, Func<JsonElement, bool> condition, TimeSpan within)
    {
        var last = default(JsonElement);
        await Eventually.TrueAsync(async () => condition(last = await TaskAsync(session, id)), within, () => $"a change of task {id}; its view is {last}");
        return last;
    }

    /// <summary>All events of a session after a number, page by page.</summary>
    public async Task<List<JsonElement>> EventsAsync(string session, long after = 0)
    {
        var events = new List<JsonElement>();
        while (true)
        {
            var page = await GetAsync($"/v1/sessions/{session}/events?after={after}");
            if (page.Status != HttpStatusCode.OK)
                throw Unexpected(page);
            var found = page.Json.GetProperty("events").EnumerateArray().ToList();
            if (found.Count == 0)
                return events;
            events.AddRange(found);
            after = found[^1].GetProperty("number").GetInt64();
        }
    }

    private static InvalidOperationException Unexpected(Answer answer) => new($"Unexpected answer {(int)answer.Status}: {answer.Text}");
}

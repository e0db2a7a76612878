using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Runtime.CompilerServices;
using System.Text;

namespace Backhaul.Features.Tests;

/// <summary>The wire by hand, as a client in any other language would speak it.</summary>
internal sealed class HttpCaller(HttpClient http, IReadOnlyList<Uri> nodes, string key) : ICaller
{
    private const string JsonType = "application/json";

    private int _turn = Random.Shared.Next(nodes.Count);

    public Task<SessionView> OpenAsync(string session, string? configuration = null) => AskAsync<SessionView>(HttpMethod.Put, Path(session), configuration);

    public Task<SessionView> SessionAsync(string session) => AskAsync<SessionView>(HttpMethod.Get, Path(session));

    public Task<IReadOnlyList<SessionListItem>> SessionsAsync(string? state = null) => ListAsync<SessionListItem>($"/v1/sessions?state={state}");

    public Task<SessionView> EndAsync(string session, string mode) => AskAsync<SessionView>(HttpMethod.Delete, $"{Path(session)}?mode={mode}");

    public Task<TaskView> AddAsync(string session, string task, CommandId? intent = null) =>
        AskAsync<TaskView>(HttpMethod.Post, $"{Path(session)}/tasks", task, intent?.ToString());

    public Task<IReadOnlyList<TaskResult>> AddManyAsync(string session, string tasks) =>
        AskAsync<IReadOnlyList<TaskResult>>(HttpMethod.Post, $"{Path(session)}/tasks", tasks);

    public Task<TaskView> TaskAsync(string session, string task) => AskAsync<TaskView>(HttpMethod.Get, Path(session, task));

    public Task<IReadOnlyList<TaskView>> TasksAsync(string session, string? state = null, string? kind = null, string? group = null, string? completionGroup = null)
    {
        var wanted = new[] { ("state", state), ("kind", kind), ("group", group), ("completionGroup", completionGroup) }
            .Where(one => one.Item2 is not null).Select(one => $"{one.Item1}={one.Item2}");
        return ListAsync<TaskView>($"{Path(session)}/tasks?{string.Join('&', wanted)}");
    }

    public Task<TaskView> ChangeAsync(string session, string task, string change) => AskAsync<TaskView>(HttpMethod.Patch, Path(session, task), change);

    public Task<TaskView> ActAsync(string session, string task, string verb) => AskAsync<TaskView>(HttpMethod.Post, $"{Path(session, task)}/{verb}");

    public Task<ResumeDataView> ProduceResumeDataAsync(string session, string task) => AskAsync<ResumeDataView>(HttpMethod.Post, $"{Path(session, task)}/resume-data");

    public Task<WhyView> WhyAsync(string session, string task) => AskAsync<WhyView>(HttpMethod.Get, $"{Path(session, task)}/why");

    public Task<IReadOnlyList<AttemptView>> AttemptsAsync(string session, string task) => ListAsync<AttemptView>($"{Path(session, task)}/attempts");

    public Task<TaskView> AnswerChallengeAsync(string session, string task, string answer) =>
        AskAsync<TaskView>(HttpMethod.Post, $"{Path(session, task)}/challenge", answer);

    public Task<TaskView> AnswerDelayedRequestAsync(string session, string task, string answer) =>
        AskAsync<TaskView>(HttpMethod.Post, $"{Path(session, task)}/delayed-request", answer);

    public Task<RangesView> RangesAsync(string session, string task) => AskAsync<RangesView>(HttpMethod.Get, $"{Path(session, task)}/ranges");

    public Task<RangesView> WantRangesAsync(string session, string task, string ranges) =>
        AskAsync<RangesView>(HttpMethod.Post, $"{Path(session, task)}/ranges", ranges);

    public Task<byte[]> ContentAsync(string session, string task, long? from = null, long? to = null) =>
        BytesAsync(HttpMethod.Get, $"{Path(session, task)}/content{(from is null ? "" : "?wait=20")}", from, to);

    public Task<GroupView> PutGroupAsync(string session, string group, string? mode = null) =>
        AskAsync<GroupView>(HttpMethod.Put, $"{Path(session)}/groups/{group}", mode is null ? "{}" : $$"""{"mode":"{{mode}}"}""");

    public Task<GroupView> GroupAsync(string session, string group) => AskAsync<GroupView>(HttpMethod.Get, $"{Path(session)}/groups/{group}");

    public Task<IReadOnlyList<GroupView>> GroupsAsync(string session) => ListAsync<GroupView>($"{Path(session)}/groups");

    public Task<GroupView> ActOnGroupAsync(string session, string group, string verb) => AskAsync<GroupView>(HttpMethod.Post, $"{Path(session)}/groups/{group}/{verb}");

    public Task<CompletionGroupView> PutCompletionGroupAsync(string session, string group) =>
        AskAsync<CompletionGroupView>(HttpMethod.Put, $"{Path(session)}/completion-groups/{group}");

    public Task<CompletionGroupView> CompletionGroupAsync(string session, string group) =>
        AskAsync<CompletionGroupView>(HttpMethod.Get, $"{Path(session)}/completion-groups/{group}");

    public Task<CompletionGroupView> EnableAsync(string session, string group) =>
        AskAsync<CompletionGroupView>(HttpMethod.Post, $"{Path(session)}/completion-groups/{group}/enable");

    public Task<EventPage> EventsAsync(string session, long after = 0, int? limit = null, int waitSeconds = 0) =>
        AskAsync<EventPage>(HttpMethod.Get, Invariant($"{Path(session)}/events?after={after}&limit={limit ?? 200}&wait={waitSeconds}"));

    public async IAsyncEnumerable<EventView> StreamAsync(
        string session, long after, Action<ProgressView>? progress, [EnumeratorCancellation] CancellationToken stop)
    {
        using var request = Request(HttpMethod.Get, Invariant($"{Path(session)}/events?after={after}"));
        request.Headers.Accept.Add(new MediaTypeWithQualityHeaderValue("text/event-stream"));
        using var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, stop);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        using var reader = new StreamReader(await response.Content.ReadAsStreamAsync(stop));
        var type = "";
        while (await reader.ReadLineAsync(stop) is { } line)
        {
            if (line.StartsWith("event: ", StringComparison.Ordinal))
                type = line[7..];
            else if (line.StartsWith("data: ", StringComparison.Ordinal) && type == "progress")
                progress?.Invoke(Json.Read<ProgressView>(line[6..]));
            else if (line.StartsWith("data: ", StringComparison.Ordinal))
                yield return Json.Read<EventView>(line[6..]);
        }
    }

    public Task<AckView> AcknowledgeAsync(string session, long through) =>
        AskAsync<AckView>(HttpMethod.Post, $"{Path(session)}/events/ack", Invariant($$"""{"through":{{through}}}"""));

    public Task<LaunchView> CompleteLaunchAsync(string session, long launch) =>
        AskAsync<LaunchView>(HttpMethod.Post, Invariant($"{Path(session)}/launches/{launch}/complete"));

    public Task<WebhookView> WebhookAsync(string session, string target) => AskAsync<WebhookView>(HttpMethod.Get, $"{Path(session)}/{target}");

    public Task<WebhookView> EnableWebhookAsync(string session, string target) => AskAsync<WebhookView>(HttpMethod.Post, $"{Path(session)}/{target}/enable");

    public Task<WebhookView> DisableWebhookAsync(string session, string target) => AskAsync<WebhookView>(HttpMethod.Post, $"{Path(session)}/{target}/disable");

    public Task<WebhookTestView> TestWebhookAsync(string session, string target) => AskAsync<WebhookTestView>(HttpMethod.Post, $"{Path(session)}/{target}/test");

    public Task<WebhookView> ReplayAsync(string session, long from, long? through = null) => AskAsync<WebhookView>(
        HttpMethod.Post, $"{Path(session)}/push/replay", through is null ? Invariant($$"""{"from":{{from}}}""") : Invariant($$"""{"from":{{from}},"through":{{through}}}"""));

    public Task<PrefetchView> PutPrefetchAsync(string session, string prefetch) => AskAsync<PrefetchView>(HttpMethod.Put, $"{Path(session)}/prefetch", prefetch);

    public Task<PrefetchView> PrefetchAsync(string session) => AskAsync<PrefetchView>(HttpMethod.Get, $"{Path(session)}/prefetch");

    public Task<PrefetchView> RemovePrefetchAsync(string session) => AskAsync<PrefetchView>(HttpMethod.Delete, $"{Path(session)}/prefetch");

    public async Task<FileView> PutFileAsync(string file, byte[] content)
    {
        using var response = await SendAsync(HttpMethod.Put, File(file), () => new ByteArrayContent(content));
        return Json.Read<FileView>(await response.Content.ReadAsStringAsync());
    }

    public Task<byte[]> GetFileAsync(string file) => BytesAsync(HttpMethod.Get, File(file), null, null);

    public Task<bool> FileExistsAsync(string file) => FoundAsync(HttpMethod.Head, file);

    public Task<bool> DeleteFileAsync(string file) => FoundAsync(HttpMethod.Delete, file);

    public Task<FileView> MoveFileAsync(string file, string destination) =>
        AskAsync<FileView>(HttpMethod.Post, File(file) + "/move", $$"""{"destination":{{Json.Text(destination)}}}""");

    public Task<FileView> KeepFileAsync(string session, FileView file, string destination) => AskAsync<FileView>(
        HttpMethod.Post, $"/v1/files/{file.Container}/{file.Path}/move", $$"""{"destination":{{Json.Text(destination)}},"session":{{Json.Text(session)}}}""");

    private static string Path(string session) => "/v1/sessions/" + Uri.EscapeDataString(session);

    private static string Path(string session, string task) => $"{Path(session)}/tasks/{Uri.EscapeDataString(task)}";

    private static string File(string file) => "/v1/files/" + file;

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);

    private async Task<bool> FoundAsync(HttpMethod method, string file)
    {
        try
        {
            using var found = await SendAsync(method, File(file), null);
            return true;
        }
        catch (Refused missing) when (missing.Status is HttpStatusCode.NotFound)
        {
            return false;
        }
    }

    private async Task<byte[]> BytesAsync(HttpMethod method, string path, long? from, long? to)
    {
        using var response = await SendAsync(method, path, null, range: from is null ? null : new RangeHeaderValue(from, to));
        return await response.Content.ReadAsByteArrayAsync();
    }

    private async Task<IReadOnlyList<T>> ListAsync<T>(string path)
    {
        var found = new List<T>();
        string? next = null;
        do
        {
            var page = await AskAsync<Page<T>>(HttpMethod.Get, next is null ? path : $"{path}{(path.Contains('?') ? '&' : '?')}cursor={Uri.EscapeDataString(next)}");
            found.AddRange(page.Items);
            next = page.Next;
        }
        while (next is not null);
        return found;
    }

    private async Task<T> AskAsync<T>(HttpMethod method, string path, string? json = null, string? intent = null)
    {
        using var response = await SendAsync(method, path, json is null ? null : () => new StringContent(json, Encoding.UTF8, JsonType), intent);
        return Json.Read<T>(await response.Content.ReadAsStringAsync());
    }

    /// <summary>Sends, and sends again under the same key what was not decided, as docs/protocol.md says.</summary>
    private async Task<HttpResponseMessage> SendAsync(
        HttpMethod method, string path, Func<HttpContent>? content, string? intent = null, RangeHeaderValue? range = null)
    {
        intent ??= method == HttpMethod.Get || method == HttpMethod.Head || method == HttpMethod.Put ? null : Guid.NewGuid().ToString();
        for (var tries = 1; ; tries++)
        {
            using var request = Request(method, path);
            request.Content = content?.Invoke();
            request.Headers.Range = range;
            if (intent is not null)
                request.Headers.Add("Idempotency-Key", intent);
            var response = await http.SendAsync(request);
            if (response.IsSuccessStatusCode)
                return response;
            using (response)
            {
                if (response.StatusCode is HttpStatusCode.ServiceUnavailable && tries < 10 && response.Headers.RetryAfter?.Delta is { } wait)
                    await Task.Delay(wait);
                else
                    throw await RefusedAsync(response);
            }
        }
    }

    private HttpRequestMessage Request(HttpMethod method, string path)
    {
        var node = nodes[(int)((uint)Interlocked.Increment(ref _turn) % nodes.Count)];
        var request = new HttpRequestMessage(method, new Uri(node, path));
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", key);
        return request;
    }

    private static async Task<Refused> RefusedAsync(HttpResponseMessage response)
    {
        var text = await response.Content.ReadAsStringAsync();
        if (text.Length == 0)
            return new Refused(response.StatusCode, "", "", null); // the answer to HEAD
        Assert.Equal("application/problem+json", response.Content.Headers.ContentType?.MediaType);
        var problem = Json.Read<Problem>(text);
        return new Refused(response.StatusCode, problem.Code, problem.Detail, problem.Field);
    }
}

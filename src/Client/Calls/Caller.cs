using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Backhaul.Protocol;

namespace Backhaul.Client.Calls;

/// <summary>
/// Carries out calls: one intent, as many attempts as its deadline allows. The attempts differ in nothing but the endpoint, and
/// all carry the same idempotency key. Used by every public type of the SDK; event streams use only <see cref="OpenAsync"/>.
/// </summary>
internal sealed class Caller
{
    private const int ProblemBytesMax = 64 * 1024;
    private readonly HttpClient _http;
    private readonly Uri[] _endpoints;
    private int _endpoint;

    public Caller(HttpClient http, BackhaulClientOptions options)
    {
        _http = http;
        Options = options;
        _endpoints = [.. options.Endpoints.Select(endpoint => new Uri(endpoint.AbsoluteUri.TrimEnd('/') + "/"))];
    }

    public BackhaulClientOptions Options { get; }

    public TimeProvider Time => Options.Time;

    public CommandId NewIntent() => CommandId.Create(Time.GetUtcNow());

    /// <summary>A query.</summary>
    public Task<T> GetAsync<T>(string path, JsonTypeInfo<T> type, CancellationToken stop) => GetAsync(path, type, TimeSpan.Zero, stop);

    /// <summary>A query that the node may hold back for a while.</summary>
    public Task<T> GetAsync<T>(string path, JsonTypeInfo<T> type, TimeSpan longPoll, CancellationToken stop) =>
        RunAsync(new Call(HttpMethod.Get, path) { LongPoll = longPoll }, ReadAs(type), stop);

    /// <summary>A command.</summary>
    public Task<T> CommandAsync<T>(HttpMethod method, string path, ReadOnlyMemory<byte>? body, JsonTypeInfo<T> type, CommandId? intent, CancellationToken stop) =>
        RunAsync(new Call(method, path) { Body = body, Intent = intent ?? NewIntent() }, ReadAs(type), stop);

    /// <summary>All pages of a list, one after the other.</summary>
    public async IAsyncEnumerable<T> ListAsync<T>(
        string path,
        Query query,
        JsonTypeInfo<Page<T>> type,
        [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken stop)
    {
        string? cursor = null;
        do
        {
            var separator = query.ToString().Length == 0 ? "?" : "&";
            var from = cursor is null ? "" : $"{separator}cursor={Uri.EscapeDataString(cursor)}";
            var page = await GetAsync($"{path}{query}{from}", type, stop);
            foreach (var item in page.Items)
                yield return item;
            cursor = page.Next;
        }
        while (cursor is not null);
    }

    /// <summary>Sends a call until it is decided or its deadline has passed; <paramref name="read"/> takes a 2xx answer.</summary>
    public async Task<T> RunAsync<T>(Call call, Func<HttpResponseMessage, AttemptLimit, Task<T>> read, CancellationToken stop)
    {
        var progressedAt = Time.GetTimestamp();
        var left = 0;
        for (var attempt = 1; ; attempt++)
        {
            BackhaulException failure;
            var endpoint = Endpoint;
            using (var limit = new AttemptLimit(Options.AttemptTimeout + call.LongPoll, Time, stop))
            {
                try
                {
                    using var response = await OpenAsync(call, endpoint, limit);
                    return await read(response, limit);
                }
                catch (BackhaulException undecided) when (undecided.IsTransient)
                {
                    failure = undecided;
                    if (RetryRules.IsOfThisNode(undecided.Problem.Status))
                    {
                        LeaveEndpoint(endpoint);
                        left++;
                    }
                }
                catch (Exception broken) when (RetryRules.IsBroken(broken) || (broken is OperationCanceledException && !stop.IsCancellationRequested))
                {
                    if (!limit.IsExpired && broken is OperationCanceledException)
                        throw;
                    failure = Unreachable(limit.IsExpired, broken);
                    LeaveEndpoint(endpoint);
                    left++;
                }
                progressedAt = limit.ProgressedAt ?? progressedAt;
            }
            var wait = RetryRules.BackOff(attempt, Options.Jitter(), RetryRules.First, RetryRules.Longest);
            if (failure.RetryAfter > wait && !OthersRemain(failure, left))
                wait = failure.RetryAfter.Value;
            if (!call.Repeatable || Time.GetElapsedTime(progressedAt) + wait >= Options.CallDeadline)
                throw GaveUp(call, failure, attempt, Time.GetElapsedTime(progressedAt));
            await WaitAsync(wait, stop);
        }
    }

    /// <summary>A query whose answer is waited for through outages that are longer than a call: it is repeated until it is decided.</summary>
    /// <param name="query">Gives up after its deadline.</param>
    /// <param name="stop">Ends the wait.</param>
    /// <param name="interrupted">Told why, and how long it waits before the next.</param>
    public async Task<T> OutlastAsync<T>(Func<CancellationToken, Task<T>> query, CancellationToken stop, Action<BackhaulException, TimeSpan>? interrupted = null)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                return await query(stop);
            }
            catch (BackhaulException undecided) when (undecided.IsTransient)
            {
                var wait = OutageWait(undecided, attempt);
                interrupted?.Invoke(undecided, wait);
                await WaitAsync(wait, stop);
            }
        }
    }

    /// <summary>How long to wait after a call that gave up.</summary>
    public TimeSpan OutageWait(BackhaulException undecided, int attempt) =>
        undecided.RetryAfter ?? RetryRules.BackOff(attempt, Options.Jitter(), RetryRules.First, RetryRules.LongestInOutage);

    /// <summary>One attempt at an endpoint, up to the head of its answer. An error answer is thrown.</summary>
    public async Task<HttpResponseMessage> OpenAsync(Call call, int endpoint, AttemptLimit limit)
    {
        using var request = call.ToRequest(_endpoints[endpoint], Options.Key, limit);
        var response = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, limit.Token);
        if (response.IsSuccessStatusCode)
            return response;
        using (response)
            throw await RefusalAsync(response, limit.Token);
    }

    /// <summary>The endpoint that new attempts go to: the one that worked last. Read it before an attempt, for <see cref="LeaveEndpoint"/>.</summary>
    public int Endpoint => Volatile.Read(ref _endpoint);

    /// <summary>Called after a broken connection, or when the node said that it cannot serve. Of many calls that fail together the first one moves on.</summary>
    public void LeaveEndpoint(int failed) => Interlocked.CompareExchange(ref _endpoint, (failed + 1) % _endpoints.Length, failed);

    /// <summary>What a node asks to wait is for that node: the others are asked first, one after the other.</summary>
    /// <param name="failure">Why the last one was left, or not.</param>
    /// <param name="left">Endpoints left so far.</param>
    public bool OthersRemain(BackhaulException failure, int left) =>
        RetryRules.IsOfThisNode(failure.Problem.Status) && left % _endpoints.Length != 0;

    public Task WaitAsync(TimeSpan wait, CancellationToken stop) =>
        Options.Wait is { } custom ? custom(wait, stop) : Task.Delay(wait, Time, stop);

    public static Func<HttpResponseMessage, AttemptLimit, Task<T>> ReadAs<T>(JsonTypeInfo<T> type) => async (response, limit) =>
    {
        try
        {
            await using var body = await response.Content.ReadAsStreamAsync(limit.Token);
            return await JsonSerializer.DeserializeAsync(body, type, limit.Token) ?? throw new JsonException("The answer is null.");
        }
        catch (JsonException broken)
        {
            throw Unexpected(response, broken);
        }
    };

    public static BackhaulException Unexpected(HttpResponseMessage response, Exception? cause = null) => new(
        new Problem
        {
            Status = (int)response.StatusCode,
            Code = ClientCodes.UnexpectedAnswer,
            Detail = $"The answer {(int)response.StatusCode} of {response.RequestMessage?.RequestUri?.Authority} is not one of Backhaul's; "
                + "check the endpoint, and proxies on the way to it.",
        },
        cause);

    private static BackhaulException Unreachable(bool expired, Exception cause) => new(
        new Problem
        {
            Status = 0,
            Code = ClientCodes.Unreachable,
            Detail = expired ? "The node did not answer in time." : cause.InnerException?.Message ?? cause.Message,
        },
        cause)
    {
        IsTransient = true,
    };

    private static BackhaulException GaveUp(Call call, BackhaulException last, int attempts, TimeSpan waited) => new(
        last.Problem with
        {
            Detail = string.Create(
                CultureInfo.InvariantCulture,
                $"{last.Detail} ({call.Method} /{call.Path.Split('?')[0]}: {attempts} {(attempts == 1 ? "attempt" : "attempts")} in {waited.TotalSeconds:0.0} s.)"),
        },
        last)
    {
        IsTransient = true,
        RetryAfter = last.RetryAfter,
    };

    private async Task<BackhaulException> RefusalAsync(HttpResponseMessage response, CancellationToken stop)
    {
        var problem = response.Content.Headers.ContentType?.MediaType is "application/problem+json" or "application/json"
            ? await ReadProblemAsync(response, stop)
            : null;
        return new BackhaulException(problem ?? Unexpected(response).Problem)
        {
            IsTransient = RetryRules.IsUndecided(response.StatusCode, problem?.Code),
            RetryAfter = RetryRules.RetryAfter(response.Headers.RetryAfter, Time.GetUtcNow()),
        };
    }

    private static async Task<Problem?> ReadProblemAsync(HttpResponseMessage response, CancellationToken stop)
    {
        try
        {
            await response.Content.LoadIntoBufferAsync(ProblemBytesMax, stop);
            return await JsonSerializer.DeserializeAsync(await response.Content.ReadAsStreamAsync(stop), ProtocolJson.Default.Problem, stop);
        }
        catch (Exception notOurs) when (notOurs is JsonException or HttpRequestException { HttpRequestError: HttpRequestError.ConfigurationLimitExceeded })
        {
            return null;   // a proxy's own error page: the status still says what it is
        }
    }
}

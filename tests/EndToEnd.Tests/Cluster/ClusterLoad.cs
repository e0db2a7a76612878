using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Security.Cryptography;
using Xunit;

namespace Backhaul.EndToEnd.Tests.Cluster;

/// <summary>
/// What clients want of a cluster: sessions with downloads, offered through any node, each intent with its own key, repeated until it is
/// acknowledged. At the end the journal, the events and the files are compared with what was acknowledged.
/// </summary>
internal sealed class ClusterLoad
{
    private static readonly TimeSpan AcknowledgedWithin = TimeSpan.FromSeconds(60);
    private readonly NodeCluster _cluster;
    private readonly List<Planned> _tasks = [];
    private readonly ConcurrentDictionary<Planned, byte> _acknowledged = new();
    private int _calls;
    private int _next;

    /// <param name="cluster">Where it goes.</param>
    /// <param name="origin">Where the files come from.</param>
    /// <param name="name">Begins the names of its sessions.</param>
    /// <param name="sessions">How many.</param>
    /// <param name="tasks">Downloads in each.</param>
    /// <param name="length">Bytes of a file.</param>
    /// <param name="bytesPerSecond">How fast the origin gives one; 0 without limit.</param>
    public ClusterLoad(NodeCluster cluster, Origin origin, string name, int sessions, int tasks, int length, long bytesPerSecond)
    {
        _cluster = cluster;
        for (var session = 0; session < sessions; session++)
        {
            for (var task = 0; task < tasks; task++)
            {
                var file = origin.Add($"{name}-{session}-{task}", length, bytesPerSecond);
                _tasks.Add(new Planned($"{name}-{session}", $"d{task}", file));
            }
        }
    }

    public IReadOnlyList<string> Sessions => [.. _tasks.Select(task => task.Session).Distinct()];

    public int Calls => _calls;

    public bool IsAcknowledged => _acknowledged.Count == _tasks.Count;

    /// <summary>Offers everything; returns when all of it is acknowledged.</summary>
    public Task OfferAsync(int clients = 8)
    {
        var waiting = new ConcurrentQueue<IGrouping<string, Planned>>(_tasks.GroupBy(task => task.Session));
        return Task.WhenAll(Enumerable.Range(0, clients).Select(_ => WorkAsync()));

        async Task WorkAsync()
        {
            while (waiting.TryDequeue(out var session))
            {
                await UntilAcknowledgedAsync(api => api.SendAsync(HttpMethod.Put, $"/v1/sessions/{session.Key}", "{}"), session.Key);
                foreach (var task in session)
                {
                    await UntilAcknowledgedAsync(
                        api => api.SendAsync(
                            HttpMethod.Post, $"/v1/sessions/{task.Session}/tasks",
                            $$"""{"id":"{{task.Id}}","kind":"download","url":"{{task.File.Url}}","destination":"default/{{task.Path}}"}""", key: $"{task.Session}-{task.Id}"),
                        task.Path);
                    _acknowledged[task] = 0;
                }
            }
        }
    }

    /// <summary>Waits until every task has succeeded, asked through any node.</summary>
    public async Task DoneAsync(TimeSpan within)
    {
        foreach (var session in _tasks.GroupBy(task => task.Session))
        {
            var last = "";
            await Eventually.TrueAsync(
                async () =>
                {
                    var answer = await TryAsync(api => api.GetAsync($"/v1/sessions/{session.Key}"));
                    last = answer?.Text ?? last;
                    return answer is { Status: HttpStatusCode.OK } && answer.Json.GetProperty("counts").GetProperty("succeeded").GetInt64() == session.Count();
                },
                within, () => $"every task of {session.Key} to succeed; it says {last}\n{_cluster.Logs}");
        }
    }

    /// <summary>Nothing acknowledged is lost and nothing happened twice.</summary>
    public async Task VerifyAsync()
    {
        Assert.True(IsAcknowledged);
        var rows = (await _cluster.RowsAsync()).GroupBy(row => row.Session).ToDictionary(group => group.Key, group => group.ToList());
        foreach (var session in _tasks.GroupBy(task => task.Session))
        {
            var mine = rows["default/" + session.Key];
            Assert.Equal(Enumerable.Range(0, mine.Count).Select(i => mine[0].Sequence + i), mine.Select(row => row.Sequence));
            Assert.Equal(mine.Select(row => row.Epoch).Order(), mine.Select(row => row.Epoch));
            var numbers = mine.Where(row => row.Number is not null).Select(row => row.Number!.Value).ToList();
            Assert.Equal(Enumerable.Range(0, numbers.Count).Select(i => numbers[0] + i), numbers);

            var events = await EventsAsync(session.Key);
            Assert.Equal(Enumerable.Range(1, events.Count).Select(number => (long)number), events.Select(one => one.GetProperty("number").GetInt64()));
            var ends = events.Where(one => one.GetProperty("type").GetString() == "taskCompleted").ToList();
            Assert.Equal(session.Select(task => task.Id).Order(), ends.Select(one => one.GetProperty("task").GetString()!).Order());
            Assert.All(ends, end => Assert.Equal("succeeded", end.GetProperty("data").GetProperty("outcome").GetString()));
        }
        foreach (var task in _tasks)
            Assert.Equal(task.File.Sha256, await Sha256Async(_cluster.FileOf(task.Path)));
    }

    /// <summary>One call through some running node; null when that node did not answer it.</summary>
    public async Task<Answer?> TryAsync(Func<NodeApi, Task<Answer>> call)
    {
        Interlocked.Increment(ref _calls);
        var running = _cluster.Running.ToList();
        if (running.Count == 0)
            return null;
        try
        {
            return await call(running[(int)((uint)Interlocked.Increment(ref _next) % running.Count)].Api);
        }
        catch (Exception gone) when (gone is HttpRequestException or TaskCanceledException or ObjectDisposedException)
        {
            return null;
        }
    }

    private async Task<List<System.Text.Json.JsonElement>> EventsAsync(string session)
    {
        List<System.Text.Json.JsonElement>? events = null;
        await Eventually.TrueAsync(
            async () =>
            {
                try
                {
                    events = await _cluster.Running.First().Api.EventsAsync(session);
                    return true;
                }
                catch (InvalidOperationException)
                {
                    return false; // moving at the moment
                }
            },
            AcknowledgedWithin, () => $"the events of {session}");
        return events!;
    }

    /// <summary>Sends the same again until it is answered; anything but success and "again" is a fault.</summary>
    private async Task UntilAcknowledgedAsync(Func<NodeApi, Task<Answer>> call, string what)
    {
        var began = Stopwatch.GetTimestamp();
        Answer? last = null;
        while (Stopwatch.GetElapsedTime(began) < AcknowledgedWithin)
        {
            var answer = await TryAsync(call);
            if (answer is { Status: HttpStatusCode.OK or HttpStatusCode.Created })
                return;
            last = answer ?? last;
            Assert.True(
                answer is null or { Status: HttpStatusCode.ServiceUnavailable or HttpStatusCode.TooManyRequests or HttpStatusCode.GatewayTimeout },
                string.Create(CultureInfo.InvariantCulture, $"{what} was answered {(int?)answer?.Status}: {answer?.Text}"));
            await Task.Delay(100);
        }
        throw new TimeoutException($"{what} was not acknowledged within {AcknowledgedWithin.TotalSeconds:0} s; the last answer was {last?.Text}\n{_cluster.Logs}");
    }

    internal static async Task<string> Sha256Async(string path)
    {
        await using var file = File.OpenRead(path);
        return Convert.ToHexStringLower(await SHA256.HashDataAsync(file));
    }

    private sealed record Planned(string Session, string Id, OriginFile File)
    {
        public string Path => $"{Session}/{Id}.bin";
    }
}

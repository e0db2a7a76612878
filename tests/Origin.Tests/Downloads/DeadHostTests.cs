using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using Backhaul.FaultOrigin;
using Xunit;

namespace Backhaul.Origin.Tests.Downloads;

/// <summary>A thousand tasks to a port where nobody listens, on a real node: those to a host that lives keep their rate. The session's events tell who was tried when.</summary>
public sealed class DeadHostTests
{
    private const int DeadTasks = 1000;
    private const int LiveTasks = 300;
    private const int PerHost = 8;

    /// <summary>The machine may be busy with something else for a moment: of so many races one has to be good.</summary>
    private const int RacesMax = 3;

    private const double RateKept = 0.95;
    private const int Bytes = 12_000;

    /// <summary>One task takes an eighth of a second, nearly all of it waiting: what is measured is the turns that tasks get, not the machine.</summary>
    private const string Pace = "rate=100000";

    private static readonly TimeSpan Within = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan Burst = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan ProbesWithin = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task A_thousand_tasks_to_one_dead_host_leave_the_others_their_rate_and_the_host_its_peace()
    {
        await using var origin = await ScriptedOrigin.StartAsync();
        using var dead = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        dead.Bind(new IPEndPoint(IPAddress.Loopback, 0)); // taken, and nobody listens
        using var folder = new NodeFolder();
        List<(TimeSpan Alone, TimeSpan Beside)> races = [];
        List<DateTimeOffset> tries;
        await using (var node = await NodeProcess.StartAsync(folder.Data))
        {
            await node.Api.OpenAsync("alone", $$"""{"maxConnectionsPerHost":{{PerHost}}}""");
            await node.Api.OpenAsync("beside", $$"""{"maxConnectionsPerHost":{{PerHost}}}""");
            await AddAsync(node, "beside", "dead", DeadTasks, task => $"http://{dead.LocalEndPoint}/{task}");
            await node.Api.TaskWhenAsync("beside", "dead1", view => view.GetProperty("attempts").GetInt32() > 0 && view.GetProperty("state").GetString() == "waiting", Within);
            while (races.Count < RacesMax && !races.Exists(IsGood))
                races.Add((await RaceAsync(node, origin, "alone", races.Count), await RaceAsync(node, origin, "beside", races.Count)));
            tries = await TriesAsync(node);
            Assert.InRange(Count(await node.Api.SessionAsync("beside"), "waiting"), DeadTasks - 1, DeadTasks);
        }
        var told = string.Join("; ", races.Select(race => $"{LiveTasks} tasks took {race.Alone.TotalSeconds:0.00} s alone and {race.Beside.TotalSeconds:0.00} s beside"));
        AssertPeace(tries);
        TestContext.Current.TestOutputHelper?.WriteLine(told);
        Assert.True(races.Exists(IsGood), told);
    }

    private static bool IsGood((TimeSpan Alone, TimeSpan Beside) race) => race.Alone / race.Beside >= RateKept;

    /// <summary>Until it is known to be dead the session's connections to one host; then no more than two probes in any thirty seconds.</summary>
    private static void AssertPeace(List<DateTimeOffset> tries)
    {
        var first = tries.Count(at => at - tries[0] < Burst);
        Assert.InRange(first, 1, 2 * PerHost);
        for (var i = first + 2; i < tries.Count; i++)
            Assert.True(tries[i] - tries[i - 2] > ProbesWithin, $"Probes at {tries[i - 2]:O}, {tries[i - 1]:O} and {tries[i]:O}.");
    }

    /// <summary>When the dead host was tried, with one probe at least.</summary>
    private static async Task<List<DateTimeOffset>> TriesAsync(NodeProcess node)
    {
        List<DateTimeOffset> tries = [];
        var seen = 0L;
        await Eventually.TrueAsync(
            async () =>
            {
                foreach (var happened in await node.Api.EventsAsync("beside", seen))
                {
                    seen = happened.GetProperty("number").GetInt64();
                    if (happened.GetProperty("type").GetString() == "taskStarted" && happened.GetProperty("task").GetString()!.StartsWith("dead", StringComparison.Ordinal))
                        tries.Add(happened.GetProperty("at").GetDateTimeOffset());
                }
                return tries.Count > 0 && tries[^1] - tries[0] > Burst;
            },
            Within, () => $"a probe of the dead host after {tries.Count} tries");
        return tries;
    }

    private static async Task<TimeSpan> RaceAsync(NodeProcess node, ScriptedOrigin origin, string session, int race)
    {
        var before = Count(await node.Api.SessionAsync(session), "succeeded");
        var began = Stopwatch.GetTimestamp();
        await AddAsync(node, session, $"live{race}-", LiveTasks, task => origin.Bytes($"{session}-{task}", Bytes, Pace));
        await Eventually.TrueAsync(
            async () => Count(await node.Api.SessionAsync(session), "succeeded") == before + LiveTasks, Within, () => $"{LiveTasks} tasks of {session} to end\n{node.Output}");
        return Stopwatch.GetElapsedTime(began);
    }

    private static int Count(JsonElement session, string state) => session.GetProperty("counts").GetProperty(state).GetInt32();

    private static async Task AddAsync(NodeProcess node, string session, string prefix, int count, Func<string, string> urlOf)
    {
        var tasks = Enumerable.Range(1, count).Select(n => $"{prefix}{n}").Select(id => new { id, kind = "download", url = urlOf(id) });
        var added = await node.Api.SendAsync(HttpMethod.Post, $"/v1/sessions/{session}/tasks", JsonSerializer.Serialize(tasks), key: $"{session}-{prefix}");
        Assert.True(added.Status == HttpStatusCode.OK, added.Text);
    }
}

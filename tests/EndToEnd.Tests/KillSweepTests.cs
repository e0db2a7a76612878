using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Xunit;

namespace Backhaul.EndToEnd.Tests;

/// <summary>
/// kill -9 at moments that nobody chose. A run is one data directory, several lives of a node, two sessions with downloads that are slow
/// enough to be cut. The origin's record of requests and the journal of the dead node are the witnesses. A seed is printed; to repeat it:
/// BACKHAUL_SEED=n. BACKHAUL_SWEEP=long makes the sweep long.
/// </summary>
public sealed class KillSweepTests
{
    private const int KillsPerRun = 6;
    private const int TasksPerSession = 14;
    private static readonly string[] Sessions = ["sweep-a", "sweep-b"];
    private static readonly TimeSpan FinishWithin = TimeSpan.FromSeconds(120);

    /// <summary>Checkpoints far more often than by default, so that most kills fall between some.</summary>
    private static readonly IReadOnlyDictionary<string, string> Settings = new Dictionary<string, string>
    {
        ["Backhaul:Transfers:CheckpointInterval"] = "00:00:00.050",
        ["Backhaul:Transfers:CompleteCheckpointBytesMin"] = "300000",
        ["Logging:LogLevel:Default"] = "Warning",
    };

    public static TheoryData<int> Seeds()
    {
        if (Environment.GetEnvironmentVariable("BACKHAUL_SEED") is { Length: > 0 } seed)
            return [int.Parse(seed, CultureInfo.InvariantCulture)];
        var runs = Environment.GetEnvironmentVariable("BACKHAUL_SWEEP") == "long" ? 11 : 1;
        return [.. Enumerable.Range(0, runs).Select(_ => Random.Shared.Next(1_000_000))];
    }

    [Theory]
    [MemberData(nameof(Seeds), DisableDiscoveryEnumeration = true)]
    public async Task Killed_at_random_moments_every_accepted_task_ends_once_and_nothing_is_asked_twice(int seed)
    {
        Console.WriteLine($"[seed] kill sweep BACKHAUL_SEED={seed}");
        var random = new Random(seed);
        using var folder = new NodeFolder();
        await using var origin = await Origin.StartAsync();
        var plan = new Plan(origin, random);
        var expected = new Dictionary<string, Expectation>(StringComparer.Ordinal);
        var resumed = 0;

        for (var kill = 0; kill < KillsPerRun; kill++)
        {
            await using var node = NodeProcess.Spawn(folder.Data, Settings);
            var client = plan.OfferAsync(node);
            var duringStart = random.Next(KillsPerRun) == 0;
            if (!duringStart)
                await node.ReadyAsync();
            var moment = TimeSpan.FromMilliseconds(random.Next(20, duringStart ? 1500 : 3000));
            var started = Stopwatch.GetTimestamp();
            await Eventually.TrueAsync(() => Task.FromResult(Stopwatch.GetElapsedTime(started) >= moment || node.HasExited), moment + TimeSpan.FromSeconds(30), () => "the moment");
            Assert.False(node.HasExited, node.Output);
            await node.KillAsync();
            await client;
            await origin.QuietAsync();
            resumed += Check(expected, origin);
            expected = ExpectAfter(JournalFile.Read(folder.Data), plan, origin);
        }

        await using var last = await NodeProcess.StartAsync(folder.Data, Settings);
        await plan.OfferAsync(last);
        Assert.Equal(plan.Tasks.Count, plan.Accepted.Count);
        foreach (var session in Sessions)
        {
            var answer = await last.Api.OpenAsync(session);
            Assert.False(answer.Json.TryGetProperty("created", out _), $"{session} was created a second time");
            await Eventually.TrueAsync(
                async () => (await last.Api.SessionAsync(session)).GetProperty("counts").GetProperty("succeeded").GetInt64() == TasksPerSession,
                FinishWithin, () => $"all tasks of {session} to succeed");
        }
        resumed += Check(expected, origin);
        await VerifyAsync(last, folder, plan);
        VerifyJournal(await StopAndReadAsync(last, folder));
        Console.WriteLine($"[seed] kill sweep BACKHAUL_SEED={seed}: {resumed} first requests after a kill were right");
    }

    private static async Task VerifyAsync(NodeProcess node, NodeFolder folder, Plan plan)
    {
        foreach (var session in Sessions)
        {
            var events = await node.Api.EventsAsync(session);
            Assert.Equal(Enumerable.Range(1, events.Count).Select(number => (long)number), events.Select(one => one.GetProperty("number").GetInt64()));
            var ends = events.Where(one => one.GetProperty("type").GetString() == "taskCompleted").Select(one => one.GetProperty("task").GetString()!).ToList();
            Assert.Equal(plan.Tasks.Where(task => task.Session == session).Select(task => task.Id).Order(), ends.Order());
            Assert.Equal(events.Count, (await node.Api.SessionAsync(session)).GetProperty("lastEvent").GetInt64());
        }
        foreach (var task in plan.Tasks)
            Assert.Equal(task.File.Sha256, await Sha256OfAsync(folder.FileOf($"{task.Session}/{task.Id}.bin")));
    }

    private static async Task<List<JournalEntry>> StopAndReadAsync(NodeProcess node, NodeFolder folder)
    {
        await node.KillAsync();
        return JournalFile.Read(folder.Data);
    }

    /// <summary>I1: no gap, and epochs never go down.</summary>
    private static void VerifyJournal(List<JournalEntry> rows)
    {
        foreach (var session in rows.GroupBy(row => row.Session))
        {
            var sequences = session.Select(row => row.Sequence).ToList();
            Assert.Equal(Enumerable.Range(0, sequences.Count).Select(i => sequences[0] + i), sequences);
            Assert.Equal(session.Select(row => row.Epoch).Order(), session.Select(row => row.Epoch));
        }
    }

    /// <summary>What the next life must ask for, by the journal of the dead one: bytes after the last checkpoint, or everything, or nothing.</summary>
    private static Dictionary<string, Expectation> ExpectAfter(List<JournalEntry> rows, Plan plan, Origin origin)
    {
        var expected = new Dictionary<string, Expectation>(StringComparer.Ordinal);
        foreach (var task in plan.Tasks)
        {
            var mine = rows.Where(row => row.Session.EndsWith("/" + task.Session, StringComparison.Ordinal) && row.Task == task.Id).ToList();
            long from = 0;
            var (complete, ended) = (false, false);
            foreach (var row in mine)
            {
                switch (row.EventType)
                {
                    case "task.checkpointed.v1":
                        var part = row.Payload.GetProperty("part");
                        from = part.TryGetProperty("validator", out var validator) && validator.ValueKind == JsonValueKind.String ? part.GetProperty("bytes").GetInt64() : 0;
                        complete = part.TryGetProperty("complete", out var whole) && whole.GetBoolean();
                        break;
                    case "task.restarted.v1":
                        (from, complete) = (0, false);
                        break;
                    case "task.attemptEnded.v1" when row.Payload.GetProperty("discardPart").GetBoolean():
                        (from, complete) = (0, false);
                        break;
                    case "task.completed.v1":
                        ended = true;
                        break;
                }
            }
            expected[task.File.Name] = new Expectation(from, NoRequest: ended || complete, origin.Requests(task.File.Name).Count);
        }
        return expected;
    }

    /// <summary>Compares the first request of each file since the last kill with what was expected; how many there were.</summary>
    private static int Check(Dictionary<string, Expectation> expected, Origin origin)
    {
        var count = 0;
        foreach (var (file, expectation) in expected)
        {
            var since = origin.Requests(file).Skip(expectation.RequestsBefore).ToList();
            if (since.Count == 0)
                continue;
            count++;
            Assert.False(expectation.NoRequest, $"{file} was complete, and was asked for again: {since[0]}");
            Assert.True((since[0].RangeStart ?? 0) == expectation.From, $"{file}: expected a request from byte {expectation.From}, got {since[0]}");
            Assert.True(since[0].RangeStart is null || since[0].HasIfRange, $"{file}: a range without If-Range: {since[0]}");
        }
        return count;
    }

    private static async Task<string> Sha256OfAsync(string path)
    {
        await using var file = File.OpenRead(path);
        return Convert.ToHexStringLower(await System.Security.Cryptography.SHA256.HashDataAsync(file));
    }

    private sealed record Expectation(long From, bool NoRequest, int RequestsBefore);

    private sealed record PlannedTask(string Session, string Id, OriginFile File);

    /// <summary>What a client wants done, and what was acknowledged to it. It repeats what was not, with the same keys, in every life.</summary>
    private sealed class Plan
    {
        public Plan(Origin origin, Random random)
        {
            foreach (var session in Sessions)
            {
                for (var i = 0; i < TasksPerSession; i++)
                {
                    var bytes = i switch { 0 => 0, 1 => 1, < 5 => random.Next(1, 65_536), _ => random.Next(200_000, 4_000_000) };
                    Tasks.Add(new PlannedTask(session, $"d{i}", origin.Add($"{session}-{i}", bytes, bytesPerSecond: bytes < 65_536 ? 0 : random.Next(200_000, 2_000_000))));
                }
            }
        }

        public List<PlannedTask> Tasks { get; } = [];

        public HashSet<PlannedTask> Accepted { get; } = [];

        /// <summary>Offers every task that was not acknowledged yet, until all are or the node is gone.</summary>
        public async Task OfferAsync(NodeProcess node)
        {
            while (Accepted.Count < Tasks.Count && !node.HasExited)
            {
                try
                {
                    foreach (var session in Sessions)
                        await node.Api.OpenAsync(session);
                    foreach (var task in Tasks.Where(task => !Accepted.Contains(task)).ToList())
                    {
                        await node.Api.DownloadAsync(task.Session, task.Id, task.File.Url, $"{task.Session}/{task.Id}.bin");
                        Accepted.Add(task);
                    }
                }
                catch (HttpRequestException)
                {
                    await Task.Yield(); // not there yet, or gone in the middle: the task stays unacknowledged
                }
            }
        }
    }
}

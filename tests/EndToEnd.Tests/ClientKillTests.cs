using System.Diagnostics;
using System.Globalization;
using Backhaul.Client;
using Xunit;

namespace Backhaul.EndToEnd.Tests;

/// <summary>
/// A client is killed and started again and again while its tasks run. Each life writes down the events that it handled; the log of all lives is the
/// witness. A seed is printed; to repeat it: BACKHAUL_SEED=n. BACKHAUL_SWEEP=long kills a hundred times.
/// </summary>
public sealed class ClientKillTests
{
    private const int Tasks = 1_000;
    private const int Files = 25;
    private static readonly TimeSpan Within = TimeSpan.FromSeconds(180);
    private static readonly bool IsLong = Environment.GetEnvironmentVariable("BACKHAUL_SWEEP") == "long";
    private static readonly int Kills = IsLong ? 100 : 5;

    // So slow that the tasks outlive all kills of the sweep.
    private static readonly int BytesPerSecond = IsLong ? 5_000 : 0;

    [Fact]
    public async Task Killed_again_and_again_a_client_handles_each_event_at_least_once_and_in_order()
    {
        var seed = Environment.GetEnvironmentVariable("BACKHAUL_SEED") is { Length: > 0 } given ? int.Parse(given, CultureInfo.InvariantCulture) : Random.Shared.Next(1_000_000);
        Console.WriteLine($"[seed] client kills BACKHAUL_SEED={seed}");
        var random = new Random(seed);
        using var folder = new NodeFolder();
        await using var origin = await Origin.StartAsync();
        var files = Enumerable.Range(0, Files).Select(index => origin.Add($"peer-{index}", 1_000 + (index * 701), BytesPerSecond)).ToList();
        var (urls, log) = (Path.Combine(folder.Root, "urls"), Path.Combine(folder.Root, "events"));
        await File.WriteAllLinesAsync(urls, Enumerable.Range(0, Tasks).Select(index => files[index % Files].Url), TestContext.Current.CancellationToken);
        await using var node = await NodeProcess.StartAsync(folder.Data);
        string[] words = [node.Url.ToString(), "killed", urls, log];

        var (lives, midway) = (new List<IReadOnlyList<string>>(), 0);
        for (var kill = 0; kill < Kills; kill++)
        {
            var before = Lines(log);
            await LiveAndDieAsync(random, words);
            lives.Add([.. Lines(log).Skip(before.Count)]);
            midway += await HasLiveTasksAsync(node) ? 1 : 0;
        }
        Console.WriteLine($"[client kills] {midway} of {Kills} while tasks ran");
        Assert.True(midway >= (IsLong ? Kills : 1), $"{midway} of {Kills} kills came while tasks ran");
        var handledBefore = Lines(log).Count;
        await using (var last = Start(words))
            Assert.True(await last.ExitAsync(Within) == 0, last.Output);
        lives.Add([.. Lines(log).Skip(handledBefore)]);

        await CheckAsync(node, lives);
        var stored = Path.GetDirectoryName(folder.FileOf("peer/0000.bin"))!;
        Assert.Equal(Tasks, Directory.EnumerateFiles(stored).Count());
        foreach (var index in Enumerable.Range(0, Tasks))
        {
            var content = await File.ReadAllBytesAsync(Path.Combine(stored, $"{index:0000}.bin"), TestContext.Current.CancellationToken);
            Assert.True(origin.ContentOf($"peer-{index % Files}").AsSpan().SequenceEqual(content), $"the file of task {index}");
        }
    }

    /// <summary>A life ends by its own hand, right before or after an event was written down, or from outside, at a moment that nobody chose.</summary>
    private static async Task LiveAndDieAsync(Random random, string[] words)
    {
        if (random.Next(3) > 0)
        {
            var after = random.Next(1, 2 * Tasks / Kills);
            await using var suicidal = Start([.. words, after.ToString(CultureInfo.InvariantCulture), random.Next(2) == 0 ? "before" : "after"]);
            await suicidal.ExitAsync(Within);
            return;
        }
        var moment = TimeSpan.FromMilliseconds(random.Next(50, 2_500));
        var started = Stopwatch.GetTimestamp();
        await using var killed = Start(words);
        await Eventually.TrueAsync(() => Task.FromResult(killed.HasExited || Stopwatch.GetElapsedTime(started) >= moment), Within, () => "the moment");
        await killed.KillAsync();
    }

    private static async Task<bool> HasLiveTasksAsync(NodeProcess node)
    {
        using var client = new BackhaulClient(node.Url);
        try
        {
            return (await client.Session("killed").GetAsync(TestContext.Current.CancellationToken)).Counts.Succeeded < Tasks;
        }
        catch (BackhaulException failure) when (failure.Status == 404)
        {
            return true;   // its first client died before it had opened it
        }
    }

    private static async Task CheckAsync(NodeProcess node, List<IReadOnlyList<string>> lives)
    {
        var handled = 0L;
        var completed = new HashSet<string>(StringComparer.Ordinal);
        foreach (var life in lives)
        {
            var numbers = life.Select(line => long.Parse(line.Split(' ')[0], CultureInfo.InvariantCulture)).ToList();
            if (numbers.Count == 0)
                continue;
            Assert.Equal(Enumerable.Range(0, numbers.Count).Select(offset => numbers[0] + offset), numbers);
            Assert.True(numbers[0] <= handled + 1, $"a life began with event {numbers[0]}, and only {handled} were handled before");
            handled = Math.Max(handled, numbers[^1]);
            completed.UnionWith(life.Where(line => line.Contains(" taskCompleted ", StringComparison.Ordinal)).Select(line => line.Split(' ')[2]));
        }
        using var client = new BackhaulClient(node.Url);
        var view = await client.Session("killed").GetAsync(TestContext.Current.CancellationToken);
        Assert.Equal((view.LastEvent, view.LastEvent), (handled, view.Acknowledged));
        Assert.Equal((Tasks, Tasks), (completed.Count, (int)view.Counts.Succeeded));
        Console.WriteLine($"[client kills] {lives.Count - 1} kills, {handled} events, {lives.Sum(life => life.Count) - handled} of them handled again");
    }

    private static ChildProgram Start(IEnumerable<string> words) => ChildProgram.Start("tests/ClientPeer", "Backhaul.ClientPeer", new Dictionary<string, string>(), words);

    private static IReadOnlyList<string> Lines(string log) => File.Exists(log) ? File.ReadAllLines(log) : [];
}

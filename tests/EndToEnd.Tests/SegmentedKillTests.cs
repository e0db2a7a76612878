using System.Diagnostics;
using System.Globalization;
using System.Security.Cryptography;
using Backhaul.Node.Files;
using Xunit;

namespace Backhaul.EndToEnd.Tests;

/// <summary>
/// kill -9 again and again in one download that runs over several connections. The origin's record and the journal of the dead node are the
/// witnesses: nothing that was journaled is asked for again, and each kill loses no more than what came in since the last checkpoint. The seed is printed; to
/// repeat it: BACKHAUL_SEED=n. BACKHAUL_SWEEP=long kills 50 times.
/// </summary>
public sealed class SegmentedKillTests
{
    private const string Session = "segments";
    private const long ConnectionBytesPerSecond = 400_000;
    private const int SegmentsMax = 4;
    private const int LifeMsMax = 2500;
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan RequestWithin = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan FinishWithin = TimeSpan.FromMinutes(5);

    /// <summary>What all connections bring from one checkpoint to the next: its interval, and as long again for the flush and the journal.</summary>
    private static readonly long CheckpointBytesMax = (long)(SegmentsMax * ConnectionBytesPerSecond * 2 * Interval.TotalSeconds);

    /// <summary>What a connection holds on the way to the disk besides: read and not yet handed over.</summary>
    private const long ConnectionBufferBytes = 64 * 1024;

    /// <summary>Connections are tried soon, and checkpoints come far more often than by default.</summary>
    private static readonly IReadOnlyDictionary<string, string> Settings = new Dictionary<string, string>
    {
        ["Backhaul:Transfers:CheckpointInterval"] = Interval.ToString("c", CultureInfo.InvariantCulture),
        ["Backhaul:Transfers:SegmentsMax"] = SegmentsMax.ToString(CultureInfo.InvariantCulture),
        ["Backhaul:Transfers:SegmentBytesMin"] = "262144",
        ["Backhaul:Transfers:SegmentWindow"] = "00:00:00.100",
        ["Logging:LogLevel:Default"] = "Warning",
    };

    [Fact]
    public async Task Killed_over_and_over_a_download_in_segments_asks_again_only_for_what_was_not_journaled()
    {
        var seed = Environment.GetEnvironmentVariable("BACKHAUL_SEED") is { Length: > 0 } asked ? int.Parse(asked, CultureInfo.InvariantCulture) : Random.Shared.Next(1_000_000);
        var kills = Cluster.Sweep.Rounds(4, 50);
        Console.WriteLine($"[seed] kills in segments BACKHAUL_SEED={seed}");
        var random = new Random(seed);
        using var folder = new NodeFolder();
        await using var origin = await Origin.StartAsync();
        var file = origin.Add($"segments-{seed}", (kills * 3_000_000) + 4_000_003, ConnectionBytesPerSecond);
        var (kept, checkedRequests, lost, worst, split) = (RangeSet.Empty, 0, 0L, 0L, 0);

        for (var kill = 0; kill < kills; kill++)
        {
            var bornAt = DateTimeOffset.UtcNow;
            await using (var node = NodeProcess.Spawn(folder.Data, Settings))
                await LiveAsync(node, origin, file, random, isFirst: kill == 0);
            var diedAt = DateTimeOffset.UtcNow;
            await origin.QuietAsync();
            var life = origin.Requests(file.Name).Skip(checkedRequests).ToList();
            checkedRequests += life.Count;
            AskedOnlyForTheRest(life, kept, file);
            var journal = JournalFile.Read(folder.Data);
            var now = Journaled(journal);
            Assert.True(kept.All(now.Contains), $"Kill {kill}: {kept} was journaled, and then {now}.");
            var again = life.Sum(request => request.BytesSent) - (now.Length - kept.Length);
            Assert.True(again >= 0, $"Kill {kill}: more was journaled than came in, by {-again} bytes.");
            var most = LostMax(journal, bornAt, diedAt);
            Assert.True(again <= most, $"Kill {kill}: {again} bytes were lost; since the checkpoint before the last one {most} at most came in.");
            (kept, lost, worst, split) = (now, lost + again, Math.Max(worst, again), split + (now.Count > 1 ? 1 : 0));
        }

        await using var last = await NodeProcess.StartAsync(folder.Data, Settings);
        var view = await last.Api.EndedAsync(Session, "d", FinishWithin);
        Assert.Equal("succeeded", view.GetProperty("outcome").GetString());
        var rest = origin.Requests(file.Name).Skip(checkedRequests).ToList();
        AskedOnlyForTheRest(rest, kept, file);
        await using (var content = File.OpenRead(folder.FileOf("segments.bin")))
            Assert.Equal(file.Sha256, Convert.ToHexStringLower(await SHA256.HashDataAsync(content, TestContext.Current.CancellationToken)));
        Console.WriteLine(
            $"[seed] kills in segments BACKHAUL_SEED={seed}: {kills} kills ({split} with ranges beyond the prefix) of {file.Length} bytes in {checkedRequests + rest.Count} requests; "
            + $"{lost} bytes lost, {lost / kills} a kill, {worst} the most; a checkpoint may hold {CheckpointBytesMax}");
        Assert.True(lost <= kills * CheckpointBytesMax, $"{lost} bytes were lost to {kills} kills: more than {CheckpointBytesMax} to each.");
        Assert.True(split > 0 || kills < 50, "No kill found a part with ranges beyond its prefix.");
    }

    /// <summary>A life of the node up to its kill: sometimes during its start, mostly while one connection or several bring bytes.</summary>
    private static async Task LiveAsync(NodeProcess node, Origin origin, OriginFile file, Random random, bool isFirst)
    {
        var before = origin.Requests(file.Name).Count;
        var duringStart = random.Next(8) == 0;
        var requests = random.Next(1, 3);
        var moment = TimeSpan.FromMilliseconds(random.Next(0, LifeMsMax));
        if (isFirst)
        {
            await node.ReadyAsync();
            await node.Api.OpenAsync(Session);
            await node.Api.DownloadAsync(Session, "d", file.Url, "segments.bin");
        }
        if (!duringStart)
        {
            await Eventually.TrueAsync(
                () => Task.FromResult(origin.Requests(file.Name).Count >= before + requests), RequestWithin, () => $"{requests} requests\n{node.Output}");
        }
        var started = Stopwatch.GetTimestamp();
        await Eventually.TrueAsync(
            () => Task.FromResult(Stopwatch.GetElapsedTime(started) >= moment || node.HasExited), moment + TimeSpan.FromSeconds(30), () => "the moment");
        Assert.False(node.HasExited, node.Output);
        await node.KillAsync();
    }

    private static void AskedOnlyForTheRest(IReadOnlyList<SeenRequest> life, RangeSet kept, OriginFile file)
    {
        for (var i = 0; i < life.Count; i++)
        {
            var request = life[i];
            var range = new ByteRange(request.RangeStart ?? 0, request.RangeEnd ?? file.Length);
            Assert.False(kept.Overlaps(range), $"{request} although {kept} was journaled.");
            if (request.RangeStart is null)
                Assert.True(i == 0, $"{request}: the whole file, in the middle of the download.");
            else
                Assert.True(request.IfRange == $"\"{file.Name}-{file.Length}\"", $"{request}: a range has to name what it continues.");
        }
    }

    /// <summary>
    /// A flush begins after the checkpoint before it is journaled, and makes durable what was written until then. So what came in before the last checkpoint but one
    /// cannot be lost, or in a life with fewer what came before that life.
    /// </summary>
    private static long LostMax(List<JournalEntry> journal, DateTimeOffset bornAt, DateTimeOffset diedAt)
    {
        var checkpoints = journal.Where(row => row.EventType == "task.checkpointed.v1" && row.RecordedAt > bornAt).Select(row => row.RecordedAt).ToList();
        var since = checkpoints.Count > 1 ? checkpoints[^2] : bornAt;
        return SegmentsMax * ((long)(ConnectionBytesPerSecond * (diedAt - since).TotalSeconds) + ConnectionBufferBytes);
    }

    /// <summary>What the last checkpoint says is durable.</summary>
    private static RangeSet Journaled(List<JournalEntry> rows)
    {
        Assert.DoesNotContain(rows, row => row.EventType == "task.restarted.v1");
        if (rows.LastOrDefault(row => row.EventType == "task.checkpointed.v1") is not { } last)
            return RangeSet.Empty;
        var part = last.Payload.GetProperty("part");
        var durable = RangeSet.Empty.Add(new ByteRange(0, part.GetProperty("bytes").GetInt64()));
        return part.TryGetProperty("ranges", out var ranges) && ranges.ValueKind == System.Text.Json.JsonValueKind.Array
            ? durable.Add(RangeSet.Of(ranges.EnumerateArray().Select(range => new ByteRange(range[0].GetInt64(), range[1].GetInt64()))))
            : durable;
    }
}

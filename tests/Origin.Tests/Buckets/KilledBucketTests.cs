using System.Globalization;
using System.Net;
using System.Text.Json;
using Backhaul.FaultOrigin;
using Backhaul.Node.Tests.Files.S3;
using Xunit;

namespace Backhaul.Origin.Tests.Buckets;

/// <summary>
/// Nodes that are killed while files go into buckets in parts, by both ways: each kill costs at most one part. The store lists parts, as real ones do, and keeps
/// count of each body, whole or not. <c>BACKHAUL_SWEEP=long</c> kills fifty times each way; the seed is printed, and <c>BACKHAUL_SEED=n</c> repeats it.
/// </summary>
public sealed class KilledBucketTests
{
    /// <summary>So that lives end in the middle of something.</summary>
    private const int BytesPerSecond = 8 * 1024 * 1024;

    /// <summary>Of a download: the first part is at the store, and more comes in until the checkpoint that says so is journaled.</summary>
    private const int FirstCheckpointBytes = 1024 * 1024;

    [Fact]
    public async Task Each_kill_during_an_upload_in_parts_costs_at_most_one_part()
    {
        await using var store = await FakeS3.StartAsync();
        store.PartBytesMin = BucketLives.PartBytes;
        var lives = new List<int>();
        using var run = new BucketLives("upload to a bucket", Settings(store, asContainer: false))
        {
            AddAsync = (api, task) => UploadAsync(api, store, task),
            Moved = () => store.Parts.Sum(part => part.Bytes),
            Take = task => Take(store, $"in/{task}.bin"),
            OnKilled = (_, _) => lives.Add(store.Parts.Count),
        };
        var files = await run.RunAsync();

        var parts = store.Parts.ToList();
        var costs = new long[lives.Count];
        for (var at = 0; at < parts.Count; at++)
        {
            if (parts.FindIndex(at + 1, later => later.Key == parts[at].Key && later.Number == parts[at].Number) < 0)
                continue;
            var life = lives.FindIndex(end => at < end);
            Assert.True(life >= 0, $"part {parts[at].Number} of {parts[at].Key} was sent twice, and nobody was killed");
            costs[life] += parts[at].Bytes;
        }
        Report("upload to a bucket", files, costs);
        Assert.All(costs, cost => Assert.InRange(cost, 0, BucketLives.PartBytes));
        Assert.Equal((long)files * BucketLives.FileBytes, parts.Sum(part => part.Bytes) - costs.Sum());
    }

    [Fact]
    public async Task Each_kill_during_a_download_into_a_bucket_costs_at_most_one_part()
    {
        await using var store = await FakeS3.StartAsync();
        await using var origin = await ScriptedOrigin.StartAsync();
        store.PartBytesMin = BucketLives.PartBytes;
        var lives = new List<(string Task, long Received, int Requests)>();
        using var run = new BucketLives("download into a bucket", Settings(store, asContainer: true))
        {
            AddAsync = (api, task) => api.DownloadAsync("lives", task, origin.Bytes(task, BucketLives.FileBytes, $"rate={BytesPerSecond}"), $"{task}.bin"),
            Moved = () => origin.Requests.Sum(request => request.BytesSent),
            Take = task => Take(store, $"default/{task}.bin"),
            OnKilled = (task, received) => lives.Add((task, received, origin.Requests.Count)),
        };
        var files = await run.RunAsync();

        var requests = origin.Requests.ToList();
        var costs = lives.Select(life => requests.Skip(life.Requests).FirstOrDefault(later => later.Path.StartsWith($"/bytes/{life.Task}/", StringComparison.Ordinal)) is { } next
            ? Math.Max(0, life.Received - FromOf(next))
            : 0).ToArray();
        Report("download into a bucket", files, costs);
        // What the killed node had not read yet, in buffers of both systems, is sent again too: how much that is depends on the machine.
        var sent = requests.Sum(request => request.BytesSent) - ((long)files * BucketLives.FileBytes);
        Console.WriteLine($"[seed] download into a bucket: {sent} bytes left the origin again in all");
        Assert.All(costs, cost => Assert.InRange(cost, 0, BucketLives.PartBytes + FirstCheckpointBytes));
        Assert.InRange(sent, 0, 2L * BucketLives.PartBytes * lives.Count);
        Assert.All(requests.Skip(lives[^1].Requests).GroupBy(request => request.Path), file => Assert.Single(file)); // nobody was killed, nothing is asked twice
        // Killed between the store's answer and its note, a node leaves an upload that nobody knows of: the bucket's lifecycle rule is for that one.
        Assert.InRange(store.OpenUploads.Count, 0, lives.Count);
    }

    private static void Report(string what, int files, long[] costs) => Console.WriteLine(
        $"[seed] {what}: {costs.Length} kills, {files} files of {BucketLives.FileBytes} bytes right by SHA-256; moved again in all {costs.Sum()}, for one kill at most {costs.Max()} (a part has {BucketLives.PartBytes})");

    private static long FromOf(OriginRequest request) =>
        request.Range is { } range ? long.Parse(range["bytes=".Length..].Split('-')[0], CultureInfo.InvariantCulture) : 0;

    /// <summary>The object, of which the store then keeps an empty one, and no copies of its parts.</summary>
    private static byte[]? Take(FakeS3 store, string key)
    {
        var content = store.Content(key);
        store.Calls.Clear();
        store.Put(key, []);
        return content;
    }

    private static async Task UploadAsync(NodeApi api, FakeS3 store, string task)
    {
        await api.PutFileAsync($"default/{task}.bin", OriginContent.Bytes(task, 0, BucketLives.FileBytes));
        var added = await api.SendAsync(
            HttpMethod.Post, "/v1/sessions/lives/tasks",
            JsonSerializer.Serialize(new
            {
                id = task,
                kind = "upload",
                uploadProtocol = "s3",
                url = $"{store.Url}{FakeS3.Bucket}/in/{task}.bin",
                source = $"default/{task}.bin",
                bytesPerSecondMax = BytesPerSecond,
            }),
            key: task);
        Assert.True(added.Status == HttpStatusCode.Created, added.Text);
    }

    private static Dictionary<string, string> Settings(FakeS3 store, bool asContainer)
    {
        var part = BucketLives.PartBytes.ToString(CultureInfo.InvariantCulture);
        var settings = new Dictionary<string, string>
        {
            ["Backhaul:Secrets:store:Kind"] = "s3",
            ["Backhaul:Secrets:store:AccessKey"] = FakeS3.AccessKey,
            ["Backhaul:Secrets:store:SecretKey"] = FakeS3.SecretKey,
            ["Backhaul:Transfers:UploadChunkBytes"] = part,
            ["Backhaul:Transfers:SegmentsMax"] = "1",
        };
        if (!asContainer)
            return settings;
        settings["Backhaul:Containers:default:Kind"] = "s3";
        settings["Backhaul:Containers:default:Bucket"] = FakeS3.Bucket;
        settings["Backhaul:Containers:default:Endpoint"] = store.Url.GetLeftPart(UriPartial.Authority);
        settings["Backhaul:Containers:default:AccessKey"] = FakeS3.AccessKey;
        settings["Backhaul:Containers:default:SecretKey"] = FakeS3.SecretKey;
        settings["Backhaul:Containers:default:PartBytes"] = part;
        settings["Backhaul:Containers:default:PartsInFlight"] = "1";
        return settings;
    }
}

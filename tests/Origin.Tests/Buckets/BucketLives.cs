using System.Security.Cryptography;
using Backhaul.FaultOrigin;
using Xunit;

namespace Backhaul.Origin.Tests.Buckets;

/// <summary>
/// One node after another on the same data, each killed when a random number of bytes has moved since it began, with file after file for it to move: in the
/// middle of parts, between them, and around the ends of files. What is right is judged by the store's bytes, what was moved twice by whoever sent or took it.
/// </summary>
internal sealed class BucketLives(string what, Dictionary<string, string> settings) : IDisposable
{
    public const int PartBytes = 5 * 1024 * 1024;
    public const int FileBytes = (4 * PartBytes) + 1_234_567;

    /// <summary>A file takes about two lives.</summary>
    private const int LifeBytesMax = (2 * PartBytes) + (PartBytes / 2);

    private static readonly TimeSpan Within = TimeSpan.FromSeconds(90);

    private readonly NodeFolder _folder = new();
    private int _tasks;
    private long _received;

    /// <summary>Three by default; <c>BACKHAUL_SWEEP=long</c> kills fifty times.</summary>
    public static int Kills => Environment.GetEnvironmentVariable("BACKHAUL_SWEEP") == "long" ? 50 : 3;

    /// <summary>Adds a task by its id.</summary>
    public required Func<NodeApi, string, Task> AddAsync { get; init; }

    /// <summary>What has moved so far in all.</summary>
    public required Func<long> Moved { get; init; }

    /// <summary>The store's object of a task that ended well; it may be forgotten afterwards.</summary>
    public required Func<string, byte[]?> Take { get; init; }

    /// <summary>Ends a life: whatever moved up to now moved before this kill. The newest task, and what its node last said it had received of it.</summary>
    public required Action<string, long> OnKilled { get; init; }

    /// <summary>Lives through all kills, and to the end of the last file; how many files there were.</summary>
    public async Task<int> RunAsync()
    {
        var seed = int.TryParse(Environment.GetEnvironmentVariable("BACKHAUL_SEED"), out var given) ? given : Random.Shared.Next(1_000_000);
        Console.WriteLine($"[seed] {what} BACKHAUL_SEED={seed}");
        var random = new Random(seed);
        for (var kill = 1; kill <= Kills; kill++)
        {
            await using var node = await NodeProcess.StartAsync(_folder.Data, settings);
            await node.Api.OpenAsync("lives", """{"retry":{"first":"PT0.05S","longest":"PT0.5S"},"credentials":[{"secret":"store"}]}""");
            var end = Moved() + random.NextInt64(LifeBytesMax);
            await Eventually.TrueAsync(
                async () =>
                {
                    if (_tasks == 0 || await HasEndedAsync(node.Api))
                    {
                        await AddAsync(node.Api, $"f{++_tasks}");
                        _received = 0;
                    }
                    return Moved() >= end;
                },
                Within, () => $"{end} bytes before kill {kill}; there are {Moved()}");
            await node.KillAsync();
            OnKilled($"f{_tasks}", _received);
        }
        await using var last = await NodeProcess.StartAsync(_folder.Data, settings);
        await Eventually.TrueAsync(() => HasEndedAsync(last.Api), Within, () => $"the end of f{_tasks}");
        return _tasks;
    }

    public void Dispose() => _folder.Dispose();

    /// <summary>Whether the newest task has ended; then its file is right.</summary>
    private async Task<bool> HasEndedAsync(NodeApi api)
    {
        var task = $"f{_tasks}";
        var view = await api.TaskAsync("lives", task);
        _received = view.GetProperty("progress").GetProperty("bytesReceived").GetInt64();
        if (view.GetProperty("state").GetString() != "completed")
            return false;
        Assert.True(view.GetProperty("outcome").GetString() == "succeeded", view.ToString());
        Assert.Equal(OriginContent.Sha256(task, FileBytes), Convert.ToHexStringLower(SHA256.HashData(Take(task)!)));
        return true;
    }
}

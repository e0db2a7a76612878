using System.Net;
using Xunit;

namespace Backhaul.EndToEnd.Tests;

/// <summary>
/// No room on the disk, in a small file system of the node's own. Downloads wait, commands that cannot be stored are refused, what was
/// acknowledged stays, and everything goes on when there is room again.
/// </summary>
public sealed class StorageFullTests
{
    private static readonly TimeSpan Within = TimeSpan.FromSeconds(90);

    [Fact]
    public async Task A_full_disk_makes_downloads_wait_and_room_lets_them_go_on()
    {
        using var folder = new NodeFolder();
        await using var origin = await Origin.StartAsync();
        var large = origin.Add("large", 30_000_000, bytesPerSecond: 0);
        var small = origin.Add("small", 10_000, bytesPerSecond: 0);
        await using var node = await NodeProcess.StartAsync(folder.Data, wrapper: SmallDisk(folder.Data, megabytes: 48));
        await node.Api.OpenAsync("full");
        Assert.Equal(HttpStatusCode.Created, (await node.Api.PutFileAsync("default/ballast.bin", new byte[25_000_000])).Status);

        await node.Api.DownloadAsync("full", "large", large.Url, "large.bin");
        await node.Api.TaskWhenAsync("full", "large", view => view.TryGetProperty("reason", out var reason) && reason.GetString() == "storage", Within);
        var why = (await node.Api.GetAsync("/v1/sessions/full/tasks/large/why")).Json.GetProperty("sentence").GetString();
        Assert.False(string.IsNullOrWhiteSpace(why));

        // Others go on.
        await node.Api.DownloadAsync("full", "small", small.Url, "small.bin");
        Assert.Equal("succeeded", (await node.Api.EndedAsync("full", "small", Within)).GetProperty("outcome").GetString());

        await node.Api.SendAsync(HttpMethod.Delete, "/v1/files/default/ballast.bin");
        await node.Api.SendAsync(HttpMethod.Post, "/v1/sessions/full/tasks/large/resume", "{}");
        Assert.Equal("succeeded", (await node.Api.EndedAsync("full", "large", Within)).GetProperty("outcome").GetString());
        Assert.Equal(origin.ContentOf("large"), await node.Api.GetFileAsync("default/large.bin"));
    }

    [Fact]
    public async Task A_journal_without_room_refuses_and_loses_nothing_that_it_acknowledged()
    {
        using var folder = new NodeFolder();
        await using var node = await NodeProcess.StartAsync(folder.Data, wrapper: SmallDisk(folder.Data, megabytes: 24));
        await node.Api.OpenAsync("journal");
        var description = new string('d', 15_000);
        var accepted = 0;
        Answer? refused = null;
        for (var i = 0; refused is null && i < 10_000; i++)
        {
            var answer = await node.Api.SendAsync(HttpMethod.Post, "/v1/sessions/journal/tasks",
                $$"""{"id":"k{{i}}","kind":"download","url":"http://127.0.0.1:9/x","start":false,"description":"{{description}}"}""", key: $"k{i}");
            if (answer.Status == HttpStatusCode.Created)
                accepted++;
            else
                refused = answer;
        }
        Assert.NotNull(refused);
        Assert.True(refused.Status is HttpStatusCode.ServiceUnavailable or HttpStatusCode.InsufficientStorage, refused.Text);
        Assert.True(refused.Code is "unavailable" or "storageFull", refused.Text);
        Assert.True(accepted > 100);
        Assert.False(node.HasExited);

        await Eventually.TrueAsync(async () =>
        {
            var answer = await node.Api.GetAsync("/v1/sessions/journal");
            return answer.Status == HttpStatusCode.OK && answer.Json.GetProperty("counts").GetProperty("suspended").GetInt64() == accepted;
        }, Within, () => $"the session to show its {accepted} tasks");
    }

    /// <summary>
    /// Words that run the node in a mount namespace of its own, with a small file system over its data directory: it vanishes with the
    /// process. Works for root, and elsewhere through a user namespace.
    /// </summary>
    private static IReadOnlyList<string> SmallDisk(string data, int megabytes)
    {
        string[] namespaces = Machine.IsRoot ? ["unshare", "--mount"] : ["unshare", "--user", "--map-root-user", "--mount"];
        var drop = string.Join(' ', Machine.AsOrdinaryUser);
        return [.. namespaces, "sh", "-c", $"mount -t tmpfs -o size={megabytes}m,mode=777 none '{data}' && exec {drop} \"$@\"", "sh"];
    }
}

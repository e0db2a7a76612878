using System.Security.Cryptography;
using System.Text;
using Backhaul.Client;
using Backhaul.Protocol;
using Xunit;

namespace Backhaul.EndToEnd.Tests;

/// <summary>Prefetching with the SDK, against a real node.</summary>
public sealed class PrefetchTests
{
    private static readonly TimeSpan Within = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task What_a_list_names_is_fetched_by_itself_asked_about_by_the_next_round_and_read_from_the_container()
    {
        var stop = TestContext.Current.CancellationToken;
        using var folder = new NodeFolder();
        await using var origin = await Origin.StartAsync();
        await using var node = await NodeProcess.StartAsync(folder.Data);
        using var client = new BackhaulClient(node.Url);
        var session = client.Session("reader");
        await session.CreateOrAttachAsync(stop: stop);
        var (direct, listed) = (origin.Add("direct", 20_000, bytesPerSecond: 0), origin.Add("listed", 3_000_000, bytesPerSecond: 30_000_000));

        // the list is a file of the node itself
        await UploadAsync(client, $"<?xml version=\"1.0\"?><prefetchUris><uri>{listed.Url}</uri></prefetchUris>", stop);
        var request = new PrefetchRequest { Urls = [direct.Url], ListUrl = $"{node.Url}v1/files/default/list", Prefix = "cache" };
        Assert.True((await session.Prefetcher.SetAsync(request, stop)).Created);
        var first = await EndedAsync(session, 1, stop);
        Assert.True(first.Round!.State == "succeeded", $"{first.Round.ListError}; {string.Join("; ", first.Round.Items.Select(item => $"{item.Url} {item.Outcome} {item.Error}"))}");
        Assert.Equal((3, first.Round.EndedAt), (first.Round.Succeeded, first.LastSuccessfulPrefetch));
        Assert.Equal(origin.ContentOf("direct"), await ReadAsync(client, direct.Url, stop));
        Assert.Equal(origin.ContentOf("listed"), await ReadAsync(client, listed.Url, stop));

        Assert.Contains("?rate=", listed.Url, StringComparison.Ordinal); // and queries are shown to nobody
        Assert.Contains(first.Round.Items, item => item.Url == listed.Url[..listed.Url.IndexOf('?', StringComparison.Ordinal)] + "?...");

        // other settings begin a round at once; the files of the one before give way
        await UploadAsync(client, direct.Url, stop);
        await session.Prefetcher.SetAsync(request with { Every = TimeSpan.FromHours(1) }, stop);
        var second = await EndedAsync(session, 2, stop);
        Assert.Equal(("succeeded", 2, 1, 20_000L), (second.Round!.State, second.Round.Succeeded, second.Round.Unchanged, second.Round.BytesSpared));
        Assert.Equal(direct.Url, Encoding.UTF8.GetString(await ReadAsync(client, request.ListUrl, stop)));
        Assert.Equal([200, 304], origin.Requests("direct").Select(request => request.Status));
        Assert.Equal(origin.ContentOf("direct"), await ReadAsync(client, direct.Url, stop));

        var view = await session.GetAsync(stop);
        Assert.Equal((1L, 0L), (view.LastEvent, view.Counts.Succeeded)); // its client was told of nothing
        await session.Prefetcher.RemoveAsync(stop: stop);
        Assert.Equal(ProblemCodes.PrefetchNotFound, (await Assert.ThrowsAsync<BackhaulException>(() => session.Prefetcher.GetAsync(stop))).Code);
        Assert.Equal(origin.ContentOf("direct"), await ReadAsync(client, direct.Url, stop));
    }

    private static async Task UploadAsync(BackhaulClient client, string list, CancellationToken stop)
    {
        using var content = new MemoryStream(Encoding.UTF8.GetBytes(list));
        await client.Files.UploadAsync(FileReference.Parse("default/list"), content, stop);
    }

    private static async Task<PrefetchView> EndedAsync(BackgroundSession session, long round, CancellationToken stop)
    {
        PrefetchView? view = null;
        await Eventually.TrueAsync(
            async () => (view = await session.Prefetcher.GetAsync(stop)).Round is { EndedAt: not null } ended && ended.Number == round, Within, () => $"round {round} to end; it is {view?.Round}");
        return view!;
    }

    /// <summary>The name of a file is known to whoever knows the URL.</summary>
    private static async Task<byte[]> ReadAsync(BackhaulClient client, string url, CancellationToken stop)
    {
        using var content = new MemoryStream();
        var name = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(url)));
        await client.Files.DownloadAsync(FileReference.Parse($"default/cache/{name}"), content, stop: stop);
        return content.ToArray();
    }
}

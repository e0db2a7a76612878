namespace Backhaul.Features.Tests.Tasks;

/// <summary>product.md, Tasks: bytes of a file that is still under way.</summary>
public sealed class RangeTests(FeatureWorld world)
{
    [Theory, ClassData(typeof(Ways))]
    public async Task Wanted_ranges_are_fetched_first_told_with_deferral_and_read_while_the_rest_is_under_way(Way way)
    {
        const int Length = 4_000_000;
        var scene = world.Begin(way);
        await scene.OpenAsync();
        await scene.DownloadAsync("film", scene.Origin.Bytes("film", Length, "rate=400000"), ""","randomAccess":true,"start":false""");
        var wanted = await scene.Caller.WantRangesAsync(scene.Session, "film", """{"ranges":[[3000000,3050000]],"deferral":"PT1H"}""");
        Assert.NotNull(wanted.DeferredUntil);
        await scene.Caller.ActAsync(scene.Session, "film", "resume");
        var bytes = await scene.Caller.ContentAsync(scene.Session, "film", 3_000_000, 3_049_999); // waits for them
        Assert.Equal(scene.Origin.Content("film", Length)[3_000_000..3_050_000], bytes);
        Assert.Equal("running", (await scene.TaskAsync("film")).State);
        var there = await scene.Caller.RangesAsync(scene.Session, "film");
        Assert.Contains(there.Downloaded, range => range[0] <= 3_000_000 && range[1] >= 3_050_000);
        Assert.DoesNotContain(there.Downloaded, range => range[1] - range[0] == Length);
        Assert.DoesNotContain(await scene.AllEventsAsync(), shown => shown.Type == EventTypes.RangesDownloaded); // deferred
        await scene.Caller.WantRangesAsync(scene.Session, "film", """{"release":true}""");
        var told = await scene.EventAsync(EventTypes.RangesDownloaded, "film");
        Assert.Contains(told.Data.GetProperty("ranges").EnumerateArray(), range => range[0].GetInt64() <= 3_000_000 && range[1].GetInt64() >= 3_050_000);
        await scene.Caller.ActAsync(scene.Session, "film", "cancel");

        await scene.DownloadAsync("plain", scene.Origin.Bytes("plain", 1000), ""","start":false""");
        var refused = await Scene.RefusedAsync(() => scene.Caller.WantRangesAsync(scene.Session, "plain", """{"ranges":[[0,10]]}"""));
        Assert.Equal(ProblemCodes.NotRandomAccess, refused.Code);
    }
}

namespace Backhaul.Features.Tests.Tasks;

/// <summary>product.md, Tasks: content that is there before anybody asks.</summary>
public sealed class PrefetchTests(FeatureWorld world)
{
    /// <summary>The operators' window for discretionary work is closed here, and prefetching is never urgent: that its files come is shown elsewhere.</summary>
    [Theory, ClassData(typeof(Ways))]
    public async Task A_session_prefetches_urls_and_a_list_discretionarily_says_how_far_it_is_and_stops_when_told(Way way)
    {
        var scene = world.Begin(way);
        await scene.OpenAsync();
        var (direct, list) = (scene.Origin.Bytes("direct", 1000), scene.Origin.Bytes("list", 2000));
        var prefetch = $$"""{"urls":["{{direct}}"],"listUrl":"{{list}}","every":"PT15M","container":"archive","prefix":"{{scene.Session}}"}""";
        var set = await scene.Caller.PutPrefetchAsync(scene.Session, prefetch);
        Assert.Equal((true, TimeSpan.FromMinutes(15), "archive", null), (set.Created, set.Every, set.Container, set.LastSuccessfulPrefetch));
        Assert.True((await scene.Caller.PutPrefetchAsync(scene.Session, prefetch)).Created is not true); // the same again changes nothing
        var round = (await scene.Caller.PrefetchAsync(scene.Session)).Round!;
        Assert.Equal((1L, "running", 2), (round.Number, round.State, round.Pending));
        Assert.Equal([direct, list], round.Items.Select(item => item.Url).Order());
        await scene.WaitsAsync(round.Items[0].Task!, "discretionary");
        Assert.All(await scene.AllEventsAsync(), shown => Assert.Equal(EventTypes.SessionCreated, shown.Type)); // its client is not told of it
        await scene.Caller.RemovePrefetchAsync(scene.Session);
        var refused = await Scene.RefusedAsync(() => scene.Caller.PrefetchAsync(scene.Session));
        Assert.Equal(ProblemCodes.PrefetchNotFound, refused.Code);
        Assert.Empty(scene.Origin.Requests);
    }
}

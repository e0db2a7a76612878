using System.Net;

namespace Backhaul.Features.Tests.Tasks;

/// <summary>product.md, Tasks: their order, and what is said about them.</summary>
public sealed class OrderTests(FeatureWorld world)
{
    [Theory, ClassData(typeof(Ways))]
    public async Task Higher_priorities_go_first_and_make_current_moves_a_task_and_those_after_it_to_the_front(Way way)
    {
        var scene = world.Begin(way);
        await scene.OpenAsync("""{"maxConnectionsPerHost":1}""");
        await scene.DownloadAsync("blocker", scene.Origin.Bytes("blocker", 1000, "hang=1"));
        await scene.WhenAsync("blocker", task => task.State == "running");
        foreach (var (id, priority) in new[] { ("low", "0.25"), ("default", "0.5"), ("high", "0.75"), ("raised", "0") })
            await scene.DownloadAsync(id, scene.Origin.Bytes(id, 1000), $$""","priority":{{priority}}""");
        await scene.Caller.ChangeAsync(scene.Session, "raised", """{"priority":1}""");
        await scene.Caller.PutGroupAsync(scene.Session, "album", "serialized");
        foreach (var id in new[] { "a", "b", "c", "d" })
            await scene.DownloadAsync(id, scene.Origin.Bytes(id, 1000), ""","group":"album","priority":0.1""");
        await scene.Caller.ActAsync(scene.Session, "c", "make-current");
        await scene.Caller.ActAsync(scene.Session, "blocker", "cancel");
        await scene.WhenSessionAsync(session => session.Counts.Succeeded == 8);
        var started = (await scene.AllEventsAsync()).Where(shown => shown.Type == EventTypes.TaskStarted).Select(shown => shown.Task);
        Assert.Equal("blocker raised high default low c d a b", string.Join(' ', started));
        var refused = await Scene.RefusedAsync(() => scene.DownloadAsync("wrong", scene.Origin.Bytes("wrong", 1), ""","priority":1.1"""));
        Assert.Equal((HttpStatusCode.BadRequest, "priority"), (refused.Status, refused.Field));
    }

    [Theory, ClassData(typeof(Ways))]
    public async Task A_description_is_free_text_that_is_kept(Way way)
    {
        var scene = world.Begin(way);
        await scene.OpenAsync();
        var text = "Käse 🧀 \"quoted\"\n" + new string('x', 16 * 1024 - 30);
        await scene.DownloadAsync("one", scene.Origin.Bytes("one", 1000), $$""","start":false,"description":{{Json.Text(text)}}""");
        Assert.Equal(text, (await scene.AnotherCaller().TaskAsync(scene.Session, "one")).Description);
        Assert.Equal(text, (await scene.EventAsync(EventTypes.TaskCreated, "one")).Text("description"));
        await scene.Caller.ChangeAsync(scene.Session, "one", """{"description":"short"}""");
        await scene.Caller.ActAsync(scene.Session, "one", "resume");
        Assert.Equal("short", (await scene.SucceededAsync("one")).Description);
        var refused = await Scene.RefusedAsync(() => scene.DownloadAsync("long", scene.Origin.Bytes("long", 1), $$""","description":"{{new string('x', 16 * 1024 + 1)}}" """));
        Assert.Equal("description", refused.Field);
    }
}

using System.Net;
using Backhaul.FaultOrigin.Tls;

namespace Backhaul.Features.Tests.Sessions;

/// <summary>product.md, Sessions: what a configuration says, and when it may change.</summary>
public sealed class ConfigurationTests(FeatureWorld world)
{
    [Theory, ClassData(typeof(Ways))]
    public async Task An_absent_client_is_launched_by_default_and_not_when_the_session_sends_no_launch_events(Way way)
    {
        var (scene, quiet) = (world.Begin(way), world.Begin(way));
        await quiet.OpenAsync($$"""{"sendsLaunchEvents":false,"launch":{{quiet.Hook("launch")}}}""");
        var opened = await scene.OpenAsync($$"""{"launch":{{scene.Hook("launch")}}}""");
        Assert.True(opened.Configuration.SendsLaunchEvents);
        await quiet.DownloadAsync("one", quiet.Origin.Bytes("one", 1000));
        await quiet.SucceededAsync("one");
        await scene.DownloadAsync("one", scene.Origin.Bytes("one", 1000));
        var hook = await scene.HookAsync("launch");
        Assert.Equal(("backhaul.launch", "tasksEnded"), (hook.Type, hook.Data.GetProperty("reason").GetString()));
        Assert.Empty(world.Receiver.At(quiet.HookPath("launch"))); // it was ready for one before
    }

    [Theory, ClassData(typeof(Ways))]
    public async Task Files_that_name_no_container_go_to_the_sessions_and_an_unknown_one_is_refused(Way way)
    {
        var scene = world.Begin(way);
        Assert.Equal("archive", (await scene.OpenAsync("""{"container":"archive"}""")).Configuration.Container);
        var path = scene.Name("kept") + ".bin";
        await scene.DownloadAsync("one", scene.Origin.Bytes("one", 1000), $$""","destination":{"path":"{{path}}"}""");
        Assert.Equal("archive", (await scene.SucceededAsync("one")).File!.Container);
        Assert.Equal(1000, (await scene.Caller.GetFileAsync($"archive/{path}")).Length);
        Assert.False(await scene.Caller.FileExistsAsync($"default/{path}"));
        var refused = await Scene.RefusedAsync(() => world.Begin(way) is var other ? other.OpenAsync("""{"container":"nowhere"}""") : Task.CompletedTask);
        Assert.Equal((HttpStatusCode.BadRequest, ProblemCodes.UnknownContainer), (refused.Status, refused.Code));
    }

    [Theory, ClassData(typeof(Ways))]
    public async Task Proxy_tls_version_and_client_certificate_are_named_and_their_secrets_shown_to_nobody(Way way)
    {
        var scene = world.Begin(way);
        var opened = await scene.OpenAsync("""{"proxy":"way-out"}""");
        Assert.Equal("way-out", opened.Configuration.Proxy);
        await scene.DownloadAsync("through", scene.Origin.Bytes("through", 1000));
        await scene.SucceededAsync("through");
        Assert.Contains(scene.Origin.Bytes("through", 1000), world.Proxy.Passed);

        var certain = world.Begin(way);
        await certain.OpenAsync("""{"tls":{"minimum":"1.3","clientCertificate":"identity"}}""");
        await certain.DownloadAsync("shown", world.Origin.SecureBytes(certain.Name("shown"), 1000, TlsFace.Demanding));
        await certain.SucceededAsync("shown");
        await certain.DownloadAsync("old", world.Origin.SecureBytes(certain.Name("old"), 1000, TlsFace.Tls12));
        await certain.WhenAsync("old", task => task.Error?.Code == "tlsFailed");
        foreach (var wrong in new[] { """{"proxy":"nobody"}""", """{"tls":{"clientCertificate":"vendor"}}""", """{"credentials":[{"secret":"strangers"}]}""" })
        {
            var refused = await Scene.RefusedAsync(() => certain.OpenAsync(wrong));
            Assert.Equal((HttpStatusCode.BadRequest, ProblemCodes.UnknownSecret), (refused.Status, refused.Code));
        }
    }

    [Theory, ClassData(typeof(Ways))]
    public async Task A_configuration_is_copied_another_one_is_a_new_version_and_identity_cannot_change(Way way)
    {
        var scene = world.Begin(way);
        Assert.Equal(1, (await scene.OpenAsync("""{"additionalHeaders":{"X-Version":"1"}}""")).ConfigurationVersion);
        await scene.DownloadAsync("old", scene.Origin.Bytes("old", 1000), ""","start":false""");
        Assert.Equal(2, (await scene.OpenAsync("""{"additionalHeaders":{"X-Version":"2"}}""")).ConfigurationVersion);
        await scene.DownloadAsync("new", scene.Origin.Bytes("new", 1000));
        await scene.SucceededAsync("new");
        await scene.Caller.ActAsync(scene.Session, "old", "resume");
        await scene.SucceededAsync("old");
        Assert.Equal("1", Assert.Single(scene.Origin.RequestsOf("old")).Headers["X-Version"]);
        Assert.Equal("2", Assert.Single(scene.Origin.RequestsOf("new")).Headers["X-Version"]);
        Assert.Equal(2, (await scene.OpenAsync()).ConfigurationVersion); // no configuration keeps the one in force
        var refused = await Scene.RefusedAsync(() => scene.OpenAsync("""{"container":"archive"}"""));
        Assert.Equal((HttpStatusCode.Conflict, ProblemCodes.ImmutableField, "container"), (refused.Status, refused.Code, refused.Field));
    }

    [Theory, ClassData(typeof(Ways))]
    public async Task All_tasks_are_listed_with_filters_and_a_client_attaches_by_the_list_and_the_events_after_its_cursor(Way way)
    {
        var scene = world.Begin(way);
        await scene.OpenAsync();
        await scene.Caller.PutFileAsync($"default/{scene.Name("source")}", new byte[100]);
        await scene.DownloadAsync("done", scene.Origin.Bytes("done", 1000));
        await scene.SucceededAsync("done");
        await scene.DownloadAsync("down", scene.Origin.Bytes("down", 1000), ""","start":false,"group":"album" """);
        await scene.DownloadAsync("lone", scene.Origin.Bytes("lone", 1000), ""","start":false""");
        await scene.AddAsync($$"""{"id":"up","kind":"upload","url":"{{scene.Origin.Url}}/upload/up","source":"default/{{scene.Name("source")}}","start":false,"group":"album"}""");

        async Task<string> ListAsync(string? state = null, string? kind = null, string? group = null) =>
            string.Join(' ', (await scene.Caller.TasksAsync(scene.Session, state, kind, group)).Select(task => task.Id));
        Assert.Equal("done down lone up", await ListAsync());
        Assert.Equal("down lone up", await ListAsync("live"));
        Assert.Equal("down lone", await ListAsync("live", "download"));
        Assert.Equal("up", await ListAsync(kind: "upload"));
        Assert.Equal("up", await ListAsync("live", "upload"));
        Assert.Equal("down", await ListAsync("live", "download", "album"));
        Assert.Equal("up", await ListAsync("live", "upload", "album"));
        Assert.Equal("down up", await ListAsync(group: "album"));
        Assert.Equal("done", await ListAsync("succeeded"));

        var cursor = (await scene.Caller.SessionAsync(scene.Session)).LastEvent;
        await scene.Caller.ActAsync(scene.Session, "lone", "resume");
        await scene.EventAsync(EventTypes.TaskCompleted, "lone", after: cursor);
        Assert.All(await scene.AllEventsAsync(cursor), shown => Assert.Equal("lone", shown.Task));
    }
}

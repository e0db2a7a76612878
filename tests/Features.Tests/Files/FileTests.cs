using System.Net;
using System.Security.Cryptography;

namespace Backhaul.Features.Tests.Files;

/// <summary>product.md, Files.</summary>
public sealed class FileTests(FeatureWorld world)
{
    [Theory, ClassData(typeof(Ways))]
    public async Task Clients_stage_files_and_read_results_through_any_node(Way way)
    {
        var scene = world.Begin(way);
        var (staged, content) = ($"archive/{scene.Name("in")}/a.bin", scene.Origin.Content("staged", 200_000));
        Assert.False(await scene.Caller.FileExistsAsync(staged));
        var stored = await scene.Caller.PutFileAsync(staged, content);
        Assert.Equal((200_000L, "archive"), (stored.Length, stored.Container));
        Assert.True(await scene.Caller.FileExistsAsync(staged));

        await scene.OpenAsync("""{"container":"archive"}""");
        await scene.AddAsync($$"""{"id":"up","kind":"upload","url":"{{scene.Origin.Target("upload", "a")}}","source":"{{staged}}"}""");
        await scene.SucceededAsync("up");
        var sent = scene.Origin.Requests.Single(request => request.Path.StartsWith("/upload/", StringComparison.Ordinal));
        Assert.Equal(Convert.ToHexStringLower(SHA256.HashData(content)), sent.BodySha256, ignoreCase: true);

        await scene.DownloadAsync("down", scene.Origin.Bytes("down", 300_000), $$""","destination":"archive/{{scene.Name("out")}}/b.bin" """);
        var result = await scene.SucceededAsync("down");
        Assert.Equal(scene.Origin.Content("down", 300_000), await scene.Caller.GetFileAsync($"{result.File!.Container}/{result.File.Path}"));
        Assert.Equal(scene.Origin.Content("down", 300_000)[1000..2001], await scene.Caller.ContentAsync(scene.Session, "down", 1000, 2000));
        Assert.True(await scene.Caller.DeleteFileAsync(staged));
        Assert.False(await scene.Caller.DeleteFileAsync(staged));
        Assert.False(await scene.Caller.FileExistsAsync(staged));
    }

    [Theory, ClassData(typeof(Ways))]
    public async Task A_temporary_file_lives_until_its_completion_is_acknowledged_and_may_be_moved_before(Way way)
    {
        var scene = world.Begin(way);
        await scene.OpenAsync();
        await scene.DownloadAsync("kept", scene.Origin.Bytes("kept", 1000));
        await scene.DownloadAsync("left", scene.Origin.Bytes("left", 1000));
        var (kept, left) = ((await scene.SucceededAsync("kept")).File!, (await scene.SucceededAsync("left")).File!);
        var destination = $"default/{scene.Name("kept")}.bin";
        Assert.Equal(1000, (await scene.Caller.KeepFileAsync(scene.Session, kept, destination)).Length);
        Assert.Equal(scene.Origin.Content("left", 1000), await scene.Caller.ContentAsync(scene.Session, "left"));
        await scene.Caller.AcknowledgeAsync(scene.Session, (await scene.Caller.SessionAsync(scene.Session)).LastEvent);
        await Eventually.TrueAsync(async () => !await scene.HasContentAsync("left"), Scene.Within, () => $"{left.Path} to go");
        Assert.Equal(scene.Origin.Content("kept", 1000), await scene.Caller.GetFileAsync(destination));
    }

    [Theory, ClassData(typeof(Ways))]
    public async Task A_destination_stays_and_two_live_tasks_cannot_own_one(Way way)
    {
        var scene = world.Begin(way);
        var destination = $"default/{scene.Name("one")}/owned.bin";
        await scene.OpenAsync();
        await scene.DownloadAsync("first", scene.Origin.Bytes("first", 50_000, "rate=50000"), $$""","destination":"{{destination}}" """);
        var refused = await Scene.RefusedAsync(() => scene.DownloadAsync("second", scene.Origin.Bytes("second", 10), $$""","destination":"{{destination}}" """));
        Assert.Equal((HttpStatusCode.Conflict, ProblemCodes.DestinationTaken), (refused.Status, refused.Code));
        await scene.SucceededAsync("first");
        await scene.Caller.AcknowledgeAsync(scene.Session, (await scene.Caller.SessionAsync(scene.Session)).LastEvent);
        Assert.Equal(50_000, (await scene.Caller.GetFileAsync(destination)).Length); // an acknowledgement takes it from nobody
        await scene.DownloadAsync("second", scene.Origin.Bytes("second", 10), $$""","destination":"{{destination}}" """);
        await scene.SucceededAsync("second"); // whoever owned it has ended
        Assert.Equal(scene.Origin.Content("second", 10), await scene.Caller.GetFileAsync(destination));
    }

    [Theory, ClassData(typeof(Ways))]
    public async Task A_file_is_moved_and_no_path_leaves_its_container(Way way)
    {
        var scene = world.Begin(way);
        var (from, to) = ($"default/{scene.Name("from")}.bin", $"default/{scene.Name("to")}/b.bin");
        await scene.Caller.PutFileAsync(from, [1, 2, 3]);
        Assert.Equal(3, (await scene.Caller.MoveFileAsync(from, to)).Length);
        Assert.False(await scene.Caller.FileExistsAsync(from));
        Assert.Equal([1, 2, 3], await scene.Caller.GetFileAsync(to));
        await scene.OpenAsync();
        foreach (var wrong in new[] { "default/../a", "default/a/../../b", "default//a", "default/.backhaul/a" })
        {
            if (way is Way.EmbeddedSdk or Way.ClusterSdk)
            {
                Assert.Throws<FormatException>(() => FileReference.Parse(wrong)); // no request of the SDK can hold it
                continue;
            }
            var refused = await Scene.RefusedAsync(() => scene.AddAsync($$"""{"kind":"download","url":"{{scene.Origin.Bytes("a", 1)}}","destination":{"container":"default","path":"{{wrong[8..]}}"} }"""));
            Assert.Equal((HttpStatusCode.BadRequest, ProblemCodes.InvalidPath), (refused.Status, refused.Code));
        }
        var unknown = await Scene.RefusedAsync(() => scene.DownloadAsync("x", scene.Origin.Bytes("x", 1), ""","destination":"nowhere/a" """));
        Assert.Equal((HttpStatusCode.BadRequest, ProblemCodes.UnknownContainer), (unknown.Status, unknown.Code));
    }
}

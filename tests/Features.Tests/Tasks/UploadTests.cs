using System.Security.Cryptography;

namespace Backhaul.Features.Tests.Tasks;

/// <summary>product.md, Tasks: how uploads travel.</summary>
public sealed class UploadTests(FeatureWorld world)
{
    [Theory, ClassData(typeof(Ways))]
    public async Task Content_parts_of_texts_and_files_arrive_as_one_body_whose_length_is_known(Way way)
    {
        var scene = world.Begin(way);
        await scene.OpenAsync();
        var file = scene.Origin.Content("part", 5000);
        await scene.Caller.PutFileAsync($"default/{scene.Name("part")}", file);
        await scene.AddAsync($$"""
            {"id":"form","kind":"upload","url":"{{scene.Origin.Target("upload", "form")}}","multipart":{"boundary":"xyz"},
             "parts":[{"name":"title","text":"hello"},{"name":"file","fileName":"a.bin","source":"default/{{scene.Name("part")}}"}]}
            """);
        await scene.AddAsync($$"""
            {"id":"mixed","kind":"upload","url":"{{scene.Origin.Target("upload", "mixed")}}","multipart":{"subtype":"mixed"},
             "parts":[{"headers":{"Content-Type":"text/plain"},"text":"hello"}]}
            """);
        await scene.SucceededAsync("form");
        await scene.SucceededAsync("mixed");
        var form = Assert.Single(scene.Origin.Requests, request => request.Path.EndsWith("-form", StringComparison.Ordinal));
        Assert.Equal("multipart/form-data; boundary=xyz", form.Headers["Content-Type"].Replace("\"", "", StringComparison.Ordinal));
        byte[] body =
        [
            .. "--xyz\r\nContent-Disposition: form-data; name=\"title\"\r\n\r\nhello\r\n"u8,
            .. "--xyz\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.bin\"\r\n\r\n"u8,
            .. file, .. "\r\n--xyz--\r\n"u8,
        ];
        Assert.Equal((body.Length.ToString(), Convert.ToHexStringLower(SHA256.HashData(body))), (form.Headers["Content-Length"], form.BodySha256));
        Assert.StartsWith("multipart/mixed; boundary=", Assert.Single(scene.Origin.Requests, request => request.Path.EndsWith("-mixed", StringComparison.Ordinal)).Headers["Content-Type"], StringComparison.Ordinal);
    }

    [Theory, ClassData(typeof(Ways))]
    public async Task Uploads_by_the_resumable_draft_and_by_tus_go_on_from_the_targets_offset(Way way)
    {
        var scene = world.Begin(way);
        await scene.OpenAsync("""{"retry":{"first":"PT0.05S"}}""");
        await scene.Caller.PutFileAsync($"default/{scene.Name("file")}", scene.Origin.Content("file", 100_000));
        foreach (var (id, kind, protocol) in new[] { ("draft", "resumable", "resumable"), ("tus", "tus", "tus"), ("found", "tus", "auto") })
        {
            await scene.AddAsync($$"""{"id":"{{id}}","kind":"upload","url":"{{scene.Origin.Target(kind, id, "patch=1:lose:40000")}}","source":"default/{{scene.Name("file")}}","uploadProtocol":"{{protocol}}"}""");
            await scene.SucceededAsync(id);
            var target = Assert.Single(world.Origin.Uploads.All, upload => upload.Path == new Uri(scene.Origin.Target(kind, id)).AbsolutePath);
            Assert.Equal((true, scene.Origin.Sha256("file", 100_000)), (target.IsComplete, target.Sha256));
            var patches = scene.Origin.Requests.Where(request => request.Method == "PATCH" && request.Path.StartsWith(target.Path + "/", StringComparison.Ordinal)).ToList();
            Assert.Equal(2, patches.Count);
            Assert.Equal(40_000 <= long.Parse(patches[1].Headers["Upload-Offset"]), patches[1].BytesReceived <= 60_000);
            Assert.Equal(id == "draft" ? "resumable" : "tus", id == "found" ? "tus" : (await scene.TaskAsync(id)).UploadProtocol);
        }
    }

    [Theory, ClassData(typeof(Ways))]
    public async Task What_the_target_of_an_upload_answers_is_read_until_its_end_is_acknowledged(Way way)
    {
        var scene = world.Begin(way);
        await scene.OpenAsync();
        await scene.Caller.PutFileAsync($"default/{scene.Name("file")}", scene.Origin.Content("file", 1000));
        foreach (var (id, kind, query) in new[] { ("plain", "upload", "answer=5000"), ("draft", "resumable", "patch=1:final:200"), ("mute", "upload", "answer=none"), ("long", "upload", "answer=300000") })
        {
            await scene.AddAsync($$"""{"id":"{{id}}","kind":"upload","url":"{{scene.Origin.Target(kind, id, query)}}","source":"default/{{scene.Name("file")}}","uploadProtocol":"{{(id == "draft" ? "resumable" : "plain")}}"}""");
            await scene.SucceededAsync(id);
        }
        var answer = FaultOrigin.OriginContent.Bytes("answer", 0, 5000);
        Assert.Equal(answer, await scene.Caller.ContentAsync(scene.Session, "plain"));
        Assert.Equal(answer[100..201], await scene.Caller.ContentAsync(scene.Session, "plain", 100, 200));
        Assert.Equal("the answer"u8.ToArray(), await scene.Caller.ContentAsync(scene.Session, "draft"));
        var plain = await scene.TaskAsync("plain");
        Assert.Equal((5000, 5000, 1000), (plain.File?.Length, plain.Progress.BytesReceived, plain.Progress.BytesSent));
        foreach (var id in new[] { "mute", "long" })
            Assert.Equal(ProblemCodes.NoContent, (await Scene.RefusedAsync(() => scene.Caller.ContentAsync(scene.Session, id))).Code);
        await scene.Caller.AcknowledgeAsync(scene.Session, (await scene.Caller.SessionAsync(scene.Session)).LastEvent);
        foreach (var id in new[] { "plain", "draft" })
            await Eventually.TrueAsync(async () => !await scene.HasContentAsync(id), Scene.Within, () => $"what {id} was answered to go");
    }
}

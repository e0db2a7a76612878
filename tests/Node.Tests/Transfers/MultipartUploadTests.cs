using System.Text;
using Backhaul.FaultOrigin;
using Backhaul.Node.Sessions;
using Backhaul.Node.Transfers;
using Backhaul.Node.Transfers.Uploads.Multipart;
using Backhaul.Protocol;
using Microsoft.AspNetCore.WebUtilities;
using Xunit;

namespace Backhaul.Node.Tests.Transfers;

public sealed class MultipartUploadTests
{
    private static readonly ContentPart[] Parts =
    [
        new() { Name = "ti\"tle", Text = "Ein Film über\r\n--" },
        new() { Name = "film", FileName = "ü.mp4", Headers = new Dictionary<string, string> { ["Content-Type"] = "video/mp4" }, Source = new FileReference(null, ContainerPath.Parse("film.bin")) },
        new() { Name = "empty", Source = new FileReference(null, ContainerPath.Parse("empty.bin")) },
    ];

    [Theory]
    [InlineData("Plain", "/upload/a")]
    [InlineData("Resumable", "/resumable/a")]
    [InlineData("Auto", "/upload/a")]
    public async Task Texts_and_files_arrive_as_one_body_whose_length_was_known(string protocol, string path)
    {
        await using var bench = await AttemptBench.StartAsync();
        var film = OriginContent.Bytes("film", 0, 200_000);
        var order = Order(bench, film) with { Url = bench.Origin.Url + path, UploadProtocol = Enum.Parse<UploadProtocol>(protocol) };
        Assert.IsType<AttemptOutcome.Finished>(await bench.RunAsync(order));

        var expected = new MemoryStream();
        expected.Write(Encoding.UTF8.GetBytes(
            "--between\r\nContent-Disposition: form-data; name=\"ti%22tle\"\r\n\r\nEin Film über\r\n--\r\n"
            + "--between\r\nContent-Disposition: form-data; name=\"film\"; filename=\"ü.mp4\"\r\nContent-Type: video/mp4\r\n\r\n"));
        expected.Write(film);
        expected.Write("\r\n--between\r\nContent-Disposition: form-data; name=\"empty\"\r\n\r\n\r\n--between--\r\n"u8);
        var sha = Convert.ToHexStringLower(System.Security.Cryptography.SHA256.HashData(expected.ToArray()));
        var request = bench.Origin.Requests.First(seen => seen.Method == "POST");
        Assert.Equal("multipart/form-data; boundary=between", request.Headers["Content-Type"]);
        Assert.Equal(sha, protocol == "Resumable" ? bench.Origin.Uploads.All.Single().Sha256 : request.BodySha256);
    }

    [Fact]
    public async Task What_was_put_together_can_be_taken_apart_by_a_server()
    {
        var files = new MemoryPartFiles();
        files.Sources["film.bin"] = OriginContent.Bytes("film", 0, 100_000);
        files.Sources["empty.bin"] = [];
        await using var bench = await AttemptBench.StartAsync();
        var order = Order(bench, files.Sources["film.bin"]) with { Multipart = null };
        var (opened, _) = await Backhaul.Node.Transfers.Uploads.UploadSources.OpenAsync(order, bench.Parts, CancellationToken.None);
        await using var source = opened!.Source;
        var body = new byte[source.Length];
        for (var at = 0; at < body.Length;)
            at += await source.ReadAsync(body.AsMemory(at, Math.Min(777, body.Length - at)), at, CancellationToken.None);
        var boundary = opened.ContentType!.Split("boundary=")[1];
        var reader = new MultipartReader(boundary, new MemoryStream(body));
        List<string> seen = [];
        while (await reader.ReadNextSectionAsync(TestContext.Current.CancellationToken) is { } section)
        {
            using var content = new MemoryStream();
            await section.Body.CopyToAsync(content, TestContext.Current.CancellationToken);
            seen.Add($"{section.GetContentDispositionHeader()!.Name} {content.Length}");
        }
        Assert.Equal(3, seen.Count);
        Assert.EndsWith(" 100000", seen[1]);
    }

    [Fact]
    public void A_boundary_that_nobody_gave_stays_the_same_and_cannot_be_known_before_the_file_is_there()
    {
        var task = new TaskFiles(SessionKey.Parse("default/tests"), 1, TaskId.Parse("t1"), ContainerName.Default, null);
        var first = MultipartLayout.Create(task, Parts, null, [null, new FileIdentity(1, 2, 3), new FileIdentity(2, 0, 3)]);
        var again = MultipartLayout.Create(task, Parts, null, [null, new FileIdentity(1, 2, 3), new FileIdentity(2, 0, 3)]);
        var touched = MultipartLayout.Create(task, Parts, null, [null, new FileIdentity(1, 2, 4), new FileIdentity(2, 0, 3)]);
        Assert.Equal((first.ContentType, first.Fingerprint), (again.ContentType, again.Fingerprint));
        Assert.NotEqual(first.ContentType, touched.ContentType);
        Assert.NotEqual(first.Fingerprint, touched.Fingerprint);
    }

    [Fact]
    public async Task A_missing_part_is_named()
    {
        await using var bench = await AttemptBench.StartAsync();
        var order = Order(bench, [1]);
        bench.Parts.Sources.TryRemove("film.bin", out _);
        var failed = Assert.IsType<AttemptOutcome.Failed>(await bench.RunAsync(order));
        Assert.Equal(TransferCodes.SourceMissing, failed.Failure.Code);
        Assert.Contains("film.bin", failed.Failure.Message);
    }

    [Fact]
    public async Task A_part_that_changes_under_way_fails_the_upload()
    {
        await using var bench = await AttemptBench.StartAsync();
        var order = Order(bench, [1, 2, 3]);
        bench.Parts.SourceChanges = true;
        Assert.Equal(TransferCodes.SourceChanged, Assert.IsType<AttemptOutcome.Failed>(await bench.RunAsync(order)).Failure.Code);
    }

    private static AttemptOrder Order(AttemptBench bench, byte[] film)
    {
        bench.Parts.Sources["film.bin"] = film;
        bench.Parts.Sources["empty.bin"] = [];
        return bench.Upload("POST", "", []) with { Source = null, Parts = Parts, Multipart = new MultipartForm { Boundary = "between" } };
    }
}

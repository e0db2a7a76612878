using System.Security.Cryptography;
using Xunit;

namespace Backhaul.EndToEnd.Tests;

/// <summary>The samples as their page says to run them.</summary>
public sealed class SampleTests
{
    private static readonly TimeSpan Within = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task The_uploader_sends_files_of_this_machine()
    {
        using var folder = new NodeFolder();
        await using var origin = await Origin.StartAsync();
        await using var node = await NodeProcess.StartAsync(folder.Data);
        var files = new[] { "a.bin", "b c.bin" }.Select(name => Path.Combine(folder.Root, name)).ToList();
        foreach (var file in files)
            await File.WriteAllBytesAsync(file, RandomNumberGenerator.GetBytes(300_000), TestContext.Current.CancellationToken);
        await using var sample = ChildProgram.Start(
            "samples/Uploader", "Backhaul.Samples.Uploader", new Dictionary<string, string> { ["BACKHAUL_NODE"] = node.Url.ToString() }, [origin.Url + "/upload", .. files]);
        Assert.True(await sample.ExitAsync(Within) == 0, sample.Output);
        Assert.Equal(
            files.Select(file => ("PUT", Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(file))))).Order(),
            origin.Uploads.Select(upload => (upload.Method, upload.BodySha256!)).Order());
        var session = await node.Api.SessionAsync("uploader");
        Assert.Equal(session.GetProperty("lastEvent").GetInt64(), session.GetProperty("acknowledged").GetInt64());
        Assert.Equal(2, sample.Output.Split('\n').Count(line => line.Contains("succeeded, 300,000 bytes", StringComparison.Ordinal)));
    }

    [Fact]
    public Task The_nightly_service_plans_downloads_and_handles_their_events() => RunNightAsync(launchPort: null);

    [Fact]
    public Task The_nightly_service_is_launched_by_a_node_and_completes_its_launch() => RunNightAsync(Machine.FreePort());

    private static async Task RunNightAsync(int? launchPort)
    {
        using var folder = new NodeFolder();
        await using var origin = await Origin.StartAsync();
        var file = origin.Add("nightly", 20_000, bytesPerSecond: 0);
        await using var node = await NodeProcess.StartAsync(folder.Data);
        string[] launched = launchPort is null ? [] : [$"--Nightly:LaunchUrl=http://127.0.0.1:{launchPort}/launches", "--Nightly:Secret=whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="];
        await using var sample = ChildProgram.Start(
            "samples/NightlyDownloads", "Backhaul.Samples.NightlyDownloads", new Dictionary<string, string>(),
            [$"--Backhaul:Endpoints={node.Url}", $"--Nightly:Urls:0={file.Url}", "--Nightly:At=now", $"--urls=http://127.0.0.1:{launchPort ?? 0}", .. launched]);
        await Eventually.TrueAsync(
            () => Task.FromResult(sample.Output.Contains(": succeeded, 20000 bytes", StringComparison.Ordinal)), Within, () => "the night's file; the service said:\n" + sample.Output);
        await Eventually.TrueAsync(async () =>
        {
            var session = await node.Api.SessionAsync("nightly");
            return session.GetProperty("acknowledged").GetInt64() == session.GetProperty("lastEvent").GetInt64();
        }, Within, () => "all events to be acknowledged; the service said:\n" + sample.Output);
        if (launchPort is not null)
        {
            await Eventually.TrueAsync(
                () => Task.FromResult(sample.Output.Contains("launch 1 (tasksEnded) was handled", StringComparison.Ordinal)), Within, () => "the launch; the service said:\n" + sample.Output);
        }
        Machine.Signal(sample.Id, 15);
        Assert.Equal(0, await sample.ExitAsync(Within));
    }
}

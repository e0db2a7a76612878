using System.Text.RegularExpressions;
using Xunit;

namespace Backhaul.EndToEnd.Tests;

/// <summary>The lines of README.md do what it says. Only the addresses are replaced: the node's by this one's, the public file's by a local origin's.</summary>
public sealed partial class ReadmeTests
{
    private static readonly TimeSpan Within = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task The_first_download_works_as_printed()
    {
        using var folder = new NodeFolder();
        await using var origin = await Origin.StartAsync();
        var file = origin.Add("readme", 100_000, bytesPerSecond: 0);
        await using var node = await NodeProcess.StartAsync(folder.Data);

        var lines = CurlLines();
        Assert.True(lines.Count >= 5, "README.md has lost its curl lines");
        var outputs = new List<string>();
        foreach (var line in lines)
        {
            var real = PublicUrl().Replace(line, file.Url).Replace("http://127.0.0.1:5080", node.Url.ToString().TrimEnd('/'), StringComparison.Ordinal);
            if (real.Contains("/files/", StringComparison.Ordinal))
                await node.Api.EndedAsync("first", "rfc", Within);
            var (code, output) = await Machine.RunAsync(["sh", "-c", real.Replace("curl ", "curl -sS --fail-with-body ", StringComparison.Ordinal)], Within, folder.Root);
            Assert.True(code == 0, $"{real}\n{output}");
            outputs.Add(output);
        }
        Assert.Contains("\"created\":true", outputs[0], StringComparison.Ordinal);
        Assert.Contains("\"id\":\"rfc\"", outputs[1], StringComparison.Ordinal);
        Assert.Contains("\"state\"", outputs[2], StringComparison.Ordinal);
        Assert.Contains("sessionCreated", outputs[3], StringComparison.Ordinal);
        Assert.Equal(origin.ContentOf("readme"), await File.ReadAllBytesAsync(Path.Combine(folder.Root, "rfc9110.txt"), TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task The_pbm_line_works_as_printed()
    {
        using var folder = new NodeFolder();
        await using var node = await NodeProcess.StartAsync(folder.Data);
        await node.Api.OpenAsync("first");
        var line = Read().Split('\n').Single(line => line.StartsWith("src/Pbm/bin/", StringComparison.Ordinal));
        var words = line.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal("src/Pbm/bin/Release/net10.0/pbm", words[0]);
        var (code, output) = await Machine.RunAsync(["dotnet", Build.Pbm, node.OpsAddress, .. words.Skip(1)], Within);
        Assert.True(code == 0, output);
    }

    /// <summary>What ./run prints when it starts is a line that works too.</summary>
    [Fact]
    public async Task The_line_that_the_node_prints_at_its_start_works()
    {
        using var folder = new NodeFolder();
        await using var origin = await Origin.StartAsync();
        var file = origin.Add("printed", 10_000, bytesPerSecond: 0);
        await using var node = await NodeProcess.StartAsync(folder.Data);
        Assert.Contains(node.Url.ToString().TrimEnd('/'), node.Output, StringComparison.Ordinal);
        var printed = node.Output.Split('\n').Single(line => line.TrimStart().StartsWith("curl ", StringComparison.Ordinal));
        var real = PublicUrl().Replace(printed, file.Url).Replace("curl ", "curl -sS --fail-with-body ", StringComparison.Ordinal);
        var (code, output) = await Machine.RunAsync(["sh", "-c", real], Within, folder.Root);
        Assert.True(code == 0, $"{real}\n{output}");
    }

    private static List<string> CurlLines() =>
        [.. Read().Split('\n').Where(line => line.StartsWith("curl ", StringComparison.Ordinal))];

    private static string Read() => File.ReadAllText(Path.Combine(Build.Root, "README.md"));

    [GeneratedRegex("https://[^\"' ]+")]
    private static partial Regex PublicUrl();
}

using Xunit;
using static Backhaul.Node.Tests.Ops.PaletteCalls;

namespace Backhaul.Node.Tests.Ops;

public sealed class ContainerPaletteTests
{
    [Fact]
    public async Task Containers_are_listed_measured_and_swept()
    {
        await using var host = await OpsHost.StartAsync();
        var (listed, _, exit) = await RunAsync(host, "container", "list");
        Assert.Equal((0, "Count: 1 container"), (exit, listed[^1]));
        Assert.StartsWith("default   | disk | no     | ", listed[1], StringComparison.Ordinal);

        var root = Path.Combine(host.DataDirectory, "files");
        Directory.CreateDirectory(Path.Combine(root, "default"));
        await File.WriteAllTextAsync(Path.Combine(root, "default", "a"), "12345", TestContext.Current.CancellationToken);
        var usage = (await RunAsync(host, "container", "usage", "default")).Lines;
        Assert.Equal("default   | clients | 1     | 5 B", usage[1]);

        var staging = Directory.CreateDirectory(Path.Combine(root, ".backhaul", "staging", "dead"));
        var leftover = Path.Combine(staging.FullName, "1");
        await File.WriteAllTextAsync(leftover, "half", TestContext.Current.CancellationToken);
        File.SetLastWriteTimeUtc(leftover, DateTime.UnixEpoch);
        var dry = await RunAsync(host, "container", "sweep", "--dry-run", "--reason", "a look");
        Assert.Equal((0, "default   | staging | 1            | 4 B"), (dry.Exit, dry.Lines[3]));
        Assert.True(File.Exists(leftover));
        var swept = await RunAsync(host, "container", "sweep", "default", "--reason", "room");
        Assert.Equal((0, "default   | staging | 1       | 4 B"), (swept.Exit, swept.Lines[3]));
        Assert.False(staging.Exists && Directory.Exists(staging.FullName));
        Assert.Contains("sweep", host.AuditText, StringComparison.Ordinal);
        Assert.Equal(2, (await RunAsync(host, "container", "usage", "nowhere")).Exit);
    }
}

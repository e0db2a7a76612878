using Backhaul.Node.Actors;
using Backhaul.Node.Files;
using Backhaul.Node.Files.Disk;
using Backhaul.Protocol;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Xunit;

namespace Backhaul.Node.Tests.Files;

public sealed class ContainerTableTests : IDisposable
{
    private readonly TempFolder _root = new();

    [Fact]
    public void The_default_container_always_exists_in_the_data_directory()
    {
        var table = Read(out var errors);
        Assert.Empty(errors);
        var only = Assert.Single(table.Containers);
        Assert.Equal((ContainerName.Default, "/data/files", "disk"), (only.Key, only.Value.Path, only.Value.Kind));

        table = Read(out errors, ("default:Shared", "true"), ("media:Path", "/media"));
        Assert.Empty(errors);
        Assert.Equal("/data/files", table.Containers[ContainerName.Default].Path);
        Assert.True(table.Containers[ContainerName.Default].Shared);
        Assert.Equal("/media", table.Containers[ContainerName.Parse("media")].Path);
    }

    [Theory]
    [InlineData("Media:Path", "/m", "lower-case")]
    [InlineData("media:Kind", "s3", "Kind is 's3'")]
    [InlineData("media:Kind", "disk", "Path is missing")]
    [InlineData("media:Shared", "maybe", "true or false")]
    [InlineData("media:Bucket", "b", "Bucket is not an option")]
    [InlineData("media:Path", "/data/files", "of its own")]
    [InlineData("media:Path", "/data/files/media", "of its own")]
    [InlineData("media:Path", "/data", "of its own")]
    public void What_is_wrong_is_said_in_a_sentence(string key, string value, string part)
    {
        Read(out var errors, (key, value));
        Assert.Contains(errors, error => error.Contains(part, StringComparison.Ordinal));
    }

    [Fact]
    public void Neighbours_with_a_common_beginning_do_not_overlap()
    {
        Read(out var errors, ("media:Path", "/data/files2"));
        Assert.Empty(errors);
    }

    [Theory]
    [InlineData("make folder", Errno.Access, "permission denied")]
    [InlineData("make folder", Errno.ReadOnly, "read-only")]
    [InlineData("make folder", Errno.NoSpace, "no room")]
    public void An_unwritable_directory_is_said_at_start_with_what_to_do(string call, int errno, string reason)
    {
        var disk = new RecordingDisk(new LinuxDiskCalls());
        disk.Fail(call, errno);
        var sentence = Assert.Single(Assert.Throws<OptionsValidationException>(() => Open(_root.Path, disk)).Failures);
        Assert.Contains(_root.Path, sentence, StringComparison.Ordinal);
        Assert.Contains(reason, sentence, StringComparison.Ordinal);
        Assert.Contains("Backhaul:Containers:default:Path", sentence, StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_where_the_directory_should_be_is_said_at_start()
    {
        File.WriteAllText(_root.At("file"), "");
        Assert.Throws<OptionsValidationException>(() => Open(_root.At("file"), new LinuxDiskCalls()));
        Assert.Throws<OptionsValidationException>(() => Open(_root.At("file/below"), new LinuxDiskCalls()));
    }

    [Theory]
    [InlineData("publish.rename", "publish.rename", 1)]
    [InlineData("publish.rename:3", "publish.rename", 3)]
    public void A_crash_point_is_a_name_and_perhaps_a_count(string text, string name, int count)
    {
        Assert.True(CrashPoints.TryParse(text, out var parsed, out var times));
        Assert.Equal((name, count), (parsed, times));
        Assert.Empty(new FaultOptions { CrashAt = text }.Validate());
    }

    [Theory]
    [InlineData("")]
    [InlineData(":1")]
    [InlineData("publish.rename:0")]
    [InlineData("publish.rename:x")]
    public void A_broken_crash_point_is_refused_at_start(string text) => Assert.Single(new FaultOptions { CrashAt = text }.Validate());

    [Fact]
    public void A_crash_point_that_was_not_chosen_does_nothing() =>
        new CrashPoints(new FaultOptions { CrashAt = "publish.rename:2" }, NullLogger<CrashPoints>.Instance).Reach("publish.rename");

    [Fact]
    public void Part_names_read_back()
    {
        var name = new PartName(3, 17, 5, 2);
        Assert.Equal("v3-17.e5.a2.part", name.ToString());
        Assert.True(PartName.TryParse(name.ToString(), out var parsed));
        Assert.Equal(name, parsed);
        foreach (var broken in new[] { "", "part", "v3-17.e5.a2", "v317.e5.a2.part", "v3-17.e5.a2.part.x", "v3-17.e-5.a2.part", "../v3-17.e5.a2.part" })
            Assert.False(PartName.TryParse(broken, out _));
    }

    public void Dispose() => _root.Dispose();

    private static ContainerTable Read(out IReadOnlyList<string> errors, params (string Key, string Value)[] settings) => ContainerTable.Read(
        new ConfigurationBuilder().AddInMemoryCollection(settings.Select(setting => KeyValuePair.Create(setting.Key, (string?)setting.Value))).Build(),
        "/data", out errors);

    private static DiskContainers Open(string path, IDiskCalls disk)
    {
        var table = new ContainerTable(new Dictionary<ContainerName, ContainerOptions> { [ContainerName.Default] = new() { Path = path } });
        return DiskContainers.Open(table, new FileThreads(1), disk, new FilesRig.CountingCrashPoints(), new OneId(), TimeProvider.System, NullLogger<DiskContainers>.Instance);
    }

    private sealed class OneId : IIdSource
    {
        public Guid Next() => new(1, 2, 3, new byte[8]);
    }
}

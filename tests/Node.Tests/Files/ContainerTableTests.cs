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
    [InlineData("media:Kind", "ftp", "Kind is 'ftp'")]
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

    [Theory]
    [InlineData("Bucket", "Bad_Name", "A bucket's name")]
    [InlineData("Prefix", "/x", "begin with a slash")]
    [InlineData("Prefix", "a//b", "begin with a slash")]
    [InlineData("Endpoint", "ftp://x", "scheme, host and port")]
    [InlineData("Endpoint", "http://x/path", "scheme, host and port")]
    [InlineData("Region", "EU", "a word such as")]
    [InlineData("PartBytes", "5242879", "5 MiB")]
    [InlineData("PartBytes", "many", "cannot be read")]
    [InlineData("PartsInFlight", "0", "1 to 32")]
    [InlineData("AccessKey", "", "AccessKey is missing")]
    [InlineData("SecretKeyFile", "/nowhere", "one of them")]
    [InlineData("Path", "/m", "Path is not an option")]
    [InlineData("Shared", "false", "leave Shared out")]
    public void What_is_wrong_with_a_bucket_is_said_in_a_sentence(string key, string value, string part)
    {
        Read(out var errors, [.. Bucket("media", "b-1").Where(one => one.Key != $"media:{key}"), ($"media:{key}", value)]);
        Assert.Contains(errors, error => error.Contains(part, StringComparison.Ordinal));
        Assert.DoesNotContain(errors, error => error.Contains("s3cr3t", StringComparison.Ordinal));
    }

    [Fact]
    public void A_bucket_is_shared_and_its_secret_may_lie_in_a_file()
    {
        var file = Path.Combine(_root.Path, "secret");
        File.WriteAllText(file, "from-file\n");
        var table = Read(out var errors, [.. Bucket("media", "b-1").Where(one => !one.Key.EndsWith("SecretKey", StringComparison.Ordinal)), ("media:SecretKeyFile", file), ("media:Prefix", "p")]);
        Assert.Empty(errors);
        var media = table.Containers[ContainerName.Parse("media")];
        Assert.Equal((true, "from-file", "p/", true), (media.Shared, media.SecretKey, media.Prefix, media.ToBucket().PathStyle));
    }

    [Fact]
    public void Two_containers_of_one_bucket_need_prefixes_of_their_own()
    {
        Read(out var errors, [.. Bucket("one", "b-1"), .. Bucket("two", "b-1"), ("two:Prefix", "x")]);
        Assert.Contains("prefix of its own", Assert.Single(errors), StringComparison.Ordinal);
        Read(out errors, [.. Bucket("one", "b-1"), ("one:Prefix", "y"), .. Bucket("two", "b-1"), ("two:Prefix", "x"), .. Bucket("three", "b-2")]);
        Assert.Empty(errors);
    }

    private static (string Key, string Value)[] Bucket(string name, string bucket) =>
    [
        ($"{name}:Kind", "s3"), ($"{name}:Bucket", bucket), ($"{name}:Endpoint", "http://10.0.0.8:9000"), ($"{name}:AccessKey", "AK"), ($"{name}:SecretKey", "s3cr3t"),
    ];

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

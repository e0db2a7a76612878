using System.Text;
using Backhaul.Node.Actors;
using Backhaul.Node.Files;
using Backhaul.Node.Files.Disk;
using Backhaul.Node.Transfers;
using Backhaul.Protocol;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace Backhaul.Node.Tests.Files;

/// <summary>The disk container <c>default</c> in a folder of its own, on the real file system, with every call recorded.</summary>
internal sealed class FilesRig : IDisposable
{
    private readonly FileThreads _work = new(4);

    public FilesRig(bool useOpenAt2 = true)
    {
        Disk = new RecordingDisk(new LinuxDiskCalls(useOpenAt2));
        Containers = Open();
        Parts = new DiskPartFiles(Containers, _work, new FilesOptions());
    }

    public TempFolder Root { get; } = new();

    public RecordingDisk Disk { get; }

    public CountingCrashPoints Points { get; } = new();

    public DiskContainers Containers { get; }

    public DiskPartFiles Parts { get; }

    public static SessionKey Session { get; } = SessionKey.Parse("default/nightly");

    public static TaskFiles Files(string task = "t1", string? destination = "out/a.bin") => new(
        Session, 1, TaskId.Parse(task), ContainerName.Default, destination is null ? null : ContainerPath.Parse(destination));

    /// <summary>An owner that keeps its shard, unless <paramref name="mayAct"/> says otherwise.</summary>
    public static PartOwner Owner(long epoch = 3, int attempt = 1, Func<bool>? mayAct = null) => new(epoch, attempt, mayAct ?? (static () => true));

    /// <summary>As a second process, or the next one, over the same folder.</summary>
    public DiskContainers Open(bool shared = false, TimeProvider? time = null) => DiskContainers.Open(
        Table(shared),
        _work, Disk, Points, new CountingIds(), time ?? TimeProvider.System, NullLogger<DiskContainers>.Instance);

    public DiskLeftovers Leftovers(TimeProvider time) => new(Containers, Table(shared: false), new FilesOptions(), _work, time);

    private ContainerTable Table(bool shared) =>
        new(new Dictionary<ContainerName, ContainerOptions> { [ContainerName.Default] = new() { Path = Root.Path, Shared = shared } });

    public DiskUploads Uploads(FilesOptions? options = null, DiskContainers? containers = null, TimeProvider? time = null) =>
        new(containers ?? Containers, _work, options ?? new FilesOptions(), time ?? TimeProvider.System);

    public async Task<StageResult> StageAsync(string path, string content, string tenant = "default", long bytesMax = 1 << 20) =>
        await Containers.StageAsync(
            TenantId.Parse(tenant), ContainerName.Default, ContainerPath.Parse(path), new MemoryStream(Encoding.UTF8.GetBytes(content)),
            Encoding.UTF8.GetByteCount(content), bytesMax, null, TestContext.Current.CancellationToken);

    public async Task<string?> ReadAsync(string path, string tenant = "default")
    {
        await using var file = await Containers.OpenReadAsync(
            TenantId.Parse(tenant), ContainerName.Default, ContainerPath.Parse(path), TestContext.Current.CancellationToken);
        return file is null ? null : await new StreamReader(file.Content).ReadToEndAsync(TestContext.Current.CancellationToken);
    }

    public DiskPartFiles NewParts(FilesOptions options) => new(Containers, _work, options);

    /// <summary>A part of ten bytes, eight of them durable, kept as by a task that is being cancelled.</summary>
    public async Task<KeptPart> KeepAsync(TaskFiles files)
    {
        var kept = await WriteAsync(files);
        Assert.NotNull((await Parts.KeepAsync(files, Owner(), kept, TestContext.Current.CancellationToken)).Age);
        return kept;
    }

    /// <summary>That part, not kept yet.</summary>
    public async Task<KeptPart> WriteAsync(TaskFiles files)
    {
        var stop = TestContext.Current.CancellationToken;
        string name;
        await using (var part = await Parts.CreateAsync(files, Owner(), 10, null, stop))
        {
            await part.WriteAsync("01234"u8.ToArray(), 0, stop);
            await part.WriteAsync("789"u8.ToArray(), 7, stop);
            await part.FlushAsync(RangeSet.Of(0, 5).Add(new ByteRange(7, 10)), stop);
            name = part.Name;
        }
        return new KeptPart
        {
            Tenant = files.Session.Tenant,
            Container = files.Container,
            Id = KeptPart.IdOf(files),
            Part = name,
            Url = "https://origin.example/a",
            Bytes = 5,
            Ranges = RangeSet.Of(7, 10),
            Total = 10,
            Validator = "\"v1\"",
            At = DateTimeOffset.UnixEpoch,
            Until = DateTimeOffset.UnixEpoch.AddDays(7),
        };
    }

    /// <summary>Files below the hidden folder, lock files left out.</summary>
    public string[] HiddenFiles() =>
        [.. Directory.EnumerateFiles(Root.At(".backhaul"), "*", SearchOption.AllDirectories).Where(path => !path.EndsWith("/lock", StringComparison.Ordinal) && !path.EndsWith("/opening", StringComparison.Ordinal) && !path.EndsWith("/sweep", StringComparison.Ordinal))];

    public void Dispose()
    {
        Containers.Dispose();
        _work.Dispose();
        Root.Dispose();
    }

    internal sealed class CountingCrashPoints : ICrashPoints
    {
        public List<string> Reached { get; } = [];

        /// <summary>What happens there; a throw ends the work as a crash would, but for locks that the system gives back.</summary>
        public Action<string>? On { get; set; }

        public void Reach(string name)
        {
            lock (Reached)
                Reached.Add(name);
            On?.Invoke(name);
        }
    }

    private sealed class CountingIds : IIdSource
    {
        private static int _last;

        public Guid Next() => new(Interlocked.Increment(ref _last), 0, 0, new byte[8]);
    }
}

using System.Security.Cryptography;
using Backhaul.Node.Files;
using Backhaul.Node.Files.Disk;
using Backhaul.Protocol;
using Xunit;

namespace Backhaul.Node.Tests.Files;

public sealed class DiskUploadsTests : IDisposable
{
    private static readonly ContainerPath Target = ContainerPath.Parse("in/a.bin");
    private readonly FilesRig _rig = new();
    private readonly UploadKey _key = new(TenantId.Default, ContainerName.Default, Guid.Parse("01020304-0506-0708-090a-0b0c0d0e0f10"));
    private readonly DiskUploads _uploads;

    public DiskUploadsTests() => _uploads = _rig.Uploads();

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    public void Dispose() => _rig.Dispose();

    [Fact]
    public async Task Pieces_become_a_file_when_the_last_one_is_there()
    {
        await CreateAsync(10);
        Assert.Equal((4L, false), await AppendAsync(0, "0123"));
        Assert.Null(await _rig.ReadAsync("in/a.bin"));
        Assert.Equal(4, (await FindAsync()).Offset);
        Assert.Equal((10L, true), await AppendAsync(4, "456789"));
        Assert.Equal("0123456789", await _rig.ReadAsync("in/a.bin"));
        var found = await FindAsync();
        Assert.Equal((10L, true, true), (found.Offset, found.IsComplete, found.Created));
        Assert.Single(_rig.HiddenFiles()); // the receipt
    }

    /// <summary>An offset is never said of bytes that a power cut could take.</summary>
    [Fact]
    public async Task Bytes_are_flushed_before_the_state_that_counts_them_and_the_file_before_its_rename()
    {
        await CreateAsync(10);
        _rig.Disk.Calls.Clear();
        await AppendAsync(0, "0123456789");
        var calls = _rig.Disk.Calls.Where(call => !call.StartsWith("write", StringComparison.Ordinal)).Select(Short).ToList();
        Assert.Equal(
            ["flush bytes", "create new", "flush new", "rename new state", "flush /uploads/default/", "set length bytes", "flush bytes", "rename bytes file"],
            calls.Where(call => !call.StartsWith("make", StringComparison.Ordinal)).Take(8));
        Assert.Equal(["create new", "flush new", "rename new state", "flush /uploads/default/"], calls.TakeLast(4));

        static string Short(string call) => string.Join(' ', call.Split(' ').Select(word =>
            word.EndsWith(".bytes", StringComparison.Ordinal) ? "bytes" : word.EndsWith(".new", StringComparison.Ordinal) ? "new"
            : word.EndsWith(".state", StringComparison.Ordinal) ? "state" : word.EndsWith("a.bin", StringComparison.Ordinal) ? "file"
            : word.Replace("/.backhaul", "", StringComparison.Ordinal)).Where(word => word != "10"));
    }

    [Theory]
    [InlineData("upload.flush", 4L, false)]
    [InlineData("upload.state", 10L, true)]
    [InlineData("upload.rename", 10L, true)]
    [InlineData("upload.directoryFlush", 10L, true)]
    public async Task After_a_crash_at_any_moment_it_goes_on_from_what_was_counted(string moment, long offset, bool complete)
    {
        await CreateAsync(10);
        await AppendAsync(0, "0123");
        _rig.Points.On = name =>
        {
            if (name == moment)
                throw new InvalidOperationException($"died at {name}");
        };
        await Assert.ThrowsAsync<InvalidOperationException>(async () => await AppendAsync(4, "456789"));
        _rig.Points.On = null;

        using var next = _rig.Open();
        var uploads = _rig.Uploads(containers: next);
        var found = Assert.IsType<UploadOutcome.Known>(await uploads.FindAsync(_key, Stop)).Upload;
        Assert.Equal((offset, complete), (found.Offset, found.IsComplete));
        if (!complete)
            await uploads.AppendAsync(_key, new UploadAppend { Offset = offset }, new MemoryStream("456789"u8.ToArray()), Stop);
        Assert.Equal("0123456789", await _rig.ReadAsync("in/a.bin"));
    }

    [Fact]
    public async Task A_body_that_breaks_keeps_what_came_and_one_with_a_checksum_counts_whole_or_not_at_all()
    {
        await CreateAsync(10 << 20);
        var broken = Assert.IsType<UploadOutcome.Interrupted>(await _uploads.AppendAsync(_key, new UploadAppend { Offset = 0 }, new BreakingStream(3 << 20), Stop));
        Assert.Equal(3 << 20, broken.Upload.Offset);
        var checksum = new UploadChecksum(HashAlgorithmName.SHA256, SHA256.HashData("0123"u8));
        Assert.IsType<UploadOutcome.Interrupted>(await _uploads.AppendAsync(_key, new UploadAppend { Offset = 3 << 20, Checksum = checksum }, new BreakingStream(1 << 20), Stop));
        Assert.IsType<UploadOutcome.ChecksumDiffers>(await _uploads.AppendAsync(
            _key, new UploadAppend { Offset = 3 << 20, Checksum = checksum }, new MemoryStream("0124"u8.ToArray()), Stop));
        Assert.Equal(3 << 20, (await FindAsync()).Offset);
        var good = Assert.IsType<UploadOutcome.Known>(await _uploads.AppendAsync(
            _key, new UploadAppend { Offset = 3 << 20, Checksum = checksum }, new MemoryStream("0123"u8.ToArray()), Stop));
        Assert.Equal((3 << 20) + 4, good.Upload.Offset);
    }

    [Fact]
    public async Task Who_comes_again_ends_the_request_before_and_another_node_waits_for_it()
    {
        await CreateAsync(100);
        using var pending = new PendingStream("0123"u8.ToArray());
        var first = _uploads.AppendAsync(_key, new UploadAppend { Offset = 0 }, pending, Stop).AsTask();
        await pending.IsRead;

        using var elsewhere = _rig.Open();
        var other = _rig.Uploads(containers: elsewhere);
        Assert.IsType<UploadOutcome.Busy>(await other.AppendAsync(_key, new UploadAppend { Offset = 0 }, new MemoryStream([1]), Stop));
        Assert.Equal(0, Assert.IsType<UploadOutcome.Known>(await other.FindAsync(_key, Stop)).Upload.Offset);

        Assert.Equal(4, (await FindAsync()).Offset);
        Assert.Equal(4, Assert.IsType<UploadOutcome.Interrupted>(await first).Upload.Offset);
        Assert.Equal((5L, false), await AppendAsync(4, "4"));
        Assert.IsType<UploadOutcome.Known>(await other.AppendAsync(_key, new UploadAppend { Offset = 5 }, new MemoryStream([1]), Stop));
    }

    [Fact]
    public async Task Wrong_offsets_lengths_and_strangers_are_refused()
    {
        await CreateAsync(10);
        Assert.Equal(0, Assert.IsType<UploadOutcome.AtAnotherOffset>(await TryAsync(new UploadAppend { Offset = 3 }, "x")).Upload.Offset);
        Assert.Equal(10, Assert.IsType<UploadOutcome.OtherLength>(await TryAsync(new UploadAppend { Offset = 0, Length = 11 }, "x")).Length);
        Assert.Equal(10, Assert.IsType<UploadOutcome.OtherLength>(await TryAsync(new UploadAppend { Offset = 0 }, "0123456789x")).Length);
        Assert.Equal(10, Assert.IsType<UploadOutcome.OtherLength>(await TryAsync(new UploadAppend { Offset = 0, BodyLength = 11 }, "x")).Length);
        Assert.Equal(0, (await FindAsync()).Offset);
        Assert.IsType<UploadOutcome.OtherLength>(await TryAsync(new UploadAppend { Offset = 0, IsLast = true }, "x"));
        Assert.IsType<UploadOutcome.NotFound>(await _uploads.FindAsync(_key with { Tenant = TenantId.Parse("other") }, Stop));
        Assert.IsType<UploadOutcome.NotFound>(await _uploads.FindAsync(_key with { Id = Guid.Empty }, Stop));
    }

    [Fact]
    public async Task The_end_of_the_last_body_says_the_length()
    {
        await CreateAsync(null);
        Assert.Equal((4L, false), await AppendAsync(0, "0123"));
        var done = Assert.IsType<UploadOutcome.Known>(await TryAsync(new UploadAppend { Offset = 4, IsLast = true }, "45")).Upload;
        Assert.Equal((6L, 6L, true), (done.Offset, done.Length, done.IsComplete));
        Assert.Equal("012345", await _rig.ReadAsync("in/a.bin"));
    }

    [Fact]
    public async Task What_is_left_alone_expires_and_what_is_ended_is_gone()
    {
        var time = new LateClock();
        var uploads = _rig.Uploads(new FilesOptions { UploadAge = TimeSpan.FromHours(1), UploadsPerTenantMax = 1 }, time: time);
        Assert.IsType<UploadOutcome.Known>(await uploads.CreateAsync(_key, new NewUpload(Target, 10, null), Stop));
        Assert.IsType<UploadOutcome.TooMany>(await uploads.CreateAsync(_key with { Id = Guid.Empty }, new NewUpload(Target, 10, null), Stop));
        time.Late = TimeSpan.FromMinutes(50);
        Assert.IsType<UploadOutcome.Known>(await uploads.AppendAsync(_key, new UploadAppend { Offset = 0 }, new MemoryStream([1]), Stop));
        time.Late = TimeSpan.FromMinutes(100);
        Assert.IsType<UploadOutcome.Known>(await uploads.FindAsync(_key, Stop));
        time.Late = TimeSpan.FromMinutes(120);
        Assert.IsType<UploadOutcome.Expired>(await uploads.FindAsync(_key, Stop));
        Assert.IsType<UploadOutcome.Known>(await uploads.TerminateAsync(_key, Stop));
        Assert.IsType<UploadOutcome.NotFound>(await uploads.FindAsync(_key, Stop));
        Assert.Empty(_rig.HiddenFiles());
    }

    [Fact]
    public async Task However_many_begin_at_once_no_more_than_the_limit_are_there()
    {
        const int Most = 5;
        var options = new FilesOptions { UploadsPerTenantMax = Most };
        await _uploads.CreateAsync(_key, new NewUpload(Target, 10, null), Stop);
        await _uploads.TerminateAsync(_key, Stop);
        DiskUploads[] nodes = [_rig.Uploads(options), _rig.Uploads(options)];
        using var together = new Barrier(8);
        _rig.Disk.BeforeCreate = () => together.SignalAndWait(TimeSpan.FromMilliseconds(20), Stop);
        var outcomes = await Task.WhenAll(Enumerable.Range(1, 40).Select(n => Task.Run(async () =>
            await nodes[n % 2].CreateAsync(_key with { Id = new Guid(n, 0, 0, new byte[8]) }, new NewUpload(Target, 10, null), Stop))));
        _rig.Disk.BeforeCreate = null;
        var taken = outcomes.Count(outcome => outcome is UploadOutcome.Known);
        Assert.InRange(taken, 1, Most);
        Assert.Equal(2 * taken, _rig.HiddenFiles().Length);
        var one = nodes[0];
        for (var n = 100; taken < Most; n++, taken++)
            Assert.IsType<UploadOutcome.Known>(await one.CreateAsync(_key with { Id = new Guid(n, 0, 0, new byte[8]) }, new NewUpload(Target, 10, null), Stop));
        Assert.IsType<UploadOutcome.TooMany>(await one.CreateAsync(_key, new NewUpload(Target, 10, null), Stop));
    }

    /// <summary>All bytes counted and none beside the state say that the file is in place: no end that was interrupted may look so.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task An_end_that_a_crash_interrupts_has_ended_the_upload(int step)
    {
        await CreateAsync(10);
        _rig.Points.On = name => DieAt(name == "upload.state");
        await Assert.ThrowsAsync<InvalidOperationException>(async () => await AppendAsync(0, "0123456789")); // counted, and not in place
        _rig.Points.On = name => DieAt(name == "upload.terminate" && --step == 0);
        await Assert.ThrowsAsync<InvalidOperationException>(async () => await _uploads.TerminateAsync(_key, Stop));
        _rig.Points.On = null;
        Assert.IsType<UploadOutcome.NotFound>(await _uploads.FindAsync(_key, Stop));
        Assert.Null(await _rig.ReadAsync("in/a.bin"));
        var time = new LateClock { Late = TimeSpan.FromHours(2) };
        var leftovers = _rig.Leftovers(time);
        foreach (var useless in await leftovers.ListAsync(ContainerName.Default, LeftoverKind.Upload, null, 10, time.GetUtcNow() - TimeSpan.FromHours(1), Stop))
            await leftovers.RemoveAsync(useless, time.GetUtcNow() - TimeSpan.FromHours(1), Stop);
        Assert.Empty(_rig.HiddenFiles());

        static void DieAt(bool now)
        {
            if (now)
                throw new InvalidOperationException("died");
        }
    }

    [Fact]
    public async Task A_failing_disk_is_told_and_nothing_counts_that_was_not_flushed()
    {
        await CreateAsync(10);
        _rig.Disk.Fail("flush file", Errno.Io);
        Assert.Equal(500, Assert.IsType<UploadOutcome.Refused>(await TryAsync(new UploadAppend { Offset = 0 }, "0123")).Problem.Status);
        _rig.Disk.Heal();
        _rig.Disk.Fail("write", Errno.NoSpace);
        Assert.Equal(507, Assert.IsType<UploadOutcome.Refused>(await TryAsync(new UploadAppend { Offset = 0 }, "0123")).Problem.Status);
        _rig.Disk.Heal();
        Assert.Equal(0, (await FindAsync()).Offset);
        Assert.Equal((10L, true), await AppendAsync(0, "0123456789"));
    }

    private async Task CreateAsync(long? length) => Assert.IsType<UploadOutcome.Known>(await _uploads.CreateAsync(_key, new NewUpload(Target, length, null), Stop));

    private async Task<UploadProgress> FindAsync() => Assert.IsType<UploadOutcome.Known>(await _uploads.FindAsync(_key, Stop)).Upload;

    private async Task<UploadOutcome> TryAsync(UploadAppend append, string bytes) =>
        await _uploads.AppendAsync(_key, append, new MemoryStream(System.Text.Encoding.UTF8.GetBytes(bytes)), Stop);

    private async Task<(long Offset, bool IsComplete)> AppendAsync(long offset, string bytes)
    {
        var upload = Assert.IsType<UploadOutcome.Known>(await TryAsync(new UploadAppend { Offset = offset }, bytes)).Upload;
        return (upload.Offset, upload.IsComplete);
    }

    private sealed class LateClock : TimeProvider
    {
        public TimeSpan Late { get; set; }

        public override DateTimeOffset GetUtcNow() => DateTimeOffset.UtcNow + Late;
    }

    /// <summary>Gives what it has, and then nothing until it is cancelled.</summary>
    private sealed class PendingStream(byte[] bytes) : MemoryStream(bytes)
    {
        private readonly TaskCompletionSource _read = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task IsRead => _read.Task;

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            if (Position < Length)
                return Read(buffer.Span);
            _read.TrySetResult();
            await Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, cancellationToken);
            return 0;
        }
    }
}

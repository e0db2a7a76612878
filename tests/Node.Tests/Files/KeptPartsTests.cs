using System.Text;
using Backhaul.Node.Files;
using Backhaul.Node.Files.Disk;
using Backhaul.Protocol;
using Xunit;

namespace Backhaul.Node.Tests.Files;

public sealed class KeptPartsTests : IDisposable
{
    private readonly FilesRig _rig = new();

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    public void Dispose() => _rig.Dispose();

    [Fact]
    public async Task A_kept_part_outlives_its_task_and_each_start_has_an_inode_of_its_own()
    {
        var ended = FilesRig.Files("t1");
        var kept = await _rig.KeepAsync(ended);
        Assert.Null((await _rig.Parts.KeepAsync(ended, FilesRig.Owner(), kept, Stop)).WhyNot); // after a crash it is kept again
        await _rig.Parts.DiscardAsync(ended, 3, resultToo: true, Stop);
        Assert.Single(_rig.HiddenFiles());

        foreach (var (task, filler) in new[] { ("t2", "ab"), ("t3", "cd") })
        {
            var files = FilesRig.Files(task, $"out/{task}");
            await using var part = (await _rig.Parts.CopyKeptAsync(files, FilesRig.Owner(), kept, Stop)).Part!;
            await part.FlushAsync(kept.Durable, Stop);
            await part.WriteAsync(Encoding.UTF8.GetBytes(filler), 5, Stop);
            await part.PublishAsync(10, null, flush: true, Stop);
            Assert.Equal($"01234{filler}789", await _rig.ReadAsync($"out/{task}"));
        }
        Assert.Equal("01234\0\0789", await File.ReadAllTextAsync(Assert.Single(_rig.HiddenFiles()), Stop));
    }

    [Theory]
    [InlineData(Errno.Io, StorageFailure.Failed)]
    [InlineData(Errno.NoSpace, StorageFailure.Full)]
    public async Task What_a_disk_says_to_a_copy_is_said_to_the_attempt_and_the_kept_part_stays(int errno, object failure)
    {
        var kept = await _rig.KeepAsync(FilesRig.Files("t1"));
        _rig.Disk.Fail("copy", errno);
        var refused = await Assert.ThrowsAsync<StorageException>(async () => await _rig.Parts.CopyKeptAsync(FilesRig.Files("t2"), FilesRig.Owner(), kept, Stop));
        Assert.Equal((StorageFailure)failure, refused.Failure);
        _rig.Disk.Heal();
        await using var part = (await _rig.Parts.CopyKeptAsync(FilesRig.Files("t2"), FilesRig.Owner(), kept, Stop)).Part;
        Assert.NotNull(part);
    }

    [Fact]
    public async Task What_is_gone_or_shorter_than_its_document_says_is_not_kept_and_not_started_from()
    {
        var files = FilesRig.Files("t1");
        var kept = await _rig.KeepAsync(files);
        const string gone = "Its part is not on its disk any more.";
        Assert.Equal(gone, (await _rig.Parts.KeepAsync(files, FilesRig.Owner(), kept with { Bytes = 11 }, Stop)).WhyNot);
        Assert.Equal(gone, (await _rig.Parts.KeepAsync(FilesRig.Files("t9"), FilesRig.Owner(), kept, Stop)).WhyNot);
        Assert.Equal(gone, (await _rig.Parts.KeepAsync(files, FilesRig.Owner(), kept with { Part = "v9-9.e1.a1.part" }, Stop)).WhyNot);
        foreach (var other in new[] { kept with { Bytes = 11 }, kept with { Id = "other" }, kept with { Tenant = TenantId.Parse("other") } })
        {
            var copy = await _rig.Parts.CopyKeptAsync(FilesRig.Files("t2"), FilesRig.Owner(), other, Stop);
            Assert.Equal((null, "The part that the resume data names is not kept any more."), (copy.Part, copy.WhyNot));
        }
        Assert.Contains("no container gone", (await _rig.Parts.CopyKeptAsync(FilesRig.Files("t2"), FilesRig.Owner(), kept with { Container = ContainerName.Parse("gone") }, Stop)).WhyNot, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(1, 1_000, "KeptPartsPerTenantMax")]
    [InlineData(9, 19, "KeptBytesPerTenantMax")]
    public async Task What_a_tenant_keeps_has_a_limit_of_its_own_and_an_earlier_try_counts_once(int parts, long bytes, string option)
    {
        var limited = _rig.NewParts(new FilesOptions { KeptPartsPerTenantMax = parts, KeptBytesPerTenantMax = bytes });
        var first = FilesRig.Files("t1");
        var kept = await _rig.KeepAsync(first);
        Assert.Null((await limited.KeepAsync(first, FilesRig.Owner(), kept, Stop)).WhyNot);
        var second = FilesRig.Files("t2");
        var more = await _rig.WriteAsync(second);
        Assert.Contains(option, (await limited.KeepAsync(second, FilesRig.Owner(), more, Stop)).WhyNot, StringComparison.Ordinal);
        Assert.Null((await limited.KeepAsync(second, FilesRig.Owner(), more with { Tenant = TenantId.Parse("other") }, Stop)).WhyNot);
        Assert.Null((await _rig.Parts.KeepAsync(second, FilesRig.Owner(), more, Stop)).WhyNot);
    }

    [Fact]
    public async Task An_owner_that_lost_its_shard_keeps_nothing()
    {
        var files = FilesRig.Files("t1");
        var kept = await _rig.KeepAsync(files);
        await Assert.ThrowsAsync<OwnershipLostException>(async () => await _rig.Parts.KeepAsync(files, FilesRig.Owner(mayAct: () => false), kept, Stop));
    }

    [Fact]
    public void A_copy_ends_where_its_source_ends()
    {
        var calls = new LinuxDiskCalls();
        var other = new TempFolder();
        try
        {
            File.WriteAllText(_rig.Root.At("from"), "0123456789");
            using var from = File.OpenHandle(_rig.Root.At("from"));
            using var to = File.OpenHandle(other.At("to"), FileMode.Create, FileAccess.ReadWrite);
            Assert.Equal(0, calls.Copy(from, to, 2, 5, out var copied));
            Assert.Equal(5, copied);
            Assert.Equal(0, calls.Copy(from, to, 10, 5, out copied));
            Assert.Equal(0, copied);
            var read = new byte[5];
            Assert.Equal(5, RandomAccess.Read(to, read, 2));
            Assert.Equal("23456"u8.ToArray(), read);
        }
        finally
        {
            other.Dispose();
        }
    }
}

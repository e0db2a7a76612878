using System.Text;
using Backhaul.Node.Files;
using Backhaul.Node.Files.Disk;
using Backhaul.Node.Transfers;
using Backhaul.Protocol;
using Xunit;

namespace Backhaul.Node.Tests.Files;

public sealed class DiskPartFilesTests : IDisposable
{
    private readonly FilesRig _rig = new();

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    private static PartCheckpoint Checkpoint(string part, long bytes) => new() { Part = part, Bytes = bytes, Total = 10 };

    [Fact]
    public async Task A_part_is_published_flushed_renamed_and_its_folders_flushed_in_this_order()
    {
        await using var part = await CreateAsync(FilesRig.Files(), 3, 1, 10);
        await part.WriteAsync("0123456789"u8.ToArray(), 0, Stop);
        var file = await part.PublishAsync(10, "ab", flush: true, Stop);

        Assert.Equal(("default", "out/a.bin", 10, "ab"), (file.Container, file.Path, file.Length, file.Sha256));
        Assert.Equal("0123456789", await _rig.ReadAsync("out/a.bin"));
        var calls = _rig.Disk.Calls.ToList();
        var source = $"/.backhaul/parts/{HiddenNames.Stem(FilesRig.Session, 1, TaskId.Parse("t1"))}/{part.Name}";
        int[] order =
        [
            calls.IndexOf($"write {source}"), calls.IndexOf($"flush {source}"), calls.IndexOf($"rename {source} /default/out/a.bin"),
            calls.IndexOf("flush /default/out/"),
        ];
        Assert.DoesNotContain(-1, order);
        Assert.Equal(order.Order(), order);
        Assert.Equal(["publish.write", "publish.flush", "publish.rename", "publish.directoryFlush"], _rig.Points.Reached);
        Assert.Empty(Directory.GetDirectories(_rig.Root.At(".backhaul/parts")));
    }

    [Fact]
    public async Task Whoever_read_a_part_leaves_no_handle_open()
    {
        await using var part = await CreateAsync(FilesRig.Files(), 3, 1, 10);
        await part.WriteAsync("0123456789"u8.ToArray(), 0, Stop);
        await using (var opened = await _rig.Containers.OpenPartAsync(FilesRig.Session, 1, TaskId.Parse("t1"), ContainerName.Default, part.Name, Stop))
            Assert.Equal(10, opened!.Length);
        Assert.True(Assert.Single(_rig.Disk.Reading).IsClosed);
    }

    [Fact]
    public async Task A_whole_small_file_passes_the_same_points_in_one_piece_of_work()
    {
        var file = await _rig.Parts.PublishWholeAsync(FilesRig.Files(), FilesRig.Owner(3, 1), "hello"u8.ToArray(), null, flush: true, Stop);

        Assert.Equal(5, file.Length);
        Assert.Equal("hello", await _rig.ReadAsync("out/a.bin"));
        Assert.Equal(["publish.write", "publish.flush", "publish.rename", "publish.directoryFlush"], _rig.Points.Reached);
        Assert.Empty(_rig.HiddenFiles());
    }

    [Fact]
    public async Task Without_a_destination_the_result_is_temporary_and_found_by_its_task()
    {
        var files = FilesRig.Files(destination: null);
        var view = await _rig.Parts.PublishWholeAsync(files, FilesRig.Owner(3, 1), "hello"u8.ToArray(), null, flush: true, Stop);

        Assert.True(ResultPath.TryParseGeneration(view.Path, out var generation));
        Assert.Equal(1, generation);
        await using (var opened = await _rig.Containers.OpenResultAsync(files.Session, 1, files.Task, files.Container, Stop))
            Assert.Equal(5, opened!.Length);
        await _rig.Parts.DiscardAsync(files, 3, resultToo: false, Stop);
        Assert.Single(_rig.HiddenFiles());
        await _rig.Parts.DiscardAsync(files, 3, resultToo: true, Stop);
        Assert.Empty(_rig.HiddenFiles());
        Assert.Null(await _rig.Containers.OpenResultAsync(files.Session, 1, files.Task, files.Container, Stop));
        await _rig.Parts.DiscardAsync(files, 3, resultToo: true, Stop);
    }

    [Fact]
    public async Task A_new_owner_adopts_the_part_under_its_own_epoch_and_goes_on()
    {
        var checkpoint = await InterruptAsync(epoch: 3);

        await using var part = await _rig.Parts.AdoptAsync(FilesRig.Files(), FilesRig.Owner(4, 2), checkpoint, Stop);

        Assert.NotNull(part);
        Assert.Contains(".e4.a2.", part.Name, StringComparison.Ordinal);
        Assert.Equal(part.Name, Path.GetFileName(Assert.Single(_rig.HiddenFiles())));
        await part.WriteAsync("56789"u8.ToArray(), 5, Stop);
        await part.PublishAsync(10, null, flush: true, Stop);
        Assert.Equal("0123456789", await _rig.ReadAsync("out/a.bin"));
    }

    [Fact]
    public async Task A_part_renamed_by_an_owner_that_died_before_its_checkpoint_is_still_found()
    {
        var checkpoint = await InterruptAsync(epoch: 3);
        await (await _rig.Parts.AdoptAsync(FilesRig.Files(), FilesRig.Owner(4, 2), checkpoint, Stop))!.DisposeAsync();

        await using var part = await _rig.Parts.AdoptAsync(FilesRig.Files(), FilesRig.Owner(5, 3), checkpoint, Stop);

        Assert.Contains(".e5.a3.", part!.Name, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_part_of_another_origin_version_is_never_adopted()
    {
        var checkpoint = await InterruptAsync(epoch: 3);
        await using (var restarted = await CreateAsync(FilesRig.Files(), 4, 2, 10))
            await restarted.WriteAsync("XXXXXXXXXX"u8.ToArray(), 0, Stop);

        Assert.Null(await _rig.Parts.AdoptAsync(FilesRig.Files(), FilesRig.Owner(5, 3), checkpoint, Stop));
    }

    [Fact]
    public async Task A_part_shorter_than_its_checkpoint_is_given_up()
    {
        var checkpoint = await InterruptAsync(epoch: 3);

        Assert.Null(await _rig.Parts.AdoptAsync(FilesRig.Files(), FilesRig.Owner(4, 2), checkpoint with { Bytes = 6 }, Stop));
        Assert.Empty(_rig.HiddenFiles());
    }

    [Fact]
    public async Task An_owner_of_an_older_epoch_neither_takes_nor_removes_the_part()
    {
        var checkpoint = await InterruptAsync(epoch: 3);
        await using var owned = await _rig.Parts.AdoptAsync(FilesRig.Files(), FilesRig.Owner(5, 2), checkpoint, Stop);

        await Assert.ThrowsAsync<StorageException>(async () => await _rig.Parts.AdoptAsync(FilesRig.Files(), FilesRig.Owner(4, 2), checkpoint, Stop));
        await Assert.ThrowsAsync<StorageException>(async () => await CreateAsync(FilesRig.Files(), 4, 2, 10));
        Assert.Single(_rig.HiddenFiles());
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task An_owner_that_loses_its_trust_while_it_flushes_publishes_nothing(bool isSmall)
    {
        var mayAct = true;
        var owner = FilesRig.Owner(mayAct: () => mayAct);
        _rig.Disk.DuringFileFlush = () => mayAct = false;
        await using var part = isSmall ? null : await _rig.Parts.CreateAsync(FilesRig.Files(), owner, 10, null, Stop);
        if (part is not null)
            await part.WriteAsync("0123456789"u8.ToArray(), 0, Stop);

        await Assert.ThrowsAsync<OwnershipLostException>(async () => _ = part is null
            ? await _rig.Parts.PublishWholeAsync(FilesRig.Files(), owner, "0123456789"u8.ToArray(), null, flush: true, Stop)
            : await part.PublishAsync(10, null, flush: true, Stop));

        Assert.DoesNotContain(_rig.Disk.Calls, call => call.StartsWith("rename", StringComparison.Ordinal));
        Assert.Null(await _rig.ReadAsync("out/a.bin"));
        Assert.Equal(isSmall ? 0 : 1, _rig.HiddenFiles().Length); // the part is the next owner's to adopt
    }

    [Fact]
    public async Task Without_trust_a_part_is_neither_taken_over_nor_replaced()
    {
        var checkpoint = await InterruptAsync(epoch: 3);
        var lost = FilesRig.Owner(epoch: 4, mayAct: static () => false);

        await Assert.ThrowsAsync<OwnershipLostException>(async () => await _rig.Parts.AdoptAsync(FilesRig.Files(), lost, checkpoint, Stop));
        await Assert.ThrowsAsync<OwnershipLostException>(async () => await _rig.Parts.CreateAsync(FilesRig.Files(), lost, 10, null, Stop));

        Assert.Equal(checkpoint.Part, Path.GetFileName(Assert.Single(_rig.HiddenFiles())));
    }

    [Fact]
    public async Task What_an_older_owner_discards_late_is_not_the_part_of_a_newer_one()
    {
        var checkpoint = await InterruptAsync(epoch: 3);
        await using var owned = await _rig.Parts.AdoptAsync(FilesRig.Files(), FilesRig.Owner(5, 2), checkpoint, Stop);

        await _rig.Parts.DiscardAsync(FilesRig.Files(), 3, resultToo: true, Stop);
        Assert.Equal(owned!.Name, Path.GetFileName(Assert.Single(_rig.HiddenFiles())));

        await _rig.Parts.DiscardAsync(FilesRig.Files(), 5, resultToo: true, Stop);
        Assert.Empty(_rig.HiddenFiles());
    }

    [Fact]
    public async Task The_clean_up_of_a_publication_leaves_the_part_of_a_newer_owner()
    {
        await using var old = await CreateAsync(FilesRig.Files(), 3, 1, null);
        await old.WriteAsync("0123456789"u8.ToArray(), 0, Stop);
        var newer = Path.Combine(Path.GetDirectoryName(Assert.Single(_rig.HiddenFiles()))!, new PartName(5, 1, 5, 2).ToString());
        await File.WriteAllTextAsync(newer, "01", Stop);

        await old.PublishAsync(10, null, flush: true, Stop);

        Assert.Equal(newer, Assert.Single(_rig.HiddenFiles()));
    }

    [Fact]
    public async Task An_overtaken_owner_that_starts_from_zero_removes_nothing()
    {
        await using var owned = await CreateAsync(FilesRig.Files(), 5, 1, null);
        var older = Path.Combine(Path.GetDirectoryName(Assert.Single(_rig.HiddenFiles()))!, new PartName(2, 1, 2, 1).ToString());
        await File.WriteAllTextAsync(older, "01", Stop);

        await Assert.ThrowsAsync<StorageException>(async () => await CreateAsync(FilesRig.Files(), 4, 2, 10));

        Assert.Equal(2, _rig.HiddenFiles().Length);
    }

    [Fact]
    public async Task A_start_from_zero_is_a_new_inode_and_leaves_the_old_one_to_whoever_holds_it()
    {
        await using var old = await CreateAsync(FilesRig.Files(), 3, 1, 10);
        await old.WriteAsync("old"u8.ToArray(), 0, Stop);
        await using var fresh = await CreateAsync(FilesRig.Files(), 3, 1, 10);
        await fresh.WriteAsync("new"u8.ToArray(), 0, Stop);

        await old.WriteAsync("OLD"u8.ToArray(), 0, Stop);
        var failed = await Assert.ThrowsAsync<StorageException>(async () => await old.PublishAsync(3, null, flush: true, Stop));
        Assert.Equal(StorageFailure.Failed, failed.Failure);
        await fresh.PublishAsync(3, null, flush: true, Stop);
        Assert.Equal("new", await _rig.ReadAsync("out/a.bin"));
    }

    [Fact]
    public async Task A_full_disk_is_told_before_the_first_byte_and_leaves_nothing()
    {
        _rig.Disk.Fail("reserve", Errno.NoSpace);
        var full = await Assert.ThrowsAsync<StorageException>(async () => await CreateAsync(FilesRig.Files(), 3, 1, 10));
        Assert.Equal(StorageFailure.Full, full.Failure);
        Assert.Empty(_rig.HiddenFiles());
    }

    [Fact]
    public async Task Room_that_was_expected_is_reserved_and_what_was_too_much_goes_back()
    {
        await using var part = await _rig.Parts.CreateAsync(FilesRig.Files(), FilesRig.Owner(), null, 50_000_000, Stop);
        await part.WriteAsync(new byte[1000], 0, Stop);
        Assert.Contains(_rig.Disk.Calls, call => call.StartsWith("reserve ", StringComparison.Ordinal) && call.EndsWith(" 50000000", StringComparison.Ordinal));
        var identity = await part.IdentifyAsync(Stop);
        Assert.Contains(_rig.Disk.Calls, call => call.StartsWith("set length ", StringComparison.Ordinal) && call.EndsWith(" 1000", StringComparison.Ordinal));
        var cuts = _rig.Disk.Calls.Count(call => call.StartsWith("set length ", StringComparison.Ordinal));

        var file = await part.PublishAsync(1000, null, flush: true, Stop);

        Assert.Equal(1000, file.Length);
        Assert.Equal(1000, identity.Length);
        Assert.Equal(cuts, _rig.Disk.Calls.Count(call => call.StartsWith("set length ", StringComparison.Ordinal))); // the identity stays what it was
    }

    [Fact]
    public async Task The_disk_itself_refuses_to_reserve_what_it_does_not_have()
    {
        var full = await Assert.ThrowsAsync<StorageException>(async () => await CreateAsync(FilesRig.Files(), 3, 1, 1L << 52));
        Assert.Equal(StorageFailure.Full, full.Failure);
        Assert.Empty(_rig.HiddenFiles());
    }

    [Fact]
    public async Task A_reservation_does_not_change_the_length()
    {
        await using var part = await CreateAsync(FilesRig.Files(), 3, 1, 1 << 20);
        await part.WriteAsync("01234"u8.ToArray(), 0, Stop);
        Assert.Equal(5, (await part.IdentifyAsync(Stop)).Length);
    }

    [Fact]
    public async Task A_failed_flush_is_final_for_the_part()
    {
        await using var part = await CreateAsync(FilesRig.Files(), 3, 1, 10);
        await part.WriteAsync("01234"u8.ToArray(), 0, Stop);
        _rig.Disk.Fail("flush file", Errno.Io);
        Assert.Equal(StorageFailure.Failed, (await Assert.ThrowsAsync<StorageException>(async () => await part.FlushAsync(RangeSet.Of(0, 1), Stop))).Failure);

        _rig.Disk.Heal();

        Assert.Equal(StorageFailure.Failed, (await Assert.ThrowsAsync<StorageException>(async () => await part.FlushAsync(RangeSet.Of(0, 1), Stop))).Failure);
        await Assert.ThrowsAsync<StorageException>(async () => await part.PublishAsync(5, null, flush: true, Stop));
        Assert.Null(await _rig.ReadAsync("out/a.bin"));
    }

    [Fact]
    public async Task The_first_checkpoint_makes_the_parts_name_durable_and_later_ones_only_its_bytes()
    {
        await using var part = await CreateAsync(FilesRig.Files(), 3, 1, null);
        await part.FlushAsync(RangeSet.Of(0, 1), Stop);
        Assert.Contains("flush /.backhaul/parts/", _rig.Disk.Calls, StringComparer.Ordinal);
        _rig.Disk.Calls.Clear();
        await part.FlushAsync(RangeSet.Of(0, 1), Stop);
        Assert.Single(_rig.Disk.Calls);
    }

    [Fact]
    public async Task A_file_published_just_before_a_crash_is_recognised()
    {
        string name;
        FileIdentity identity;
        await using (var part = await CreateAsync(FilesRig.Files(), 3, 1, 10))
        {
            await part.WriteAsync("0123456789"u8.ToArray(), 0, Stop);
            name = part.Name;
            identity = await part.IdentifyAsync(Stop);
            await part.PublishAsync(10, null, flush: true, Stop);
        }
        var checkpoint = Checkpoint(name, 10) with { Complete = true, Identity = identity, Sha256 = "ab" };

        var found = await _rig.Parts.FindPublishedAsync(FilesRig.Files(), 3, checkpoint, Stop);
        Assert.Equal((10, "ab"), (found!.Length, found.Sha256));

        Assert.Null(await _rig.Parts.FindPublishedAsync(FilesRig.Files(), 3, checkpoint with { Complete = false }, Stop));
        await _rig.StageAsync("out/a.bin", "0123456789");
        Assert.Null(await _rig.Parts.FindPublishedAsync(FilesRig.Files(), 3, checkpoint, Stop));
    }

    [Fact]
    public async Task What_a_part_has_beyond_its_length_is_cut_when_it_is_published()
    {
        await using var part = await CreateAsync(FilesRig.Files(), 3, 1, null);
        await part.WriteAsync("0123456789xxx"u8.ToArray(), 0, Stop);
        await part.PublishAsync(10, null, flush: false, Stop);
        Assert.Equal("0123456789", await _rig.ReadAsync("out/a.bin"));
    }

    [Fact]
    public async Task A_part_shortened_under_us_is_not_published()
    {
        await using var part = await CreateAsync(FilesRig.Files(), 3, 1, null);
        await part.WriteAsync("0123456789"u8.ToArray(), 0, Stop);
        await using (var other = File.OpenWrite(Assert.Single(_rig.HiddenFiles())))
            other.SetLength(4);
        Assert.Equal(StorageFailure.Failed, (await Assert.ThrowsAsync<StorageException>(async () => await part.PublishAsync(10, null, flush: true, Stop))).Failure);
    }

    [Fact]
    public async Task Write_back_is_started_with_the_next_write_over_everything_asked_for()
    {
        await using var part = await CreateAsync(FilesRig.Files(), 3, 1, null);
        await part.WriteAsync(new byte[4096], 0, Stop);
        part.StartWriteBack(0, 4096);
        await part.WriteAsync(new byte[4096], 4096, Stop);
        part.StartWriteBack(4096, 4096);
        part.StartWriteBack(0, 100);
        await part.WriteAsync(new byte[1], 8192, Stop);
        Assert.Equal(2, _rig.Disk.Calls.Count(call => call.StartsWith("write back", StringComparison.Ordinal)));
        Assert.Contains(_rig.Disk.Calls, call => call.EndsWith(" 0 8192", StringComparison.Ordinal));
    }

    [Fact]
    public async Task An_upload_source_notices_a_change_and_a_replacement()
    {
        await _rig.StageAsync("a", "hello");
        await using var source = await _rig.Parts.OpenSourceAsync(TenantId.Default, ContainerName.Default, ContainerPath.Parse("a"), Stop);
        Assert.True(await source!.IsUnchangedAsync(Stop));

        await _rig.StageAsync("a", "other");

        Assert.False(await source.IsUnchangedAsync(Stop));
        var buffer = new byte[5];
        Assert.Equal(5, await source.ReadAsync(buffer, 0, Stop));
        Assert.Equal("hello", Encoding.UTF8.GetString(buffer));
        Assert.Null(await _rig.Parts.OpenSourceAsync(TenantId.Default, ContainerName.Default, ContainerPath.Parse("none"), Stop));

        await using var written = await _rig.Parts.OpenSourceAsync(TenantId.Default, ContainerName.Default, ContainerPath.Parse("a"), Stop);
        await File.AppendAllTextAsync(_rig.Root.At("default/a"), "!", Stop);
        Assert.False(await written!.IsUnchangedAsync(Stop));
    }

    public void Dispose() => _rig.Dispose();

    private ValueTask<IPartFile> CreateAsync(TaskFiles files, long epoch, int attempt, long? length) =>
        _rig.Parts.CreateAsync(files, FilesRig.Owner(epoch, attempt), length, null, Stop);

    private async Task<PartCheckpoint> InterruptAsync(long epoch)
    {
        await using var part = await CreateAsync(FilesRig.Files(), epoch, 1, 10);
        await part.WriteAsync("01234"u8.ToArray(), 0, Stop);
        await part.FlushAsync(RangeSet.Of(0, 1), Stop);
        return Checkpoint(part.Name, 5);
    }
}

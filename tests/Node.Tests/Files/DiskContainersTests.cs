using Backhaul.Node.Files;
using Backhaul.Node.Files.Disk;
using Backhaul.Protocol;
using Xunit;

namespace Backhaul.Node.Tests.Files;

public sealed class DiskContainersTests : IDisposable
{
    private readonly FilesRig _rig = new();

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_staged_file_reads_back_and_says_whether_it_was_new()
    {
        var first = Assert.IsType<StageResult.Stored>(await _rig.StageAsync("in/a.txt", "hello"));
        Assert.True(first.Created);
        Assert.Equal(5, first.File.Length);
        Assert.Equal("hello", await _rig.ReadAsync("in/a.txt"));

        var second = Assert.IsType<StageResult.Stored>(await _rig.StageAsync("in/a.txt", "other"));
        Assert.False(second.Created);
        Assert.NotEqual(first.ETag, second.ETag, StringComparer.Ordinal);
        Assert.Equal("other", await _rig.ReadAsync("in/a.txt"));
        Assert.Empty(_rig.HiddenFiles());
    }

    [Fact]
    public async Task The_entity_tag_of_a_stored_file_is_the_one_readers_see()
    {
        var stored = Assert.IsType<StageResult.Stored>(await _rig.StageAsync("a", "hello"));
        await using var file = await _rig.Containers.OpenReadAsync(TenantId.Default, ContainerName.Default, ContainerPath.Parse("a"), Stop);
        Assert.Equal(stored.ETag, file!.ETag);
        Assert.Matches("^\"[0-9a-f-]+\"$", file.ETag);
    }

    [Fact]
    public async Task A_file_is_flushed_before_its_rename_and_every_new_folder_after_it()
    {
        await _rig.StageAsync("x/y/a", "hello");

        var calls = _rig.Disk.Calls.ToList();
        var rename = calls.FindIndex(call => call.StartsWith("rename", StringComparison.Ordinal) && call.EndsWith(" /default/x/y/a", StringComparison.Ordinal));
        var file = calls[rename].Split(' ')[1];
        Assert.True(calls.IndexOf($"write {file}") < calls.IndexOf($"flush {file}"));
        Assert.True(calls.IndexOf($"flush {file}") < rename);
        foreach (var folder in new[] { "/default/x/y/", "/default/x/", "/default/", "/" })
            Assert.True(calls.LastIndexOf($"flush {folder}") > rename, $"{folder} was not flushed after the rename: {string.Join("; ", calls)}");
        Assert.Equal(["stage.write", "stage.flush", "stage.rename", "stage.directoryFlush"], _rig.Points.Reached);
    }

    [Fact]
    public async Task A_second_file_of_a_folder_flushes_only_that_folder()
    {
        await _rig.StageAsync("x/y/a", "1");
        _rig.Disk.Calls.Clear();

        await _rig.StageAsync("x/y/b", "2");

        Assert.Equal(["flush /default/x/y/"], FolderFlushes());
    }

    [Fact]
    public async Task Folders_that_another_process_made_are_flushed_once_up_to_the_root()
    {
        Directory.CreateDirectory(_rig.Root.At("default/x"));
        await _rig.StageAsync("x/a", "1");
        Assert.Equal(["flush /default/x/", "flush /default/", "flush /"], FolderFlushes());
        _rig.Disk.Calls.Clear();
        await _rig.StageAsync("x/b", "2");
        Assert.Equal(["flush /default/x/"], FolderFlushes());
    }

    [Fact]
    public async Task A_folder_made_again_is_flushed_again()
    {
        await _rig.StageAsync("x/a", "1");
        await _rig.Containers.DeleteAsync(TenantId.Default, ContainerName.Default, ContainerPath.Parse("x/a"), null, Stop);
        Assert.False(Directory.Exists(_rig.Root.At("default/x")));
        _rig.Disk.Calls.Clear();
        await _rig.StageAsync("x/b", "2");
        Assert.Equal(["flush /default/x/", "flush /default/"], FolderFlushes());
    }

    [Fact]
    public async Task A_body_over_the_limit_is_refused_and_leaves_nothing()
    {
        var announced = Assert.IsType<StageResult.Refused>(await _rig.StageAsync("a", "0123456789", bytesMax: 9));
        Assert.Equal((413, ProblemCodes.BodyTooLarge), (announced.Problem.Status, announced.Problem.Code));

        var streamed = Assert.IsType<StageResult.Refused>(await _rig.Containers.StageAsync(
            TenantId.Default, ContainerName.Default, ContainerPath.Parse("a"), new MemoryStream(new byte[10]), null, 9, null, Stop));
        Assert.Equal(413, streamed.Problem.Status);
        Assert.Null(await _rig.ReadAsync("a"));
        Assert.Empty(_rig.HiddenFiles());
    }

    [Fact]
    public async Task A_body_shorter_than_announced_is_refused_and_leaves_nothing()
    {
        var refused = Assert.IsType<StageResult.Refused>(await _rig.Containers.StageAsync(
            TenantId.Default, ContainerName.Default, ContainerPath.Parse("a"), new MemoryStream(new byte[10]), 11, 100, null, Stop));
        Assert.Equal(400, refused.Problem.Status);
        Assert.Null(await _rig.ReadAsync("a"));
        Assert.Empty(_rig.HiddenFiles());
    }

    [Fact]
    public async Task A_body_that_breaks_leaves_nothing()
    {
        await Assert.ThrowsAsync<IOException>(async () => await _rig.Containers.StageAsync(
            TenantId.Default, ContainerName.Default, ContainerPath.Parse("a"), new BreakingStream(3 << 20), null, long.MaxValue, null, Stop));
        Assert.Null(await _rig.ReadAsync("a"));
        Assert.Empty(_rig.HiddenFiles());
    }

    [Fact]
    public async Task A_move_is_one_rename_whose_folders_are_flushed_and_which_leaves_no_empty_folder()
    {
        await _rig.StageAsync("x/y/a", "hello");
        _rig.Disk.Calls.Clear();
        var moved = Assert.IsType<StageResult.Stored>(await MoveAsync("x/y/a", "z/b"));
        Assert.Equal(("z/b", 5L, true), (moved.File.Path, moved.File.Length, moved.Created));
        Assert.Equal(
            ["make /default/z/", "rename /default/x/y/a /default/z/b", "flush /default/z/", "flush /default/", "flush /default/x/y/"],
            _rig.Disk.Calls.Where(call => !call.StartsWith("flush /default/x/ ", StringComparison.Ordinal)));
        Assert.Equal("hello", await _rig.ReadAsync("z/b"));
        Assert.False(Directory.Exists(_rig.Root.At("default/x")));
        Assert.Null(await MoveAsync("x/y/a", "z/b"));
    }

    [Fact]
    public async Task A_move_replaces_only_when_it_may_and_only_the_file_that_was_meant()
    {
        var first = Assert.IsType<StageResult.Stored>(await _rig.StageAsync("a", "first"));
        await _rig.StageAsync("b", "second");
        Assert.Equal(412, Assert.IsType<StageResult.Refused>(await MoveAsync("a", "b", replaces: false)).Problem.Status);
        Assert.Equal(412, Assert.IsType<StageResult.Refused>(await MoveAsync("a", "b", etag: "\"other\"")).Problem.Status);
        Assert.Equal(("first", "second"), (await _rig.ReadAsync("a"), await _rig.ReadAsync("b")));

        var moved = Assert.IsType<StageResult.Stored>(await MoveAsync("a", "b", etag: first.ETag));
        Assert.Equal((false, first.ETag), (moved.Created, moved.ETag));
        // The answer was lost: the same move again finds its own work.
        Assert.Equal(first.ETag, Assert.IsType<StageResult.Stored>(await MoveAsync("a", "b", etag: first.ETag)).ETag);
        Assert.Equal("first", await _rig.ReadAsync("b"));
    }

    /// <summary>Between the look and the rename somebody else stores a file: the condition is asked again, and the file system refuses a name that is taken.</summary>
    [Fact]
    public async Task A_condition_holds_at_the_rename_or_nothing_is_stored()
    {
        _rig.Disk.DuringFileFlush = () => File.WriteAllText(_rig.Root.At("default/a"), "faster");
        Directory.CreateDirectory(_rig.Root.At("default"));
        Assert.Equal(412, Assert.IsType<StageResult.Refused>(await StageNewAsync("a")).Problem.Status);
        _rig.Disk.DuringFileFlush = null;
        _rig.Disk.BeforeRename = () => File.WriteAllText(_rig.Root.At("default/b"), "another node");
        Assert.Equal(412, Assert.IsType<StageResult.Refused>(await StageNewAsync("b")).Problem.Status);
        Assert.Equal(("faster", "another node"), (await _rig.ReadAsync("a"), await _rig.ReadAsync("b")));
        Assert.Empty(_rig.HiddenFiles());
    }

    [Fact]
    public async Task Of_many_that_store_a_new_file_at_once_one_does()
    {
        var outcomes = await Task.WhenAll(Enumerable.Range(0, 16).Select(_ => StageNewAsync("a").AsTask()));
        Assert.Single(outcomes.OfType<StageResult.Stored>());
        Assert.All(outcomes.OfType<StageResult.Refused>(), refused => Assert.Equal(412, refused.Problem.Status));
    }

    private ValueTask<StageResult> StageNewAsync(string path) => _rig.Containers.StageAsync(
        TenantId.Default, ContainerName.Default, ContainerPath.Parse(path), new MemoryStream(new byte[10]), 10, 100, FileCondition.Free, Stop);

    private ValueTask<StageResult?> MoveAsync(string from, string to, bool replaces = true, string? etag = null) => _rig.Containers.MoveAsync(
        new FileMove
        {
            Tenant = TenantId.Default,
            From = ContainerName.Default,
            Path = ContainerPath.Parse(from),
            To = ContainerName.Default,
            ToPath = ContainerPath.Parse(to),
            Condition = etag is null ? null : new FileCondition((present, _) => present == etag, MustBeFree: false),
            Replaces = replaces,
        },
        Stop);

    [Fact]
    public async Task A_large_body_arrives_byte_for_byte()
    {
        var content = new byte[(5 << 20) + 17];
        new Random(7).NextBytes(content);
        await _rig.Containers.StageAsync(
            TenantId.Default, ContainerName.Default, ContainerPath.Parse("big"), new TricklingStream(content), null, long.MaxValue, null, Stop);
        Assert.Equal(content, await File.ReadAllBytesAsync(_rig.Root.At("default/big"), Stop));
    }

    [Theory]
    [InlineData("reserve", Errno.NoSpace, 507, ProblemCodes.StorageFull)]
    [InlineData("write", Errno.NoSpace, 507, ProblemCodes.StorageFull)]
    [InlineData("write", Errno.Quota, 507, ProblemCodes.StorageFull)]
    [InlineData("write", Errno.Io, 500, ProblemCodes.StorageFailed)]
    [InlineData("flush file", Errno.Io, 500, ProblemCodes.StorageFailed)]
    [InlineData("flush folder", Errno.Io, 500, ProblemCodes.StorageFailed)]
    [InlineData("rename", Errno.ReadOnly, 500, ProblemCodes.StorageFailed)]
    public async Task What_a_disk_refuses_is_a_problem_with_a_sentence(string call, int errno, int status, string code)
    {
        _rig.Disk.Fail(call, errno);

        var refused = Assert.IsType<StageResult.Refused>(await _rig.StageAsync("a", "hello"));

        Assert.Equal((status, code), (refused.Problem.Status, refused.Problem.Code));
        Assert.Contains("container default", refused.Problem.Detail, StringComparison.OrdinalIgnoreCase);
        Assert.Empty(_rig.HiddenFiles());
        _rig.Disk.Heal();
        Assert.IsType<StageResult.Stored>(await _rig.StageAsync("a", "hello"));
    }

    [Fact]
    public async Task Tenants_do_not_see_each_other_and_none_sees_the_hidden_folder()
    {
        await _rig.StageAsync("a", "mine", "one");
        Assert.Null(await _rig.ReadAsync("a", "two"));

        await _rig.StageAsync("parts/a", "not a part", ".backhaul");
        Assert.Equal("not a part", await _rig.ReadAsync("parts/a", ".backhaul"));
        Assert.True(File.Exists(_rig.Root.At("%2Ebackhaul/parts/a")));
        Assert.Empty(_rig.HiddenFiles());
    }

    [Fact]
    public async Task A_file_and_a_folder_cannot_share_a_name()
    {
        await _rig.StageAsync("a/b", "1");
        var onFolder = Assert.IsType<StageResult.Refused>(await _rig.StageAsync("a", "2"));
        var belowFile = Assert.IsType<StageResult.Refused>(await _rig.StageAsync("a/b/c", "3"));
        Assert.Equal((409, ProblemCodes.InvalidPath), (onFolder.Problem.Status, onFolder.Problem.Code));
        Assert.Equal((409, ProblemCodes.InvalidPath), (belowFile.Problem.Status, belowFile.Problem.Code));
        Assert.Null(await _rig.ReadAsync("a"));
        Assert.Null(await _rig.ReadAsync("a/b/c"));
    }

    [Fact]
    public async Task Deleting_is_durable_and_frees_the_names_of_empty_folders()
    {
        await _rig.StageAsync("a/b/c", "1");
        _rig.Disk.Calls.Clear();

        Assert.True(await _rig.Containers.DeleteAsync(TenantId.Default, ContainerName.Default, ContainerPath.Parse("a/b/c"), null, Stop));

        Assert.Equal(["unlink /default/a/b/c", "flush /default/a/b/"], _rig.Disk.Calls, StringComparer.Ordinal);
        Assert.False(Directory.Exists(_rig.Root.At("default/a")));
        Assert.False(await _rig.Containers.DeleteAsync(TenantId.Default, ContainerName.Default, ContainerPath.Parse("a/b/c"), null, Stop));
        Assert.IsType<StageResult.Stored>(await _rig.StageAsync("a", "2"));
    }

    [Fact]
    public async Task A_folder_removed_as_empty_just_before_the_rename_is_made_again()
    {
        var removed = false;
        _rig.Disk.BeforeRename = () =>
        {
            if (!removed)
                Directory.Delete(_rig.Root.At("default/x"));
            removed = true;
        };
        Assert.IsType<StageResult.Stored>(await _rig.StageAsync("x/a", "1"));
        Assert.Equal("1", await _rig.ReadAsync("x/a"));
    }

    [Fact]
    public async Task Staging_files_of_dead_processes_are_swept_and_those_of_living_ones_kept()
    {
        var dead = Directory.CreateDirectory(_rig.Root.At(".backhaul/staging/dead"));
        await File.WriteAllTextAsync(Path.Combine(dead.FullName, "lock"), "", Stop);
        await File.WriteAllTextAsync(Path.Combine(dead.FullName, "1"), "half", Stop);
        var part = Directory.CreateDirectory(_rig.Root.At(".backhaul/parts/somebodys"));
        await File.WriteAllTextAsync(Path.Combine(part.FullName, "v1-1.e1.a1.part"), "half", Stop);
        var living = Directory.GetDirectories(_rig.Root.At(".backhaul/staging")).Single(path => !path.EndsWith("dead", StringComparison.Ordinal));

        using var next = _rig.Open();

        Assert.False(Directory.Exists(dead.FullName));
        Assert.True(Directory.Exists(living));
        Assert.True(File.Exists(Path.Combine(part.FullName, "v1-1.e1.a1.part")));
    }

    [Fact]
    public async Task In_a_shared_container_a_free_lock_is_believed_only_after_a_day_without_a_change()
    {
        var other = Directory.CreateDirectory(_rig.Root.At(".backhaul/staging/other")).FullName;
        var times = new[] { Path.Combine(other, "lock"), Path.Combine(other, "1") };
        foreach (var file in times)
            await File.WriteAllTextAsync(file, "half", Stop);
        using (_rig.Open(shared: true))
            Assert.Equal(2, Directory.GetFiles(other).Length);

        File.SetLastWriteTimeUtc(times[0], DateTime.UtcNow.AddDays(-2));
        Directory.SetLastWriteTimeUtc(other, DateTime.UtcNow.AddDays(-2));
        using (_rig.Open(shared: true))
            Assert.Equal(2, Directory.GetFiles(other).Length);

        File.SetLastWriteTimeUtc(times[1], DateTime.UtcNow.AddDays(-2));
        using (_rig.Open(shared: true))
            Assert.False(Directory.Exists(other));
    }

    [Fact]
    public async Task A_node_whose_staging_folder_another_one_swept_makes_it_again()
    {
        var own = Assert.Single(Directory.GetDirectories(_rig.Root.At(".backhaul/staging")));
        Directory.Delete(own, recursive: true);

        await Task.WhenAll(Enumerable.Range(0, 4).Select(n => _rig.StageAsync($"a{n}", "1")));
        await _rig.Parts.PublishWholeAsync(FilesRig.Files(), FilesRig.Owner(), "hello"u8.ToArray(), null, flush: true, Stop);

        Assert.Equal("1", await _rig.ReadAsync("a3"));
        Assert.Equal("lock", Path.GetFileName(Assert.Single(Directory.GetFiles(own))));
        using var next = _rig.Open();
        Assert.True(Directory.Exists(own));
    }

    public void Dispose() => _rig.Dispose();

    private string[] FolderFlushes() => [.. _rig.Disk.Calls.Where(call => call.StartsWith("flush", StringComparison.Ordinal) && call.EndsWith('/'))];

    private sealed class TricklingStream(byte[] content) : MemoryStream(content)
    {
        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
            base.ReadAsync(buffer[..Math.Min(buffer.Length, 70_001)], cancellationToken);
    }

    /// <summary>Nodes that share a container often start together; one took another's folder for that of a dead process.</summary>
    [Fact]
    public async Task Many_processes_come_in_at_once()
    {
        using var root = new TempFolder();
        for (var round = 0; round < 30; round++)
        {
            var path = root.At($"container-{round}");
            var opened = await Task.WhenAll(Enumerable.Range(0, 6).Select(n => Task.Run(
                () => DiskFolders.Open(ContainerName.Default, path, new LinuxDiskCalls(), $"process-{n}", sweepBefore: null), TestContext.Current.CancellationToken)));
            Assert.Equal(6, Directory.GetDirectories(Path.Combine(path, ".backhaul", "staging")).Length);
            foreach (var folders in opened)
            {
                foreach (var handle in new[] { folders.Root, folders.Parts, folders.Staging, folders.StagingLock })
                    handle.Dispose();
            }
        }
    }
}

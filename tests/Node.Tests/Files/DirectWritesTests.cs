using Backhaul.Node.Files;
using Backhaul.Node.Files.Disk;
using Backhaul.Node.Transfers;
using FsCheck;
using FsCheck.Fluent;
using Xunit;

namespace Backhaul.Node.Tests.Files;

public sealed class DirectWritesTests : IDisposable
{
    private readonly FilesRig _rig = new();

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Whole_pages_of_a_long_chunk_go_past_the_cache_and_the_rest_through_it()
    {
        await WriteAsync(from: 0, [1_000_000, 300_000]);

        Assert.Equal(2, _rig.Disk.Calls.Count(call => call.StartsWith("write ", StringComparison.Ordinal) && call.EndsWith("past the cache", StringComparison.Ordinal)));
        Assert.Equal(3, _rig.Disk.Calls.Count(call => call.StartsWith("write ", StringComparison.Ordinal) && !call.EndsWith("past the cache", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task Short_chunks_never_open_the_second_handle()
    {
        _rig.Disk.Fail("open WriteDirect", Errno.Io);
        await WriteAsync(from: 0, [200_000, 100, 200_000]);
    }

    [Theory]
    [InlineData("open WriteDirect", Errno.Invalid)]
    [InlineData("open WriteDirect", Errno.NotFound)]
    [InlineData("write direct", Errno.Invalid)]
    public async Task Where_it_cannot_be_had_everything_goes_through_the_cache(string call, int errno)
    {
        _rig.Disk.Fail(call, errno);
        await WriteAsync(from: 0, [1_000_000, 1_000_000, 1_000_000]);
        Assert.InRange(_rig.Disk.Calls.Count(written => written.EndsWith("past the cache", StringComparison.Ordinal)), 0, 1);
    }

    [Theory]
    [InlineData(Errno.NoSpace)]
    [InlineData(Errno.Io)]
    public async Task A_disk_that_refuses_whole_pages_is_told_as_any_other(int errno)
    {
        _rig.Disk.Fail("write direct", errno);
        var refused = await Assert.ThrowsAsync<StorageException>(async () => await WriteAsync(from: 0, [1_000_000]));
        Assert.Equal(errno == Errno.NoSpace ? StorageFailure.Full : StorageFailure.Failed, refused.Failure);
    }

    [Fact]
    public void However_it_is_cut_the_file_is_what_was_written()
    {
        var cuts = ArbMap.Default.ArbFor<PositiveInt[]>();
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(25), Prop.ForAll(cuts, sizes =>
        {
            using var rig = new FilesRig();
            WriteAsync(rig, from: sizes.Length * 777, [.. sizes.Take(6).Select(size => (size.Get * 65_537) % 1_500_000 + 1)]).GetAwaiter().GetResult();
        }));
    }

    public void Dispose() => _rig.Dispose();

    private Task WriteAsync(int from, int[] sizes) => WriteAsync(_rig, from, sizes);

    /// <summary>As a pump does: each chunk lies in its buffer as far behind a page's boundary as in the file.</summary>
    private static async Task WriteAsync(FilesRig rig, int from, int[] sizes)
    {
        var content = new byte[from + sizes.Sum()];
        new Random(sizes.Length).NextBytes(content);
        await using var part = await rig.Parts.CreateAsync(FilesRig.Files(), FilesRig.Owner(), content.Length, null, Stop);
        if (from > 0)
            await part.WriteAsync(content.AsMemory(0, from), 0, Stop);
        var offset = from;
        foreach (var size in sizes)
        {
            var memory = GC.AllocateUninitializedArray<byte>(size + (2 * ChunkPool.Alignment), pinned: true);
            var page = (int)(-ChunkPool.AddressOf(memory) & (ChunkPool.Alignment - 1));
            var filled = memory.AsMemory(page + (offset & (ChunkPool.Alignment - 1)), size);
            content.AsMemory(offset, size).CopyTo(filled);
            await part.WriteAsync(filled, offset, Stop);
            offset += size;
        }
        await part.PublishAsync(content.Length, null, flush: true, Stop);
        Assert.Equal(content, await File.ReadAllBytesAsync(rig.Root.At("default/out/a.bin"), Stop));
    }
}

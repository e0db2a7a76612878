using Backhaul.Node.Files.Disk;
using Xunit;

namespace Backhaul.Node.Tests.Files;

public sealed class DirectoryFlusherTests : IDisposable
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(20);
    private readonly TempFolder _root = new();
    private readonly RecordingDisk _disk = new(new LinuxDiskCalls());

    [Fact]
    public async Task Whoever_comes_during_a_flush_shares_the_next_one()
    {
        Assert.Equal(0, _disk.OpenRoot(_root.Path, out var folder));
        using var held = new ManualResetEventSlim();
        using var reached = new ManualResetEventSlim();
        _disk.BeforeFolderFlush = () =>
        {
            reached.Set();
            held.Wait(Deadline);
        };
        var flusher = new DirectoryFlusher(_disk);
        var first = OnThread(() => flusher.Flush("", folder));
        Assert.True(reached.Wait(Deadline, TestContext.Current.CancellationToken));

        var errnos = new int[8];
        var others = Enumerable.Range(0, errnos.Length).Select(index => new Thread(() => errnos[index] = flusher.Flush("", folder))).ToArray();
        foreach (var other in others)
            other.Start();
        Assert.True(SpinWait.SpinUntil(() => others.All(other => other.ThreadState.HasFlag(ThreadState.WaitSleepJoin)), Deadline));
        held.Set();

        Assert.Equal(0, await first);
        foreach (var other in others)
            Assert.True(other.Join(Deadline));
        Assert.All(errnos, errno => Assert.Equal(0, errno));
        Assert.Equal(2, _disk.Calls.Count);
        folder.Dispose();
    }

    [Fact]
    public async Task All_that_a_flush_covers_hear_of_its_failure_and_later_ones_do_not()
    {
        Assert.Equal(0, _disk.OpenRoot(_root.Path, out var folder));
        var flusher = new DirectoryFlusher(_disk);
        _disk.Fail("flush folder", Errno.Io);
        var failed = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => OnThread(() => flusher.Flush("", folder))));
        Assert.All(failed, errno => Assert.Equal(Errno.Io, errno));

        _disk.Heal();

        Assert.Equal(0, flusher.Flush("", folder));
        folder.Dispose();
    }

    public void Dispose() => _root.Dispose();

    private static Task<int> OnThread(Func<int> work) =>
        Task.Factory.StartNew(work, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
}

using Backhaul.Node.Files;
using Xunit;

namespace Backhaul.Node.Tests.Files;

public sealed class FileThreadsTests
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(20);

    [Fact]
    public async Task Results_and_exceptions_come_back_to_the_caller()
    {
        using var threads = new FileThreads(2);
        Assert.Equal(42, await threads.RunAsync(static state => state * 2, 21));
        await Assert.ThrowsAsync<IOException>(async () => await threads.RunAsync<int, int>(static _ => throw new IOException("broken"), 0));
        Assert.Equal(43, await threads.RunAsync(static state => state + 1, 42));
    }

    [Fact]
    public async Task No_more_calls_run_at_once_than_there_are_threads_and_none_is_forgotten()
    {
        using var threads = new FileThreads(3);
        var running = 0;
        var most = 0;
        var results = await Task.WhenAll(Enumerable.Range(0, 500).Select(index => threads.RunAsync(
            number =>
            {
                var now = Interlocked.Increment(ref running);
                InterlockedMax(ref most, now);
                Thread.SpinWait(500);
                Interlocked.Decrement(ref running);
                return number;
            },
            index).AsTask()));
        Assert.Equal(Enumerable.Range(0, 500), results);
        Assert.InRange(most, 1, 3);
    }

    [Fact]
    public async Task A_blocked_call_does_not_hold_up_the_others()
    {
        using var threads = new FileThreads(2);
        using var held = new ManualResetEventSlim();
        var blocked = threads.RunAsync(static gate => gate.Wait(Deadline), held).AsTask();
        for (var i = 0; i < 100; i++)
            Assert.Equal(i, await threads.RunAsync(static state => state, i));
        Assert.False(blocked.IsCompleted);
        held.Set();
        Assert.True(await blocked);
    }

    [Fact]
    public async Task Continuations_do_not_run_on_the_file_threads()
    {
        using var threads = new FileThreads(1);
        var worker = await threads.RunAsync(static _ => Environment.CurrentManagedThreadId, 0);
        Assert.NotEqual(worker, Environment.CurrentManagedThreadId);
        Assert.True(Thread.CurrentThread.IsThreadPoolThread);
    }

    [Fact]
    public async Task After_the_end_new_work_is_refused()
    {
        var threads = new FileThreads(1);
        var last = threads.RunAsync(static state => state, 1);
        threads.Dispose();
        Assert.Equal(1, await last);
        await Assert.ThrowsAsync<ObjectDisposedException>(async () => await threads.RunAsync(static state => state, 2));
    }

    private static void InterlockedMax(ref int target, int value)
    {
        for (var seen = Volatile.Read(ref target); value > seen; seen = Volatile.Read(ref target))
            Interlocked.CompareExchange(ref target, value, seen);
    }
}

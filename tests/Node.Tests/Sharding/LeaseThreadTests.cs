using Backhaul.Node.Sharding.Membership;
using Backhaul.Node.Tests.Sessions;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace Backhaul.Node.Tests.Sharding;

[Collection(nameof(MeasuredAlone))] // one of them takes the whole thread pool
public sealed class LeaseThreadTests
{
    private static readonly TimeSpan Soon = TimeSpan.FromMinutes(1);

    [Fact]
    public async Task Work_its_continuations_and_timers_stay_on_the_one_thread()
    {
        using var thread = new LeaseThread(TimeProvider.System, NullLogger<LeaseThread>.Instance);
        var seen = new TaskCompletionSource<int[]>(TaskCreationOptions.RunContinuationsAsynchronously);
        thread.Queue(_ => _ = RunAsync(), null);
        Assert.Single((await seen.Task.WaitAsync(Soon, TestContext.Current.CancellationToken)).Distinct());

        async Task RunAsync()
        {
            var first = Environment.CurrentManagedThreadId;
            await Task.Delay(TimeSpan.FromMilliseconds(20), thread.Time);
            var second = Environment.CurrentManagedThreadId;
            await Task.Yield();
            seen.SetResult([first, second, Environment.CurrentManagedThreadId]);
        }
    }

    /// <summary>Work that was queued after the one that holds the pool must not have run when all beats have: whatever needed the pool would come after it.</summary>
    [Fact]
    public async Task A_starved_thread_pool_does_not_delay_it()
    {
        ThreadPool.GetMinThreads(out var workers, out _);
        var release = new ManualResetEventSlim(); // not disposed: those that wait on it leave it after this
        using var thread = new LeaseThread(TimeProvider.System, NullLogger<LeaseThread>.Instance);
        for (var i = 0; i < workers * 64; i++) // more than the pool adds threads for in the time of the beats
            ThreadPool.UnsafeQueueUserWorkItem(_ => release.Wait(Soon), null);
        var poolCame = false;
        ThreadPool.UnsafeQueueUserWorkItem(_ => Volatile.Write(ref poolCame, true), null);
        var beaten = new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously);
        thread.Queue(_ => _ = BeatAsync(), null);
        Assert.False(await beaten.Task.WaitAsync(Soon * 2, TestContext.Current.CancellationToken), "The beats came after work that waited for the pool.");

        async Task BeatAsync()
        {
            for (var beat = 0; beat < 10; beat++)
                await Task.Delay(TimeSpan.FromMilliseconds(5), thread.Time);
            beaten.SetResult(Volatile.Read(ref poolCame));
            release.Set();
        }
    }

    [Fact]
    public async Task A_timer_that_was_changed_or_disposed_calls_back_as_it_should()
    {
        using var thread = new LeaseThread(TimeProvider.System, NullLogger<LeaseThread>.Instance);
        var called = new TaskCompletionSource<string>();
        var never = thread.Time.CreateTimer(_ => called.TrySetResult("disposed"), null, TimeSpan.FromMilliseconds(10), Timeout.InfiniteTimeSpan);
        await never.DisposeAsync();
        using var later = thread.Time.CreateTimer(_ => called.TrySetResult("unchanged"), null, TimeSpan.FromMinutes(5), Timeout.InfiniteTimeSpan);
        using var again = thread.Time.CreateTimer(_ => called.TrySetResult("changed"), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        again.Change(TimeSpan.FromMilliseconds(30), Timeout.InfiniteTimeSpan);
        Assert.Equal("changed", await called.Task.WaitAsync(Soon, TestContext.Current.CancellationToken));
    }
}

using System.Diagnostics;
using Backhaul.Node.Sharding.Membership;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace Backhaul.Node.Tests.Sharding;

public sealed class LeaseThreadTests
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(10);

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

    [Fact]
    public async Task A_starved_thread_pool_does_not_delay_it()
    {
        ThreadPool.GetMinThreads(out var workers, out _);
        using var release = new ManualResetEventSlim();
        using var thread = new LeaseThread(TimeProvider.System, NullLogger<LeaseThread>.Instance);
        var held = 0;
        for (var i = 0; i < workers * 8; i++)
        {
            ThreadPool.UnsafeQueueUserWorkItem(_ =>
            {
                Interlocked.Increment(ref held);
                release.Wait(Soon);
            }, null);
        }
        var late = new TaskCompletionSource<TimeSpan>();
        thread.Queue(_ => _ = BeatAsync(), null);
        var worst = await late.Task.WaitAsync(Soon, TestContext.Current.CancellationToken);
        release.Set();
        Assert.True(worst < TimeSpan.FromSeconds(1), $"A beat came {worst} late while {held} threads were held.");

        async Task BeatAsync()
        {
            var longest = TimeSpan.Zero;
            for (var beat = 0; beat < 10; beat++)
            {
                var began = Stopwatch.GetTimestamp();
                await Task.Delay(TimeSpan.FromMilliseconds(30), thread.Time);
                var over = Stopwatch.GetElapsedTime(began) - TimeSpan.FromMilliseconds(30);
                longest = over > longest ? over : longest;
            }
            late.SetResult(longest);
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

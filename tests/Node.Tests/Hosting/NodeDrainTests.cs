using Backhaul.Node.Hosting;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace Backhaul.Node.Tests.Hosting;

public sealed class NodeDrainTests
{
    private static readonly TimeSpan Long = TimeSpan.FromMinutes(1);

    [Fact]
    public async Task Steps_run_in_order_and_each_after_the_one_before()
    {
        var done = new List<string>();
        await Drain(
            new("a", Long, async _ =>
            {
                await Task.Yield();
                done.Add("a");
            }),
            new("b", Long, _ => Add(done, "b")),
            new("c", Long, _ => Add(done, "c"))).StoppingAsync(TestContext.Current.CancellationToken);
        Assert.Equal(["a", "b", "c"], done);
    }

    [Fact]
    public async Task A_step_that_fails_or_hangs_does_not_keep_the_next_from_running()
    {
        var done = new List<string>();
        await Drain(
            new("fails", Long, _ => throw new InvalidOperationException("broken")),
            new("never ends, and does not listen", TimeSpan.FromMilliseconds(20), _ => new ValueTask(new TaskCompletionSource().Task)),
            new("listens", TimeSpan.FromMilliseconds(20), stop => new ValueTask(Task.Delay(Timeout.Infinite, stop))),
            new("last", Long, _ => Add(done, "last"))).StoppingAsync(TestContext.Current.CancellationToken);
        Assert.Equal(["last"], done);
    }

    [Fact]
    public async Task When_the_hosts_time_is_up_every_step_is_still_asked_once()
    {
        var asked = new List<string>();
        using var up = new CancellationTokenSource();
        await up.CancelAsync();
        await Drain(
            new("a", Long, _ => Add(asked, "a")),
            new("b", Long, stop => new ValueTask(Task.Delay(Timeout.Infinite, stop))),
            new("c", Long, _ => Add(asked, "c"))).StoppingAsync(up.Token);
        Assert.Equal(["a", "c"], asked);
    }

    private static NodeDrain Drain(params DrainStep[] steps) => new(steps, new DrainOptions(), TimeProvider.System, NullLogger<NodeDrain>.Instance);

    private static ValueTask Add(List<string> list, string name)
    {
        list.Add(name);
        return default;
    }
}

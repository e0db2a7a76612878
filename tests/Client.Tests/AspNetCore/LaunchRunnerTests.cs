using Backhaul.Client.AspNetCore;
using Backhaul.Client.Tests.Delegates;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace Backhaul.Client.Tests.AspNetCore;

public sealed class LaunchRunnerTests
{
    private const string Ended = """{"outcome":"succeeded","bytesReceived":5,"bytesSent":0}""";

    /// <summary>Otherwise it counts as absent: the launch is repeated, and another replica handles the same events at the same time.</summary>
    [Fact]
    public async Task A_launched_service_is_attached_while_it_handles_its_launch()
    {
        var script = new ScriptedSession().Add("taskCompleted", Ended, "a").Add("taskCompleted", Ended, "b");
        var finish = new TaskCompletionSource();
        var to = new RecordingDelegate { OnCompleted = async (_, _) => await finish.Task };
        using var runner = Runner(script, to);
        await runner.StartAsync(Stop);
        await Until.TrueAsync(() => script.OpenStreams == 1 && to.Calls.Count == 1, Stop);
        script.Add("taskCompleted", Ended, "c");
        finish.SetResult();
        await Until.TrueAsync(() => script.Node.Seen.Any(seen => seen.Path.EndsWith("/complete", StringComparison.Ordinal)), Stop);
        await Until.TrueAsync(() => script.OpenStreams == 0, Stop);
        await runner.StopAsync(Stop);
        Assert.Equal(["completed a succeeded 5", "completed b succeeded 5", "completed c succeeded 5"], to.Calls);
        Assert.Equal(3, script.Acknowledged);
    }

    [Fact]
    public async Task A_stop_lets_the_method_that_runs_finish_and_acknowledges_it()
    {
        var script = new ScriptedSession().Add("taskCompleted", Ended, "a").Add("taskCompleted", Ended, "b");
        var (begun, finish) = (new TaskCompletionSource<CancellationToken>(), new TaskCompletionSource());
        var to = new RecordingDelegate
        {
            OnCompleted = async (_, stop) =>
            {
                begun.TrySetResult(stop);
                await finish.Task;
            },
        };
        using var runner = Runner(script, to);
        await runner.StartAsync(Stop);
        var given = await begun.Task.WaitAsync(Stop);
        var stopping = runner.StopAsync(Stop);
        Assert.False(given.IsCancellationRequested || stopping.IsCompleted);
        finish.SetResult();
        await stopping;
        Assert.Equal(["completed a succeeded 5"], to.Calls);
        Assert.Equal(1, script.Acknowledged);
        Assert.Equal(0, script.OpenStreams);
    }

    [Fact]
    public async Task A_method_is_cancelled_when_the_host_waits_no_longer()
    {
        var script = new ScriptedSession().Add("taskCompleted", Ended, "a");
        var begun = new TaskCompletionSource();
        var to = new RecordingDelegate
        {
            OnCompleted = async (_, stop) =>
            {
                begun.TrySetResult();
                await Task.Delay(Timeout.Infinite, stop);
            },
        };
        using var runner = Runner(script, to);
        await runner.StartAsync(Stop);
        await begun.Task.WaitAsync(Stop);
        using var host = new CancellationTokenSource();
        var stopping = runner.StopAsync(host.Token);
        Assert.False(stopping.IsCompleted);
        await host.CancelAsync();
        await stopping;
        await runner.ExecuteTask!.WaitAsync(TimeSpan.FromSeconds(60), Stop);
        Assert.Equal(0, script.Acknowledged);
    }

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    /// <summary>With a launch of the session that waits.</summary>
    private static LaunchRunner Runner(ScriptedSession script, RecordingDelegate to)
    {
        var registered = new SessionRegistration("photos", null, SessionPresence.OnLaunch, new AttachOptions(), _ => to);
        var book = new SessionBook([registered], new ServiceCollection().BuildServiceProvider(), NullLogger<SessionBook>.Instance);
        var queue = new LaunchQueue();
        queue.Add(new Launch { Session = "photos", Number = 3 });
        return new LaunchRunner(script.Node.Client(), book, queue, script.Node.Time, NullLogger<LaunchRunner>.Instance);
    }
}

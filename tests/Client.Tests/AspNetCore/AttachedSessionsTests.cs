using Backhaul.Client.AspNetCore;
using Backhaul.Client.Tests.Delegates;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace Backhaul.Client.Tests.AspNetCore;

public sealed class AttachedSessionsTests
{
    /// <summary>Nobody told it, and the process ended in the middle of it.</summary>
    [Fact]
    public async Task A_method_is_cancelled_when_the_host_waits_no_longer()
    {
        var stop = TestContext.Current.CancellationToken;
        var script = new ScriptedSession().Add("taskCompleted", """{"outcome":"succeeded","bytesReceived":5,"bytesSent":0}""", "a");
        var begun = new TaskCompletionSource();
        var to = new RecordingDelegate
        {
            OnCompleted = async (_, cancelled) =>
            {
                begun.TrySetResult();
                await Task.Delay(Timeout.Infinite, cancelled);
            },
        };
        var registered = new SessionRegistration("photos", null, SessionPresence.Attached, new AttachOptions(), _ => to);
        var book = new SessionBook([registered], new ServiceCollection().BuildServiceProvider(), NullLogger<SessionBook>.Instance);
        using var client = script.Node.Client();
        using var sessions = new AttachedSessions(client, book, script.Node.Time, NullLogger<AttachedSessions>.Instance);
        await sessions.StartAsync(stop);
        await begun.Task.WaitAsync(stop);
        using var host = new CancellationTokenSource();
        var stopping = sessions.StopAsync(host.Token);
        await host.CancelAsync();
        await stopping;
        await sessions.ExecuteTask!.WaitAsync(TimeSpan.FromSeconds(60), stop);
        Assert.Equal(0, script.Acknowledged);
    }
}

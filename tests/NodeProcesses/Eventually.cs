using System.Diagnostics;

namespace Backhaul.NodeProcesses;

/// <summary>Waits for conditions with a deadline; a test never sleeps for a time and hopes.</summary>
internal static class Eventually
{
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(25);

    public static async Task<T> GetAsync<T>(Func<Task<T?>> look, TimeSpan within, Func<string> what) where T : class
    {
        var started = Stopwatch.GetTimestamp();
        while (true)
        {
            if (await look() is { } found)
                return found;
            if (Stopwatch.GetElapsedTime(started) > within)
                throw new TimeoutException($"Waited {within.TotalSeconds:0} s for {what()}.");
            await Task.Delay(Pause);
        }
    }

    public static Task TrueAsync(Func<Task<bool>> look, TimeSpan within, Func<string> what) =>
        GetAsync(async () => await look() ? "yes" : null, within, what);
}

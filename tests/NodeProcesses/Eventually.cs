using System.Diagnostics;

namespace Backhaul.NodeProcesses;

/// <summary>
/// Waits for conditions with a deadline; a test never sleeps for a time and hopes. A look costs processor time (a connection of a database, a
/// request), which what is waited for needs: after a while looks come less often.
/// </summary>
internal static class Eventually
{
    private const int PauseMsMin = 10;
    private const int PauseMsMax = 100;

    public static async Task<T> GetAsync<T>(Func<Task<T?>> look, TimeSpan within, Func<string> what) where T : class
    {
        var started = Stopwatch.GetTimestamp();
        while (true)
        {
            if (await look() is { } found)
                return found;
            var waited = Stopwatch.GetElapsedTime(started);
            if (waited > within)
                throw new TimeoutException($"Waited {within.TotalSeconds:0} s for {what()}.");
            await Task.Delay((int)Math.Clamp(waited.TotalMilliseconds / 20, PauseMsMin, PauseMsMax));
        }
    }

    public static Task TrueAsync(Func<Task<bool>> look, TimeSpan within, Func<string> what) =>
        GetAsync(async () => await look() ? "yes" : null, within, what);
}

namespace Backhaul.Client.Tests;

/// <summary>Waits for a condition, with a deadline.</summary>
internal static class Until
{
    internal static async Task TrueAsync(Func<bool> condition, CancellationToken stop)
    {
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(stop);
        deadline.CancelAfter(TimeSpan.FromSeconds(20));
        while (!condition())
        {
            if (deadline.IsCancellationRequested)
                throw new TimeoutException("The condition did not become true in 20 s.");
            await Task.Delay(TimeSpan.FromMilliseconds(2), CancellationToken.None);
        }
    }
}

using Xunit;

namespace Backhaul.Store.Tests;

/// <summary>Waits for a condition, never for a time.</summary>
internal static class Until
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    public static async Task TrueAsync(Func<bool> condition, string what)
    {
        var deadline = DateTime.UtcNow + Patience;
        while (!condition())
        {
            Assert.True(DateTime.UtcNow < deadline, $"Waited {Patience} in vain until {what}.");
            await Task.Delay(5);
        }
    }
}

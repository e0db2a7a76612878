using Xunit;

namespace Backhaul.Node.Tests.Clock;

internal static class FinishedTasks
{
    /// <summary>The result of a task that must be finished by now: a world of one thread never blocks.</summary>
    public static T Now<T>(this Task<T> task)
    {
        Assert.True(task.IsCompleted, "The task is not finished yet.");
        return task.GetAwaiter().GetResult();
    }
}

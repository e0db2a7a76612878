namespace Backhaul.Node.Transfers;

/// <summary>Waiting for something whose outcome was, or will be, taken elsewhere.</summary>
internal static class TaskEnds
{
    /// <summary>Completes when the task does, however it ended; its exception counts as seen.</summary>
    public static async ValueTask WaitForEndAsync(this Task task) =>
        await task.ContinueWith(
            static done => done.Exception, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
}

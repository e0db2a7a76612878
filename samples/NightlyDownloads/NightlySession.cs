using Backhaul.Client;

namespace Backhaul.Samples.NightlyDownloads;

/// <summary>What the service does with a night's files. Each event may come twice: what is done here must bear that.</summary>
internal sealed partial class NightlySession(NightPlanner planner, ILogger<NightlySession> logger) : ISessionDelegate
{
    public ValueTask TaskCompletedAsync(TaskEvent<TaskCompletedData> completed, CancellationToken stop)
    {
        if (completed.Data.File is { } file)
            Arrived(completed.Task, file.Length, $"{file.Container}/{file.Path}");
        else
            Failed(completed.Task, completed.Data.Outcome, completed.Data.Error?.Message);
        return default;
    }

    /// <summary>The night is over: the next one is handed over before this one is acknowledged. As long as that fails, this event comes again.</summary>
    public async ValueTask EventsDrainedAsync(SessionEvent drained, CancellationToken stop) => await planner.PlanAsync(stop);

    [LoggerMessage(1, LogLevel.Information, "{Task}: succeeded, {Length} bytes at {File}.")]
    private partial void Arrived(string task, long length, string file);

    [LoggerMessage(2, LogLevel.Warning, "{Task}: {Outcome}. {Why}")]
    private partial void Failed(string task, string? outcome, string? why);
}

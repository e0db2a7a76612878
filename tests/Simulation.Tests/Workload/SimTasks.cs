using Backhaul.Node.Sessions;
using Backhaul.Protocol;
using Backhaul.Simulation.Tests.Delivery;
using Backhaul.Simulation.Tests.Runs;

namespace Backhaul.Simulation.Tests.Workload;

/// <summary>What the tasks of a client are like.</summary>
internal sealed class SimTasks(TimeProvider time, SimRandom random)
{
    /// <summary>Hosts that are told of ends of tasks: a node sends a few at once to each.</summary>
    private const int Told = 3;

    /// <param name="session">Whose.</param>
    /// <param name="book">Of the session.</param>
    /// <param name="id">Null: the session gives it one.</param>
    public TaskSpec Next(SessionKey session, SimBook book, TaskId? id)
    {
        var upload = random.Chance(0.15);
        var isUrgent = random.Chance(0.06);
        return new TaskSpec
        {
            Id = id,
            Kind = upload ? TaskKind.Upload : TaskKind.Download,
            Url = $"http://origin-{random.Next(4)}.example/{random.Next(40)}",
            Method = upload ? "PUT" : "GET",
            Source = upload ? new FileReference(null, ContainerPath.Parse("source.bin")) : null,
            Start = random.Chance(isUrgent ? 0.6 : 0.95),
            Priority = random.Chance(0.3) ? random.NextUnit() : 0.5,
            Group = random.Chance(book.Profile.Grouped) ? GroupName.Parse($"g{random.Next(3)}") : null,
            CompletionGroup = random.Chance(book.Profile.InSets) ? book.Set : null,
            AskBeforeStart = random.Chance(0.1) ? Question() : null,
            Deadline = isUrgent ? time.GetUtcNow() + random.Seconds(12, random.Chance(0.5) ? 60 : 400) : null,
            EarliestBeginAt = random.Chance(0.04) ? time.GetUtcNow() + random.Seconds(1, 60) : null,
            Notify = random.Chance(book.Profile.Notified) ? Notify(session, book.Profile.Configuration) : null,
        };
    }

    private AskBeforeStart Question() => new()
    {
        When = random.Chance(0.4) ? DelayedRequestDecider.EveryAttempt : null,
        Timeout = random.Seconds(2, 60),
        Default = random.Chance(0.3) ? DelayedRequestDecider.Cancel : null,
    };

    /// <summary>For one end, or for either; signed as it says, or as its session is.</summary>
    private TaskNotify Notify(SessionKey session, SessionConfiguration configuration)
    {
        var (which, host) = (random.Next(4), random.Next(Told));
        return new TaskNotify
        {
            Success = which != 0 ? SimReceiver.UrlOf(session, SimReceiver.Succeeded, host) : null,
            Failure = which != 1 ? SimReceiver.UrlOf(session, SimReceiver.Failed, host) : null,
            Secret = (configuration.Push ?? (object?)configuration.Launch) is null || random.Chance(0.5) ? "hooks" : null,
        };
    }
}

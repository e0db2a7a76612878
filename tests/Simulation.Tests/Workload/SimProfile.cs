using Backhaul.Protocol;
using Backhaul.Simulation.Tests.Delivery;
using Backhaul.Simulation.Tests.Runs;

namespace Backhaul.Simulation.Tests.Workload;

/// <summary>How the client of a session follows it.</summary>
internal enum SimReading
{
    Pages = 1,
    Polls = 2,
    Streams = 3,

    /// <summary>Its receiver has them; the client itself looks at the end only.</summary>
    Nothing = 4,
}

/// <summary>What one session is like, for its whole life.</summary>
internal sealed record SimProfile
{
    public required SimReading Reading { get; init; }

    public required SessionConfiguration Configuration { get; init; }

    /// <summary>How many of its tasks are in a group, the first of which is serialized.</summary>
    public required double Grouped { get; init; }

    /// <summary>How many of its tasks are in a completion group.</summary>
    public required double InSets { get; init; }

    /// <summary>How many of its tasks name somebody who is told of their end.</summary>
    public required double Notified { get; init; }

    /// <summary>Others than its client handle events, or time does: what the client has not read may be gone.</summary>
    public bool MayMiss => Configuration.Push is not null || Configuration.EventRetention is not null;

    public static SimProfile Of(SessionKey session, SimRandom random)
    {
        var pushes = random.Chance(0.4);
        var whileAttached = random.Chance(0.06);
        return new SimProfile
        {
            Grouped = random.Chance(0.3) ? 0.5 : 0,
            InSets = random.Chance(0.3) ? 0.4 : 0,
            Notified = random.Chance(0.3) ? 0.4 : 0,
            Reading = whileAttached ? SimReading.Streams : pushes && random.Chance(0.5) ? SimReading.Nothing : random.Pick([SimReading.Pages, SimReading.Polls, SimReading.Streams, SimReading.Streams]),
            Configuration = new SessionConfiguration
            {
                ResourceTimeout = TimeSpan.FromHours(6),
                Retry = new RetryConfiguration { First = TimeSpan.FromSeconds(1), Longest = TimeSpan.FromSeconds(10) },
                MaxConnectionsPerHost = random.Pick([1, 2, 6, 6, 6]),
                Discretionary = random.Chance(0.1) ? true : null,
                WhileAttachedOnly = whileAttached ? true : null,
                ServiceType = random.Pick([null, null, null, "background", "voice", "responsiveData"]),
                Weight = random.Chance(0.2) ? random.Pick([0.05, 0.5, 10]) : null,
                EventRetention = random.Chance(0.15) ? random.Seconds(60, 300) : null,
                Push = pushes ? new PushConfiguration { Url = SimReceiver.UrlOf(session, "push"), Secret = "hooks", Types = TypesOf(random) } : null,
                Launch = random.Chance(0.6) ? new LaunchConfiguration { Url = SimReceiver.UrlOf(session, "launch"), Secret = "hooks" } : null,
                LaunchLimit = BudgetOf(random),
            },
        };
    }

    private static IReadOnlyList<string>? TypesOf(SimRandom random) => random.Chance(0.7) ? null
        : random.Chance(0.5) ? [EventTypes.TaskCompleted, EventTypes.EventsDrained]
        : [EventTypes.TaskCompleted, EventTypes.Challenge, EventTypes.DelayedRequest, EventTypes.TaskWaiting];

    private static LaunchLimitConfiguration? BudgetOf(SimRandom random) => random.Next(6) switch
    {
        0 => new LaunchLimitConfiguration { PerHour = 4, MinimumSpacing = TimeSpan.FromMinutes(15) },
        1 => new LaunchLimitConfiguration { PerHour = random.Between(1, 3) },
        2 => new LaunchLimitConfiguration { MinimumSpacing = random.Seconds(20, 200) },
        _ => null,
    };
}

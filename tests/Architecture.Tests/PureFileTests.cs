using Xunit;

namespace Backhaul.Architecture.Tests;

/// <summary>The deciders: no tasks, no clock, no log. Time and randomness come in as arguments, so a thousand histories run in a millisecond.</summary>
public sealed class PureFileTests
{
    /// <summary>Must exist and must be pure.</summary>
    private static readonly string[] Pure =
    [
        "Sessions.Session", "Sessions.SessionDecider", "Sessions.SessionSnapshot", "Sessions.GroupDecider", "Sessions.TaskGroup", "Sharding.SessionSlots",
        "Sharding.ShardPlan", "Sharding.ShardReview", "Sharding.ClaimBudget", "Sharding.PoisonWatch", "Sharding.Membership.NodeLease", "Sharding.Membership.DeathWatch",
        "Routing.RetryPolicy", "Routing.RetryBudget", "Routing.PeerCodec",
    ];

    private static readonly string[] Impure =
    [
        "System.Threading.Tasks.Task", "System.Threading.Tasks.ValueTask", "System.TimeProvider", "System.Threading.CancellationToken",
        "Microsoft.Extensions.Logging.ILogger", "Microsoft.Extensions.Logging.ILoggerFactory", "System.IO.File", "System.IO.FileStream",
    ];

    public static TheoryData<string> PureTypes => [.. Pure];

    [Theory]
    [MemberData(nameof(PureTypes))]
    public void Deciders_know_no_task_no_clock_and_no_log(string type)
    {
        var name = "Backhaul.Node." + type;
        Assert.Contains(NodeAssembly.Instance.Types, found => found.ToString() == name);
        var impure = from use in NodeAssembly.Instance.Uses
                     where use.User.ToString() == name && Impure.Contains(use.Type.ToString())
                     select use.Type.ToString();
        Check.None(impure, $"{type} must take these as arguments or leave them to its shell:");
    }
}

using Backhaul.Node.Api;
using Backhaul.Node.Delivery;
using Backhaul.Node.Egress;
using Backhaul.Node.Journal;
using Backhaul.Node.Routing;
using Backhaul.Node.Security;
using Backhaul.Node.Sessions;
using Backhaul.Node.Sharding;
using Backhaul.Node.Transfers;
using Backhaul.Simulation.Tests.Delivery;
using Microsoft.Extensions.Configuration;

namespace Backhaul.Simulation.Tests.Runs;

/// <summary>The options of every node of a run: the product's own, with small limits where only reaching them shows anything.</summary>
internal sealed record SimOptions(SimPlan Plan)
{
    public SessionOptions Sessions { get; } = new()
    {
        SnapshotEvery = 20,
        IdleBeforePassivation = TimeSpan.FromSeconds(20),
        TurnMessagesMax = Plan.Rules.OneMessageATurn ? 1 : 256,
        LedgerAge = Plan.Rules.LedgerIsOff ? TimeSpan.FromTicks(1) : TimeSpan.FromHours(24),
    };

    public JournalOptions Journal { get; } = new() { Writers = 2, BatchRowsMax = 32 };

    public TransferOptions Transfers { get; } = new() { RunningMax = 6, HostMax = 4 };

    public ShardingOptions Sharding { get; } = new() { ShardCount = Plan.Shards, LoadsMax = 4, WakesInFlightMax = 10 };

    public RoutingOptions Routing { get; } = new();

    public DeliveryOptions Delivery { get; } = new() { PageEvents = 64 };

    public ApiOptions Api { get; } = new();

    public EgressOptions Egress { get; } = new();

    /// <summary>The key that signs webhooks, as an operator would have written it.</summary>
    public SecretTable Secrets { get; } = SecretTable.Read(
        new ConfigurationBuilder().AddInMemoryCollection(new Dictionary<string, string?> { ["hooks:Kind"] = "webhook", ["hooks:Keys"] = SimReceiver.KeyText }).Build(), out _);
}

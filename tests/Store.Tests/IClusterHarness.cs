using Backhaul.Node.Journal;
using Backhaul.Node.Sharding.Membership;

namespace Backhaul.Store.Tests;

/// <summary>A cluster's store to run the contract on: a fresh one, whose leases can be made older than they are.</summary>
internal interface IClusterHarness : IAsyncDisposable
{
    IClusterStore Cluster { get; }

    IClusterSignals Signals { get; }

    IJournalStore Journal { get; }

    /// <summary>The heartbeat's way of one more process.</summary>
    ILeaseStore NewLeaseStore();

    /// <summary>Every lease ends that much sooner, as if this time had passed.</summary>
    Task AgeLeasesAsync(TimeSpan by);
}

using Backhaul.Node.Journal;
using Backhaul.Node.Journal.Memory;
using Backhaul.Node.Sharding.Membership;

namespace Backhaul.Store.Tests;

internal sealed class MemoryClusterHarness : IClusterHarness
{
    private readonly MovedTime _time = new();
    private readonly MemoryJournalStore _journal;
    private readonly MemoryClusterStore _cluster;

    public MemoryClusterHarness()
    {
        _journal = new MemoryJournalStore(_time);
        _cluster = new MemoryClusterStore(_journal);
    }

    public IClusterStore Cluster => _cluster;

    public IClusterSignals Signals => _cluster;

    public IJournalStore Journal => _journal;

    public ILeaseStore NewLeaseStore() => _cluster;

    public Task AgeLeasesAsync(TimeSpan by)
    {
        _time.Moved += by;
        return Task.CompletedTask;
    }

    public ValueTask DisposeAsync()
    {
        _journal.Dispose();
        return default;
    }

    /// <summary>The system's clock, put forward.</summary>
    private sealed class MovedTime : TimeProvider
    {
        public TimeSpan Moved { get; set; }

        public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + Moved;
    }
}

namespace Backhaul.Store.Tests;

public sealed class MemoryClusterTests : ClusterContract
{
    private protected override IClusterHarness Create() => new MemoryClusterHarness();
}

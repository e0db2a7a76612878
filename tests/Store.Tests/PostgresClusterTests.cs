namespace Backhaul.Store.Tests;

public sealed class PostgresClusterTests : ClusterContract
{
    private protected override IClusterHarness Create() => new PostgresClusterHarness();
}

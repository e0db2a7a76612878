namespace Backhaul.Store.Tests;

public sealed class PostgresStoreTests : StoreContract
{
    private protected override IStoreHarness Create() => new PostgresHarness();
}

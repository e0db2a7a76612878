namespace Backhaul.Store.Tests;

public sealed class SqliteStoreTests : StoreContract
{
    private protected override IStoreHarness Create() => new SqliteHarness();
}

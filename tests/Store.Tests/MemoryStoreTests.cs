namespace Backhaul.Store.Tests;

public sealed class MemoryStoreTests : StoreContract
{
    private protected override IStoreHarness Create() => new MemoryHarness();
}

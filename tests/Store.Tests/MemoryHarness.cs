using Backhaul.Node.Journal;
using Backhaul.Node.Journal.Memory;

namespace Backhaul.Store.Tests;

internal sealed class MemoryHarness : IStoreHarness
{
    private readonly MemoryJournalStore _store = new(TimeProvider.System);

    public IJournalStore Journal => _store;

    public IEmbeddedStore Cluster => _store;

    public Task ReopenAsync() => Task.CompletedTask;

    public ValueTask DisposeAsync()
    {
        _store.Dispose();
        return default;
    }
}

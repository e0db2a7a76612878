using Backhaul.Node.Journal;

namespace Backhaul.Store.Tests;

/// <summary>A store to run the contract on: a fresh one, which can be closed and opened again as a restart of the node does.</summary>
internal interface IStoreHarness : IAsyncDisposable
{
    IJournalStore Journal { get; }

    IEmbeddedStore Cluster { get; }

    Task ReopenAsync();
}

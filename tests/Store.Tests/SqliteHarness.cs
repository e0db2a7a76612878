using Backhaul.Node.Journal;
using Backhaul.Node.Journal.Sqlite;
using Microsoft.Extensions.Logging.Abstractions;

namespace Backhaul.Store.Tests;

internal sealed class SqliteHarness : IStoreHarness
{
    private SqliteJournalStore _store;

    public SqliteHarness() => _store = Create();

    public string Directory { get; } = System.IO.Directory.CreateTempSubdirectory("backhaul-store-").FullName;

    public string Path => System.IO.Path.Combine(Directory, SqliteJournalStore.FileName);

    public IJournalStore Journal => _store;

    public IEmbeddedStore Cluster => _store;

    /// <summary>Another store on the same directory, as a second process would open it.</summary>
    public SqliteJournalStore Create() => Create(Directory);

    public static SqliteJournalStore Create(string directory, int sizeMaxMiB = 0) => new(
        directory, new SqliteOptions { LockWait = TimeSpan.Zero, SizeMaxMiB = sizeMaxMiB }, TimeProvider.System, NullLogger<SqliteJournalStore>.Instance);

    public async Task CloseAsync() => await _store.DisposeAsync();

    public async Task ReopenAsync()
    {
        await CloseAsync();
        _store = Create();
    }

    /// <summary>Changes the closed file behind the store's back.</summary>
    public void Tamper(string sql)
    {
        using var database = SqliteDatabase.Open(Path, TimeSpan.Zero);
        database.Execute(sql);
    }

    public async ValueTask DisposeAsync()
    {
        await CloseAsync();
        System.IO.Directory.Delete(Directory, recursive: true);
    }
}

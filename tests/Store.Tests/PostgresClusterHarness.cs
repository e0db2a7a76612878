using System.Globalization;
using Backhaul.Node.Journal;
using Backhaul.Node.Journal.Postgres;
using Backhaul.Node.Sharding.Membership;
using Microsoft.Extensions.Logging.Abstractions;

namespace Backhaul.Store.Tests;

internal sealed class PostgresClusterHarness : IClusterHarness
{
    private readonly PostgresClusterStore _cluster;

    public PostgresClusterHarness()
    {
        Server = TestPostgres.Create();
        Database = PostgresHarness.NewDatabase(Server);
        _cluster = new PostgresClusterStore(Database, TimeProvider.System, NullLogger<PostgresClusterStore>.Instance);
        Journal = new PostgresJournalStore(Database, NullLogger<PostgresJournalStore>.Instance);
    }

    public TestPostgres Server { get; }

    public PostgresDatabase Database { get; }

    public IClusterStore Cluster => _cluster;

    public IClusterSignals Signals => _cluster;

    public IJournalStore Journal { get; }

    public ILeaseStore NewLeaseStore() => new PostgresLeaseStore(Database);

    public Task AgeLeasesAsync(TimeSpan by)
    {
        Server.Execute(string.Create(
            CultureInfo.InvariantCulture, $"UPDATE node SET lease_expires_at = lease_expires_at - make_interval(secs => {by.TotalSeconds})"));
        return Task.CompletedTask;
    }

    public async ValueTask DisposeAsync()
    {
        await _cluster.DisposeAsync();
        await Database.DisposeAsync();
        await Server.DisposeAsync();
    }
}

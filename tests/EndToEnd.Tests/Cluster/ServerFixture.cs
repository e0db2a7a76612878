using Xunit;

namespace Backhaul.EndToEnd.Tests.Cluster;

/// <summary>One database server for the tests of a class; each test makes its own cluster in it.</summary>
public sealed class ServerFixture : IAsyncLifetime
{
    internal PostgresServer Server { get; private set; } = null!;

    public async ValueTask InitializeAsync() => Server = await PostgresServer.StartAsync();

    public ValueTask DisposeAsync() => Server.DisposeAsync();
}

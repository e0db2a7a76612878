using Backhaul.FaultOrigin;
using Xunit;

namespace Backhaul.Origin.Tests.Downloads;

/// <summary>A table that stays green proves nothing: where a rule is taken away, the row that it is for has to fail.</summary>
public sealed class MutantTests
{
    /// <summary>
    /// An origin that gives the changed file the old one's tag takes the engine's proof away: what follows is what an engine without the rule of
    /// validators would do with an honest origin. The row's digest of the file finds the mixture.
    /// </summary>
    [Fact]
    public async Task Without_the_rule_of_validators_the_row_of_changed_content_fails()
    {
        var row = FaultRows.All.Single(row => row.Name == "Content changed");
        await RunAsync(row, Way.AfterResume);
        await Assert.ThrowsAnyAsync<Xunit.Sdk.XunitException>(() => RunAsync(row with { Query = row.Query + "&etag=%22same%22", Resumed = "done / r" }, Way.AfterResume));
    }

    /// <summary>Without If-Range, or with an origin that ignores it, the second line holds: the tag of the 206.</summary>
    [Fact]
    public async Task Without_If_Range_the_trace_of_changed_content_differs()
    {
        var row = FaultRows.All.Single(row => row.Name == "Content changed");
        await Assert.ThrowsAnyAsync<Xunit.Sdk.XunitException>(() => RunAsync(row with { Query = row.Query + "&ignore-if-range=1" }, Way.AfterResume));
    }

    /// <summary>A file whose length is taken at its word, with nothing that contradicts it, is short.</summary>
    [Fact]
    public async Task Without_the_digest_the_row_of_a_short_length_fails()
    {
        var row = FaultRows.All.Single(row => row.Name == "Length too short");
        await Assert.ThrowsAnyAsync<Xunit.Sdk.XunitException>(() => RunAsync(row with { HasDigest = false }, Way.FirstTry));
    }

    private static async Task RunAsync(FaultRow row, Way way)
    {
        await using var origin = await ScriptedOrigin.StartAsync(tlsPort: 0);
        await using var engine = Engine.Start();
        await new EngineRow(origin, engine, row, way).RunAsync();
    }
}

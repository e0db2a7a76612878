using Backhaul.FaultOrigin;
using Backhaul.Node.Transfers;
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

    /// <summary>Each hop of a redirect is looked at by itself: that the first one may be asked says nothing of where it points to.</summary>
    [Fact]
    public async Task Without_the_address_policy_a_redirect_leads_to_where_nobody_may_go()
    {
        await RedirectAsync(allowsTarget: false);
        await Assert.ThrowsAnyAsync<Xunit.Sdk.XunitException>(() => RedirectAsync(allowsTarget: true));
    }

    private static async Task RedirectAsync(bool allowsTarget)
    {
        await using var first = await ScriptedOrigin.StartAsync();
        await using var target = await ScriptedOrigin.StartAsync();
        string[] allowed = [new Uri(first.Url).Authority, .. allowsTarget ? [new Uri(target.Url).Authority] : Array.Empty<string>()];
        await using var engine = Engine.Start(egress: Engine.LoopbackAllowed with { Allow = allowed });
        var url = first.Bytes("hop", 1000, $"redirect={Uri.EscapeDataString(target.Bytes("secret", 1000))}");
        var outcome = await engine.RunAsync(Engine.Download("hop", url));
        Assert.Empty(target.Requests);
        Assert.Equal(TransferCodes.AddressRefused, Assert.IsType<AttemptOutcome.Failed>(outcome).Failure.Code);
    }

    private static async Task RunAsync(FaultRow row, Way way)
    {
        await using var origin = await ScriptedOrigin.StartAsync(tlsPort: 0);
        await using var engine = Engine.Start();
        await new EngineRow(origin, engine, row, way).RunAsync();
    }
}

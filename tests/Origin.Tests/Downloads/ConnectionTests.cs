using Backhaul.FaultOrigin;
using Backhaul.Node.Transfers;
using Xunit;

namespace Backhaul.Origin.Tests.Downloads;

/// <summary>Faults of connections that more than one download shares.</summary>
public sealed class ConnectionTests
{
    [Theory]
    [InlineData("")]
    [InlineData("&after=1&lead=cut:200000")]
    public async Task A_connection_that_the_server_closed_while_it_was_idle_is_invisible_to_the_next_task(string lead)
    {
        await using var origin = await ScriptedOrigin.StartAsync();
        await using var engine = Engine.Start();
        var url = origin.Bytes("late", 400_003, "reuse=drop" + lead);
        var reports = new RecordedReports();
        if (lead.Length > 0)
            Assert.IsType<AttemptOutcome.Failed>(await engine.RunAsync(Engine.Download("late", url), reports));
        Assert.IsType<AttemptOutcome.Finished>(await engine.RunAsync(Engine.Download("early", origin.Bytes("early", 100_000))));
        Assert.IsType<AttemptOutcome.Finished>(await engine.RunAsync(Engine.Download("late", url) with { Resume = reports.Last, Attempt = 2 }));
        await engine.AssertFileAsync("late", "late", 400_003);
        var dropped = origin.Requests[^2];
        Assert.Equal((2, 0L), (dropped.NthOnConnection, dropped.BytesSent));
        Assert.Equal(dropped.Range, origin.Requests[^1].Range);
    }

    [Fact]
    public async Task A_connection_with_bytes_after_its_answer_is_not_used_again()
    {
        await using var origin = await ScriptedOrigin.StartAsync();
        await using var engine = Engine.Start();
        Assert.IsType<AttemptOutcome.Finished>(await engine.RunAsync(Engine.Download("more", origin.Bytes("more", 100_000, "extra=500"))));
        Assert.IsType<AttemptOutcome.Finished>(await engine.RunAsync(Engine.Download("next", origin.Bytes("next", 100_000))));
        await engine.AssertFileAsync("more", "more", 100_000);
        await engine.AssertFileAsync("next", "next", 100_000);
        Assert.Equal(1, origin.Requests[^1].NthOnConnection);
    }

    [Fact]
    public async Task Downloads_share_a_connection_of_HTTP_2_and_one_that_is_reset_does_not_disturb_the_other()
    {
        await using var origin = await ScriptedOrigin.StartAsync(tlsPort: 0);
        await using var engine = Engine.Start();
        var broken = engine.RunAsync(Engine.Download("broken", origin.SecureBytes("broken", 2_000_000, "reset=1000000&times=1")));
        var whole = engine.RunAsync(Engine.Download("whole", origin.SecureBytes("whole", 2_000_000)));
        Assert.IsType<AttemptOutcome.Failed>(await broken);
        Assert.IsType<AttemptOutcome.Finished>(await whole);
        await engine.AssertFileAsync("whole", "whole", 2_000_000);
        Assert.All(origin.Requests, request => Assert.Equal("2", request.Http));
    }
}

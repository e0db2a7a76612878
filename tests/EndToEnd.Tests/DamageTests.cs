using System.Net;
using Xunit;

namespace Backhaul.EndToEnd.Tests;

/// <summary>A journal that was damaged while the node was down: the session concerned is quarantined and says so, the others go on.</summary>
public sealed class DamageTests
{
    private static readonly TimeSpan Within = TimeSpan.FromSeconds(60);

    public static TheoryData<string, string> RowDamages => new()
    {
        { "unreadable JSON", "UPDATE session_journal SET payload = x'7b22' WHERE session_id = 'default/hurt' AND sequence = 2" },
        { "a truncated payload", "UPDATE session_journal SET payload = substr(payload, 1, length(payload) / 2) WHERE session_id = 'default/hurt' AND sequence = 3" },
        { "a lost row", "DELETE FROM session_journal WHERE session_id = 'default/hurt' AND sequence = 2" },
        { "an event of a later version", "UPDATE session_journal SET event_type = 'task.created.v99' WHERE session_id = 'default/hurt' AND sequence = 2" },
        { "a lost tail", "DELETE FROM session_journal WHERE session_id = 'default/hurt' AND sequence = (SELECT max(sequence) FROM session_journal WHERE session_id = 'default/hurt')" },
    };

    [Theory]
    [MemberData(nameof(RowDamages))]
    public async Task A_damaged_row_quarantines_its_session_only(string what, string damage)
    {
        using var folder = new NodeFolder();
        await using (var node = await NodeProcess.StartAsync(folder.Data))
        {
            await FillAsync(node, "hurt", 5);
            await FillAsync(node, "well", 5);
            await node.KillAsync();
        }
        Assert.True(JournalFile.Execute(folder.Data, damage) == 1, what);
        GiveBack(folder);

        await using var after = await NodeProcess.StartAsync(folder.Data);
        var answer = await after.Api.GetAsync("/v1/sessions/hurt");
        await Eventually.TrueAsync(async () => (answer = await after.Api.GetAsync("/v1/sessions/hurt")).Code == "sessionQuarantined", Within, () => $"the quarantine after {what}; the answer is {answer.Text}");
        Assert.Equal("sessionQuarantined", (await after.Api.SendAsync(HttpMethod.Post, "/v1/sessions/hurt/tasks", """{"kind":"download","url":"http://127.0.0.1:9/x"}""")).Code);
        Assert.Equal(5, (await after.Api.SessionAsync("well")).GetProperty("counts").GetProperty("suspended").GetInt64());
        Assert.Equal(HttpStatusCode.Created, (await after.Api.SendAsync(HttpMethod.Post, "/v1/sessions/well/tasks", """{"kind":"download","url":"http://127.0.0.1:9/x","start":false}""")).Status);
    }

    [Theory]
    [InlineData("x'00'")]
    [InlineData("substr(payload, 1, length(payload) / 2)")]
    public async Task A_damaged_newest_snapshot_costs_nothing(string payload)
    {
        using var folder = new NodeFolder();
        await using (var node = await NodeProcess.StartAsync(folder.Data, SnapshotOften))
        {
            await FillAsync(node, "hurt", 60);
            await Eventually.TrueAsync(async () => (await node.Api.SessionAsync("hurt")).GetProperty("counts").GetProperty("suspended").GetInt64() == 60, Within, () => "the tasks");
            Assert.Equal(0, await node.StopAsync());
        }
        Assert.Equal(1, JournalFile.Execute(folder.Data, $"UPDATE session_snapshot SET payload = {payload} WHERE session_id = 'default/hurt' AND sequence = (SELECT max(sequence) FROM session_snapshot WHERE session_id = 'default/hurt')"));
        GiveBack(folder);

        await using var after = await NodeProcess.StartAsync(folder.Data, SnapshotOften);
        Assert.Equal(60, (await after.Api.SessionAsync("hurt")).GetProperty("counts").GetProperty("suspended").GetInt64());
        Assert.Equal(HttpStatusCode.Created, (await after.Api.SendAsync(HttpMethod.Post, "/v1/sessions/hurt/tasks", """{"kind":"download","url":"http://127.0.0.1:9/x","start":false}""")).Status);
    }

    private static readonly Dictionary<string, string> SnapshotOften = new() { ["Backhaul:Sessions:SnapshotEvery"] = "10" };

    private static async Task FillAsync(NodeProcess node, string session, int tasks)
    {
        await node.Api.OpenAsync(session);
        for (var i = 0; i < tasks; i++)
        {
            var answer = await node.Api.SendAsync(HttpMethod.Post, $"/v1/sessions/{session}/tasks", $$"""{"id":"k{{i}}","kind":"download","url":"http://127.0.0.1:9/x","start":false}""");
            Assert.Equal(HttpStatusCode.Created, answer.Status);
        }
    }

    /// <summary>Files that this test touched belong to it now: the node's user needs them back.</summary>
    private static void GiveBack(NodeFolder folder)
    {
        foreach (var file in Directory.EnumerateFiles(folder.Data))
            Machine.GiveToNode(file);
    }
}

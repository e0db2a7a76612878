using System.Net;
using Xunit;

namespace Backhaul.EndToEnd.Tests;

/// <summary>A journal that was damaged while the node was down: the session concerned is quarantined and says so, the others go on.</summary>
public sealed class DamageTests
{
    private static readonly TimeSpan Within = TimeSpan.FromSeconds(60);

    private static readonly (string What, string Damage)[] RowDamages =
    [
        ("unreadable JSON", "UPDATE session_journal SET payload = x'7b22' WHERE session_id = '{0}' AND sequence = 2"),
        ("a truncated payload", "UPDATE session_journal SET payload = substr(payload, 1, length(payload) / 2) WHERE session_id = '{0}' AND sequence = 3"),
        ("a lost row", "DELETE FROM session_journal WHERE session_id = '{0}' AND sequence = 2"),
        ("an event of a later version", "UPDATE session_journal SET event_type = 'task.created.v99' WHERE session_id = '{0}' AND sequence = 2"),
        ("a lost tail", "DELETE FROM session_journal WHERE session_id = '{0}' AND sequence = (SELECT max(sequence) FROM session_journal WHERE session_id = '{0}')"),
    ];

    private static readonly string[] SnapshotDamages = ["x'00'", "substr(payload, 1, length(payload) / 2)"];

    [Fact]
    public async Task A_damaged_row_quarantines_its_session_only()
    {
        using var folder = new NodeFolder();
        await using (var node = await NodeProcess.StartAsync(folder.Data))
        {
            await FillAsync(node, "well", 5);
            for (var n = 0; n < RowDamages.Length; n++)
                await FillAsync(node, $"hurt-{n}", 5);
            await node.KillAsync();
        }
        for (var n = 0; n < RowDamages.Length; n++)
            Assert.True(JournalFile.Execute(folder.Data, Of(RowDamages[n].Damage, n)) == 1, RowDamages[n].What);
        GiveBack(folder);

        await using var after = await NodeProcess.StartAsync(folder.Data);
        for (var n = 0; n < RowDamages.Length; n++)
        {
            var (session, what) = ($"hurt-{n}", RowDamages[n].What);
            var answer = await after.Api.GetAsync($"/v1/sessions/{session}");
            await Eventually.TrueAsync(
                async () => (answer = await after.Api.GetAsync($"/v1/sessions/{session}")).Code == "sessionQuarantined", Within,
                () => $"the quarantine after {what}; the answer is {answer.Text}");
            var refused = await after.Api.SendAsync(HttpMethod.Post, $"/v1/sessions/{session}/tasks", """{"kind":"download","url":"http://127.0.0.1:9/x"}""");
            Assert.True(refused.Code == "sessionQuarantined", $"After {what}: {refused.Text}");
        }
        Assert.Equal(5, (await after.Api.SessionAsync("well")).GetProperty("counts").GetProperty("suspended").GetInt64());
        Assert.Equal(HttpStatusCode.Created, (await after.Api.SendAsync(HttpMethod.Post, "/v1/sessions/well/tasks", """{"kind":"download","url":"http://127.0.0.1:9/x","start":false}""")).Status);
    }

    [Fact]
    public async Task A_damaged_newest_snapshot_costs_nothing()
    {
        using var folder = new NodeFolder();
        await using (var node = await NodeProcess.StartAsync(folder.Data, SnapshotOften))
        {
            for (var n = 0; n < SnapshotDamages.Length; n++)
            {
                var session = $"hurt-{n}";
                await FillAsync(node, session, 60);
                await Eventually.TrueAsync(async () => (await node.Api.SessionAsync(session)).GetProperty("counts").GetProperty("suspended").GetInt64() == 60, Within, () => "the tasks");
            }
            Assert.Equal(0, await node.StopAsync());
        }
        for (var n = 0; n < SnapshotDamages.Length; n++)
        {
            Assert.Equal(1, JournalFile.Execute(folder.Data, Of(
                $"UPDATE session_snapshot SET payload = {SnapshotDamages[n]} WHERE session_id = '{{0}}' AND sequence = (SELECT max(sequence) FROM session_snapshot WHERE session_id = '{{0}}')", n)));
        }
        GiveBack(folder);

        await using var after = await NodeProcess.StartAsync(folder.Data, SnapshotOften);
        for (var n = 0; n < SnapshotDamages.Length; n++)
        {
            Assert.Equal(60, (await after.Api.SessionAsync($"hurt-{n}")).GetProperty("counts").GetProperty("suspended").GetInt64());
            Assert.Equal(HttpStatusCode.Created, (await after.Api.SendAsync(HttpMethod.Post, $"/v1/sessions/hurt-{n}/tasks", """{"kind":"download","url":"http://127.0.0.1:9/x","start":false}""")).Status);
        }
    }

    private static string Of(string damage, int session) => damage.Replace("{0}", $"default/hurt-{session}", StringComparison.Ordinal);

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

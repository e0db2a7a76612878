using System.Text.Json;
using Backhaul.Node.Api;
using Backhaul.Node.Files;
using Backhaul.Node.Sessions;
using Backhaul.Protocol;
using Xunit;

namespace Backhaul.Node.Tests.Api;

public sealed class ResumeDataTests(EdgeFixture edge) : IClassFixture<EdgeFixture>
{
    private const string Tasks = "/v1/sessions/a/tasks";

    private static readonly KeptPart Part = new()
    {
        Tenant = TenantId.Default,
        Container = ContainerName.Default,
        Id = "hash.g1.t7",
        Part = "v1-1.e1.a1.part",
        Url = "https://origin.example/a",
        Bytes = 50,
        Ranges = RangeSet.Of(60, 70),
        Total = 100,
        Validator = "\"v1\"",
        At = DateTimeOffset.UnixEpoch,
        Until = DateTimeOffset.UnixEpoch.AddDays(7),
    };

    private readonly EdgeHost _host = edge.Fresh;

    [Fact]
    public async Task A_document_that_was_given_out_starts_a_download_with_or_without_other_words()
    {
        _host.Router.Answer = (_, call) => new(call.Command is SessionCommand.KeepTask ? Answer(Part) : null);
        var given = await _host.SendAsync("POST", $"{Tasks}/t7/resume-data");
        Assert.Equal((200, 60, 100), (given.Status, given.Json.GetProperty("bytes").GetInt64(), given.Json.GetProperty("total").GetInt64()));
        Assert.Equal(Part.Until, given.Json.GetProperty("expiresAt").GetDateTimeOffset());
        var document = given.Json.GetProperty("resumeData").GetString()!;

        Assert.Equal(201, (await _host.SendAsync("POST", Tasks, $$"""{"resumeData":"{{document}}"}""")).Status);
        var spec = Assert.IsType<SessionCommand.AddTask>(_host.Router.Calls[^1].Command).Spec;
        Assert.Equal((TaskKind.Download, Part.Url, "GET"), (spec.Kind, spec.Url, spec.Method));
        Assert.Equal(JsonSerializer.Serialize(Part, SessionJson.Default.KeptPart), JsonSerializer.Serialize(spec.Kept, SessionJson.Default.KeptPart));

        Assert.Equal(200, (await _host.SendAsync("POST", Tasks, $$"""[{"kind":"download","url":"https://mirror.example/a","resumeData":"{{document}}"}]""")).Status);
        var entry = Assert.Single(Assert.IsType<SessionCommand.AddTasks>(_host.Router.Calls[^1].Command).Entries);
        Assert.Equal(("https://mirror.example/a", "hash.g1.t7"), (entry.Spec!.Url, entry.Spec.Kept!.Id));
    }

    [Fact]
    public async Task Without_a_part_the_answer_says_null_and_why()
    {
        _host.Router.Answer = (_, _) => new(Answer(null));
        var given = await _host.SendAsync("POST", $"{Tasks}/t7/resume-data");
        Assert.Equal((200, JsonValueKind.Null, "Because."), (given.Status, given.Json.GetProperty("resumeData").ValueKind, given.Json.GetProperty("why").GetString()));
        Assert.Equal(400, (await _host.SendAsync("POST", $"{Tasks}/t7/resume-data", """{"a":1}""")).Status);
    }

    [Fact]
    public async Task Documents_that_are_not_ours_or_not_good_any_more_are_refused_with_a_sentence_and_no_task_is_made()
    {
        var good = Document(Part);
        var pieces = good.Split('.');
        var other = Document(Part with { Url = "https://evil.example/" }).Split('.');
        await RefusedAsync("", "resumeData", "does not|not resume data");
        await RefusedAsync("bh-resume-9" + good[11..], "resumeData", "not resume data");
        await RefusedAsync($"{pieces[0]}.{other[1]}.{pieces[2]}", "resumeData", "was changed");
        await RefusedAsync(good[..^1], "resumeData", "was changed");
        await RefusedAsync(good + ".x", "resumeData", "was changed");
        await RefusedAsync("bh-resume-1.?.?", "resumeData", "was changed");
        await RefusedAsync(Document(Part, EdgeHost.Documents(secret: 8)), "resumeData", "another cluster");
        await RefusedAsync(Document(Part with { Tenant = TenantId.Parse("other") }), "resumeData", "another tenant");
        await RefusedAsync(Document(Part with { Container = ContainerName.Parse("gone") }), "resumeData", "no container");
        await RefusedAsync(good, "url", "entity tag", """, "url": "https://b.example/" """, Part with { Validator = "Sat, 28 Nov 2026 10:00:00 GMT" });
        await RefusedAsync(good, "resumeData", "method GET", """, "method": "POST" """);
        await RefusedAsync(good, "resumeData", "for downloads", """, "kind": "upload", "source": "default/a", "method": "PUT" """);
        await RefusedAsync("bh-resume-1." + new string('A', ResumeDocuments.LengthMax), "resumeData", "longer than");
        Assert.Empty(_host.Router.Calls);
    }

    [Fact]
    public void Every_change_of_a_byte_of_a_document_is_noticed()
    {
        var (documents, good) = (EdgeHost.Documents(), Document(Part));
        Assert.True(documents.Open(TenantId.Default, good).IsValid);
        for (var at = 0; at < good.Length - 1; at++) // the last character of a seal holds two bits that mean nothing
        {
            var changed = good.ToCharArray();
            changed[at] = changed[at] == 'A' ? 'B' : 'A';
            Assert.False(documents.Open(TenantId.Default, new string(changed)).IsValid, $"character {at}");
        }
    }

    private async Task RefusedAsync(string document, string field, string sentence, string more = "", KeptPart? instead = null)
    {
        var answer = await _host.SendAsync("POST", Tasks, $$"""{"resumeData":"{{(instead is null ? document : Document(instead))}}"{{more}}}""");
        Assert.Equal((400, field), (answer.Status, answer.Field));
        Assert.Matches(sentence, answer.Json.GetProperty("detail").GetString());
    }

    private static string Document(KeptPart part, ResumeDocuments? documents = null) =>
        (documents ?? EdgeHost.Documents()).View(new KeptAnswer { Task = TaskId.Parse("t7"), Kept = part, Why = "" }).ResumeData!;

    private static CommandReply.Done Answer(KeptPart? part) => SessionViews.Json(
        200, new KeptAnswer { Task = TaskId.Parse("t7"), Kept = part, Why = "Because." }, SessionJson.Default.KeptAnswer);
}

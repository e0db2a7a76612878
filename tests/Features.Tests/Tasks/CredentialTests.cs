using System.Net;
using System.Text;

namespace Backhaul.Features.Tests.Tasks;

/// <summary>product.md, Tasks: credentials, and questions for them.</summary>
public sealed class CredentialTests(FeatureWorld world)
{
    private static readonly string Basic = "Basic " + Convert.ToBase64String(Encoding.UTF8.GetBytes($"{WorldSettings.UserName}:{WorldSettings.Password}"));

    [Theory, ClassData(typeof(Ways))]
    public async Task Credentials_per_protection_space_are_named_answer_servers_and_are_shown_to_nobody(Way way)
    {
        var scene = world.Begin(way);
        var opened = await scene.OpenAsync("""{"credentials":[{"realm":"elsewhere","secret":"token"},{"realm":"inside","secret":"vendor"}]}""");
        Assert.Equal(["token", "vendor"], opened.Configuration.Credentials!.Select(rule => rule.Secret));
        await scene.DownloadAsync("basic", scene.Origin.Bytes("basic", 1000, "auth=basic&times=1"));
        Assert.Equal(1, (await scene.SucceededAsync("basic")).Attempts);
        Assert.Equal([null, Basic], scene.Origin.RequestsOf("basic").Select(request => request.Headers.GetValueOrDefault("Authorization")));
        Assert.DoesNotContain(await scene.AllEventsAsync(), shown => shown.Type == EventTypes.Challenge);
        Assert.DoesNotContain(WorldSettings.Password, world.Set(way).Logs, StringComparison.Ordinal);
    }

    [Theory, ClassData(typeof(Ways))]
    public async Task A_challenge_waits_launches_its_client_and_takes_four_answers(Way way)
    {
        var scene = world.Begin(way);
        await scene.OpenAsync($$"""{"launch":{{scene.Hook("launch")}}}""");
        await scene.DownloadAsync("named", scene.Origin.Bytes("named", 1000, "auth=basic&times=2"));
        var asked = await scene.WaitsAsync("named", "credential");
        Assert.Equal(("basic", "inside", scene.Origin.Host, false), (asked.Challenge!.Scheme, asked.Challenge.Realm, asked.Challenge.Host, asked.Challenge.IsProxy));
        Assert.Null(asked.NextEvaluationAt);
        Assert.Equal("challenge", (await scene.HookAsync("launch")).Data.GetProperty("reason").GetString());
        await scene.Caller.AnswerChallengeAsync(scene.Session, "named", """{"answer":"useCredential","secret":"vendor","attempt":1}""");
        await scene.SucceededAsync("named");
        Assert.Equal(Basic, scene.Origin.RequestsOf("named")[^1].Headers["Authorization"]);
        await scene.OpenAsync(); // whoever came by a launch is still there for what follows
        await scene.Caller.CompleteLaunchAsync(scene.Session, 1);

        await scene.DownloadAsync("given", scene.Origin.Bytes("given", 1000, "auth=basic&times=2"));
        await scene.WaitsAsync("given", "credential");
        await scene.Caller.AnswerChallengeAsync(scene.Session, "given", $$$"""{"answer":"useCredential","credential":{"userName":"{{{WorldSettings.UserName}}}","password":"{{{WorldSettings.Password}}}"}}""");
        await scene.SucceededAsync("given");
        Assert.Equal(Basic, scene.Origin.RequestsOf("given")[^1].Headers["Authorization"]);

        foreach (var (answer, outcome, code) in new[] { ("performDefaultHandling", "failed", "httpStatus"), ("rejectProtectionSpace", "failed", "httpStatus"), ("cancel", "cancelled", "cancelled") })
        {
            await scene.DownloadAsync(answer, scene.Origin.Bytes(answer, 1000, "auth=digest"));
            await scene.WaitsAsync(answer, "credential");
            await scene.Caller.AnswerChallengeAsync(scene.Session, answer, $$"""{"answer":"{{answer}}"}""");
            var ended = await scene.EndedAsync(answer);
            Assert.Equal((outcome, code), (ended.Outcome, ended.Error!.Code));
        }
        var late = await Scene.RefusedAsync(() => scene.Caller.AnswerChallengeAsync(scene.Session, "named", """{"answer":"cancel"}"""));
        Assert.Equal(HttpStatusCode.Conflict, late.Status);
    }
}

using System.Text;
using Backhaul.Client;
using Backhaul.FaultOrigin;
using Backhaul.Protocol;
using Xunit;

namespace Backhaul.EndToEnd.Tests;

/// <summary>Questions and answers with the SDK, against a real node.</summary>
public sealed class ChallengeTests
{
    private const string Password = "correct-horse-battery-staple";
    private static readonly TimeSpan Within = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task A_challenge_is_answered_and_what_was_given_lies_nowhere_in_clear()
    {
        var stop = TestContext.Current.CancellationToken;
        using var folder = new NodeFolder();
        await using var origin = await ScriptedOrigin.StartAsync();
        await using (var node = await NodeProcess.StartAsync(folder.Data))
        {
            using var client = new BackhaulClient(node.Url);
            var session = client.Session("asked");
            await session.CreateOrAttachAsync(stop: stop);
            await session.AddTaskAsync(new TaskRequest { Id = "closed", Kind = "download", Url = origin.Bytes("closed", 1000, "auth=basic") }, stop: stop);
            await AskedAsync(session, 1, stop);
            await session.AnswerChallengeAsync("closed", new ChallengeAnswer { Answer = "useCredential", Credential = new GivenCredential { UserName = "anna", Password = Password } }, stop: stop);
            await AskedAsync(session, 2, stop); // this origin accepts none
            Assert.True((await session.GetTaskAsync("closed", stop)).Challenge!.WasRefused);
            Assert.Contains(origin.Requests, request => request.Headers.TryGetValue("Authorization", out var sent) && sent == "Basic " + Convert.ToBase64String(Encoding.UTF8.GetBytes($"anna:{Password}")));
            var ended = await session.AnswerChallengeAsync("closed", new ChallengeAnswer { Answer = "performDefaultHandling" }, stop: stop);
            Assert.Equal(("failed", "httpStatus"), (ended.Outcome, ended.Error!.Code));
        }
        foreach (var file in Directory.EnumerateFiles(folder.Data, "*", SearchOption.AllDirectories))
            Assert.Equal(-1, (await File.ReadAllBytesAsync(file, stop)).AsSpan().IndexOf(Encoding.UTF8.GetBytes(Password)));
    }

    [Fact]
    public async Task A_task_that_asks_before_every_attempt_starts_with_the_request_it_is_given()
    {
        var stop = TestContext.Current.CancellationToken;
        using var folder = new NodeFolder();
        await using var origin = await Origin.StartAsync();
        var file = origin.Add("signed", 10_000, bytesPerSecond: 0);
        await using var node = await NodeProcess.StartAsync(folder.Data);
        using var client = new BackhaulClient(node.Url);
        var session = client.Session("asked");
        await session.CreateOrAttachAsync(stop: stop);
        var ask = new AskBeforeStart { When = "everyAttempt", Timeout = TimeSpan.FromHours(1), Default = "cancel" };
        await session.AddTaskAsync(new TaskRequest { Id = "signed", Kind = "download", Url = origin.Url + "/expired", AskBeforeStart = ask }, stop: stop);
        await session.AddTaskAsync(new TaskRequest { Id = "hasty", Kind = "download", Url = file.Url, AskBeforeStart = new AskBeforeStart { Timeout = TimeSpan.FromSeconds(1) } }, stop: stop);
        await Eventually.TrueAsync(async () => (await session.GetTaskAsync("signed", stop)).Reason == "delayedRequest", Within, () => "the question");
        await session.AnswerDelayedRequestAsync("signed", new DelayedRequestAnswer { Answer = "useNewRequest", Url = file.Url, Attempt = 1 }, stop: stop);
        await Eventually.TrueAsync(async () => (await session.GetAsync(stop)).Counts.Succeeded == 2, Within, () => "both tasks to succeed");
        var events = (await session.ReadEventPageAsync(stop: stop)).Events;
        Assert.Equal(["hasty", "signed"], events.Where(one => one.Type == EventTypes.DelayedRequest).Select(one => one.Task).Order());
    }

    private static Task AskedAsync(BackgroundSession session, int times, CancellationToken stop) => Eventually.TrueAsync(
        async () => (await session.GetTaskAsync("closed", stop)).Challenge?.Count == times, Within, () => $"the task to be asked {times} times");
}

using Backhaul.Client;
using Backhaul.Protocol;
using Xunit;

namespace Backhaul.EndToEnd.Tests;

/// <summary>Ends of tasks told by a real node, checked and read with the SDK.</summary>
public sealed class NotifyTests
{
    private const string Secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    private const string Named = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
    private static readonly TimeSpan Within = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task Success_and_failure_are_told_once_each_and_signed_by_the_session_or_by_a_named_secret()
    {
        var stop = TestContext.Current.CancellationToken;
        using var folder = new NodeFolder();
        await using var origin = await Origin.StartAsync();
        await using var receiver = await HookReceiver.StartAsync();
        await using var node = await NodeProcess.StartAsync(
            folder.Data, new Dictionary<string, string> { ["Backhaul:Secrets:hooks:Kind"] = "webhook", ["Backhaul:Secrets:hooks:Keys"] = Named });
        using var client = new BackhaulClient(node.Url);
        var session = client.Session("told");
        await session.CreateOrAttachAsync(new SessionConfiguration { SendsLaunchEvents = false, Launch = new LaunchConfiguration { Url = receiver.Url, Secret = Secret } }, stop: stop);
        var file = origin.Add("told", 10_000, bytesPerSecond: 0);
        var notify = new TaskNotify { Success = receiver.Url + "?to=success", Failure = receiver.Url + "?to=failure" };
        await session.AddTaskAsync(new TaskRequest { Id = "good", Kind = "download", Url = file.Url + "?sig=secret", Destination = FileReference.Parse("default/good.bin"), Notify = notify }, stop: stop);
        await session.AddTaskAsync(new TaskRequest { Id = "bad", Kind = "download", Url = origin.Url + "/nothing-there", Notify = notify with { Secret = "hooks" } }, stop: stop);
        await Eventually.TrueAsync(() => Task.FromResult(receiver.Received.Count == 2), Within, () => "both notifications");
        var (good, bad) = (Of("good"), Of("bad"));
        Assert.Equal(WebhookVerdict.Valid, Verify(good.Hook, Secret));
        Assert.Equal(WebhookVerdict.WrongSignature, Verify(good.Hook, Named));
        Assert.Equal(WebhookVerdict.Valid, Verify(bad.Hook, Named));
        Assert.Equal((true, "succeeded", file.Url + "?...", 10_000L, "good.bin"), (good.Told.Succeeded, good.Told.Data.Outcome, good.Told.Data.Url, good.Told.Data.BytesReceived, good.Told.Data.File!.Path));
        Assert.Equal((false, "failed", "httpStatus", 404), (bad.Told.Succeeded, bad.Told.Data.Outcome, bad.Told.Data.Error!.Code, bad.Told.Data.Status));
        Assert.Equal(good.Hook.Id, good.Told.Id);
        var view = await session.GetAsync(stop);
        Assert.Null(view.Notifications);
        Assert.Equal(receiver.Url + "?...", (await session.GetTaskAsync("good", stop)).Notify!.Success); // a query often is a key
        var refused = await Assert.ThrowsAsync<BackhaulException>(async () =>
        {
            var without = client.Session("untold");
            await without.CreateOrAttachAsync(stop: stop);
            await without.AddTaskAsync(new TaskRequest { Kind = "download", Url = file.Url, Notify = notify }, stop: stop);
        });
        Assert.Equal("notify.secret", refused.Problem!.Field);

        (Hook Hook, TaskNotification Told) Of(string task) =>
            receiver.Received.Select(hook => (hook, TaskNotification.TryParse(hook.Body)!)).Single(one => one.Item2.Data.Task == task);
    }

    private static WebhookVerdict Verify(Hook hook, string secret) => new WebhookVerifier([secret]).Verify(hook.Id, hook.Timestamp, hook.Signature, hook.Body);
}

using Backhaul.Node.Sessions;
using Backhaul.Node.Transfers;
using Backhaul.Protocol;
using Xunit;

namespace Backhaul.Node.Tests.Sessions;

/// <summary>What a session does with an upload that its target keeps: goes on from what was confirmed, and has it forgotten when it will not be finished.</summary>
public sealed class UploadSessionTests
{
    private const long Offset = 40;

    private readonly SessionWorld _world = new();

    [Fact]
    public void A_cancelled_upload_is_given_up_at_its_target() => _world.Run(async () =>
    {
        var (id, attempt) = await StartedAsync();
        await SaveAsync(attempt);
        await _world.AskAsync(new SessionCommand.CancelTask(id));
        await _world.UntilAsync(async () => (await _world.TaskAsync(id)).State == "completed");
        Assert.Equal("cancelled", (await _world.TaskAsync(id)).Outcome);
        AssertGivenUp(id);
    });

    [Fact]
    public void A_waiting_upload_that_is_cancelled_is_given_up_too() => _world.Run(async () =>
    {
        var (id, attempt) = await StartedAsync();
        await SaveAsync(attempt);
        await _world.AskAsync(new SessionCommand.SuspendTask(id));
        await _world.UntilAsync(async () => (await _world.TaskAsync(id)).State == "suspended" && !_world.Runner.Running.Any());
        Assert.Empty(_world.Runner.AbandonedUploads);
        await _world.AskAsync(new SessionCommand.CancelTask(id));
        await _world.UntilAsync(async () => (await _world.TaskAsync(id)).State == "completed");
        AssertGivenUp(id);
    });

    [Theory]
    [InlineData(true, false)]
    [InlineData(false, true)]
    public void A_failed_upload_is_given_up_only_when_it_is_not_tried_again(bool retryable, bool givenUp) => _world.Run(async () =>
    {
        var (id, attempt) = await StartedAsync();
        await SaveAsync(attempt);
        attempt.Outcome.SetResult(((AttemptReport.Ended)SessionHarness.Failed(retryable: retryable)).Outcome);
        await _world.UntilAsync(async () => (await _world.TaskAsync(id)).State == (retryable ? "waiting" : "completed"));
        if (givenUp)
            AssertGivenUp(id);
        else
            Assert.Empty(_world.Runner.AbandonedUploads);
    });

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void What_never_got_a_place_at_its_target_or_is_done_is_not_given_up(bool succeeds) => _world.Run(async () =>
    {
        var (id, attempt) = await StartedAsync();
        if (succeeds)
            await SaveAsync(attempt);
        var outcome = succeeds ? SessionHarness.Finished() : SessionHarness.Failed(retryable: false);
        attempt.Outcome.SetResult(((AttemptReport.Ended)outcome).Outcome);
        await _world.UntilAsync(async () => (await _world.TaskAsync(id)).State == "completed");
        Assert.Equal(succeeds ? "succeeded" : "failed", (await _world.TaskAsync(id)).Outcome);
        Assert.Empty(_world.Runner.AbandonedUploads);
    });

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Bytes_sent_go_on_from_what_the_target_confirmed(bool crashed) => _world.Run(async () =>
    {
        var (id, first) = await StartedAsync();
        await SaveAsync(first);
        first.Reports.Progress(0, Offset + 30, null, 100); // sent, and never confirmed
        if (crashed)
        {
            _world.Crash();
            await _world.StartAsync();
        }
        else
        {
            first.Outcome.SetResult(((AttemptReport.Ended)SessionHarness.Failed()).Outcome);
            await _world.UntilAsync(async () => (await _world.TaskAsync(id)).State == "waiting");
            Assert.Equal((Offset, 100L), Sent(await _world.TaskAsync(id)));
        }
        await _world.UntilAsync(() => Task.FromResult(_world.Runner.Running.Any()));
        var second = _world.Runner.Running.Single();
        Assert.Equal((2, Offset, "https://target.example/up/1"), (second.Order.Attempt, second.Order.Resume!.Upload!.Offset, second.Order.Resume.Upload.Location));
        Assert.Equal(Offset, (await _world.TaskAsync(id)).Progress.BytesSent);
        second.Reports.Progress(0, Offset + 10, null, 100);
        Assert.Equal((Offset + 10, 100L), Sent(await _world.TaskAsync(id)));
    });

    private static (long, long?) Sent(TaskView view) => (view.Progress.BytesSent, view.Progress.TotalToSend);

    private static async Task SaveAsync(ScriptedAttempt attempt) => Assert.True(await attempt.Reports.CheckpointAsync(new PartCheckpoint
    {
        Part = "upload",
        Bytes = Offset,
        Total = 100,
        Upload = new UploadState { Protocol = UploadProtocol.Tus, Location = "https://target.example/up/1", Offset = Offset, Length = 100, CanTerminate = true },
    }));

    private async Task<(TaskId Id, ScriptedAttempt Attempt)> StartedAsync()
    {
        await _world.StartAsync();
        await _world.AskAsync(new SessionCommand.Open(null));
        var upload = new TaskSpec
        {
            Kind = TaskKind.Upload,
            Url = "https://target.example/up",
            Method = "POST",
            Source = FileReference.Parse("default/up.bin"),
            UploadProtocol = UploadProtocol.Tus,
        };
        var id = TaskId.Parse((await _world.AskAsync(new SessionCommand.AddTask(upload), ProtocolJson.Default.TaskView)).Id);
        await _world.UntilAsync(() => Task.FromResult(_world.Runner.Running.Any()));
        return (id, _world.Runner.Running.Single());
    }

    /// <summary>Once, with the place that was journaled.</summary>
    private void AssertGivenUp(TaskId id)
    {
        var order = Assert.Single(_world.Runner.AbandonedUploads);
        Assert.Equal((id, "https://target.example/up/1", Offset), (order.Files.Task, order.Resume!.Upload!.Location, order.Resume.Upload.Offset));
    }
}

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

    /// <summary>The task is in the archive by then, and its session may have begun anew with another configuration.</summary>
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void What_no_target_was_told_yet_is_told_after_a_crash(bool isSessionNew) => _world.Run(async () =>
    {
        var (id, attempt) = await StartedAsync(new SessionConfiguration { AdditionalHeaders = new Dictionary<string, string> { ["X-Of"] = "first" } });
        await SaveAsync(attempt);
        var never = new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously);
        _world.Runner.TellTarget = () => never.Task;
        await _world.AskAsync(new SessionCommand.CancelTask(id));
        await _world.UntilAsync(async () => (await _world.TaskAsync(id)).State == "completed");
        AssertGivenUp(id);
        if (isSessionNew)
        {
            await _world.AskAsync(new SessionCommand.End(EndMode.Cancel));
            await _world.UntilAsync(async () => (await _world.DescribeAsync()).State == "invalidated");
            await _world.AskAsync(new SessionCommand.Open(null));
        }
        Assert.Equal(DateTimeOffset.UnixEpoch, (await _world.Store.ListSessionsAsync(null, null, 1, CancellationToken.None)).Heads[0].WakeAt); // nobody has to ask for the session

        _world.Crash();
        _world.Runner.AbandonedUploads.Clear();
        _world.Runner.TellTarget = () => Task.FromResult(true);
        await _world.StartAsync();
        await _world.UntilAsync(() => Task.FromResult(_world.Runner.AbandonedUploads.Count > 0));
        AssertGivenUp(id);
        Assert.Equal("first", _world.Runner.AbandonedUploads[0].Headers["X-Of"]);
        await _world.UntilAsync(async () => (await _world.Store.ListSessionsAsync(null, null, 1, CancellationToken.None)).Heads[0].WakeAt != DateTimeOffset.UnixEpoch);

        _world.Crash();
        _world.Runner.AbandonedUploads.Clear();
        await _world.StartAsync();
        await _world.DescribeAsync();
        Assert.Empty(_world.Runner.AbandonedUploads); // told once is told
    });

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Targets_are_told_a_few_at_a_time_until_all_were_whether_they_answer_or_not(bool answer) => _world.Run(async () =>
    {
        const int Uploads = 10;
        await _world.StartAsync();
        await _world.AskAsync(new SessionCommand.Open(new SessionConfiguration { MaxConnectionsPerHost = Uploads }));
        for (var n = 0; n < Uploads; n++)
            await _world.AskAsync(new SessionCommand.AddTask(Upload()));
        await _world.UntilAsync(() => Task.FromResult(_world.Runner.Running.Count() == Uploads));
        foreach (var attempt in _world.Runner.Running.ToList())
            await SaveAsync(attempt);
        var (atOnce, most) = (0, 0);
        _world.Runner.TellTarget = async () =>
        {
            most = Math.Max(most, ++atOnce);
            await Task.Delay(TimeSpan.FromSeconds(5), _world.World.Time);
            atOnce--;
            return answer;
        };
        await _world.AskAsync(new SessionCommand.End(EndMode.ForceQuit));
        await _world.UntilAsync(() => Task.FromResult(_world.Runner.AbandonedUploads.Count == Uploads && atOnce == 0));
        Assert.Equal(4, most);
        Assert.Equal(Uploads, _world.Runner.AbandonedUploads.Select(order => order.Files.Task).Distinct().Count());
        await _world.UntilAsync(async () => (await _world.Store.ListSessionsAsync(null, null, 1, CancellationToken.None)).Heads[0].WakeAt != DateTimeOffset.UnixEpoch);
        Assert.Equal(Uploads, _world.Runner.AbandonedUploads.Count);
    });

    [Fact]
    public void What_is_to_be_given_up_outlives_a_snapshot_and_is_limited()
    {
        var session = new SessionHarness().Opened();
        for (var n = 0; n < 3; n++)
        {
            var id = session.Add(Upload());
            session.Report(id, session.Start(id), new AttemptReport.Checkpointed(Saved()));
            session.Report(id, 1, SessionHarness.Failed(retryable: false));
        }
        session.AssertReplaysEqual();
        var first = session.Session.Abandoned.All[0];
        session.Apply([new UploadAbandoned(first.Generation, first.Task.Id, Told: false, session.Now)]);
        Assert.Equal(2, session.Session.Abandoned.All.Count);
        session.AssertReplaysEqual();

        var book = new AbandonedUploads();
        for (var n = 0; n < AbandonedUploads.Max + 5; n++)
            book.Add(first with { Generation = n });
        Assert.Equal((AbandonedUploads.Max, 0), (book.All.Count, book.All[0].Generation)); // those that may be under way stay
    }

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

    private static async Task SaveAsync(ScriptedAttempt attempt) => Assert.True(await attempt.Reports.CheckpointAsync(Saved()));

    private static PartCheckpoint Saved() => new()
    {
        Part = "upload",
        Bytes = Offset,
        Total = 100,
        Upload = new UploadState { Protocol = UploadProtocol.Tus, Location = "https://target.example/up/1", Offset = Offset, Length = 100, CanTerminate = true },
    };

    private static TaskSpec Upload() => new()
    {
        Kind = TaskKind.Upload,
        Url = "https://target.example/up",
        Method = "POST",
        Source = FileReference.Parse("default/up.bin"),
        UploadProtocol = UploadProtocol.Tus,
    };

    private async Task<(TaskId Id, ScriptedAttempt Attempt)> StartedAsync(SessionConfiguration? configuration = null)
    {
        await _world.StartAsync();
        await _world.AskAsync(new SessionCommand.Open(configuration));
        var id = TaskId.Parse((await _world.AskAsync(new SessionCommand.AddTask(Upload()), ProtocolJson.Default.TaskView)).Id);
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

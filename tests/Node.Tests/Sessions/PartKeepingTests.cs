using System.Text.Json;
using Backhaul.Node.Files;
using Backhaul.Node.Sessions;
using Backhaul.Node.Transfers;
using Backhaul.Protocol;
using Xunit;

namespace Backhaul.Node.Tests.Sessions;

public sealed class PartKeepingTests
{
    private readonly SessionHarness _session = new SessionHarness().Opened();
    private readonly SessionWorld _world = new();

    [Fact]
    public void A_suspended_download_leaves_its_checkpoint_and_answers_the_same_as_often_as_it_is_asked()
    {
        var id = Received(50);
        _session.Do(new SessionCommand.SuspendTask(id));
        _session.Report(id, 1, SessionHarness.Stopped());

        var kept = Keep(id).Kept!;
        Assert.Equal((50, 100, "\"v1\"", "p1"), (kept.Bytes, kept.Total, kept.Validator, kept.Part));
        Assert.Equal(("acme", "default", "https://origin.example/a.bin"), (kept.Tenant.ToString(), kept.Container.ToString(), kept.Url));
        Assert.Equal("cancelled", _session.View(id).Outcome);
        Assert.Equal(kept, Keep(id).Kept);
        _session.AssertReplaysEqual();
    }

    [Fact]
    public void What_cannot_be_resumed_is_cancelled_all_the_same_and_says_why()
    {
        var nothing = _session.Add();
        Assert.Equal((null, true), (Keep(nothing).Kept, Keep(nothing).Why.Contains("Nothing had been received", StringComparison.Ordinal)));
        Assert.Equal("cancelled", _session.View(nothing).Outcome);

        var post = _session.Add(SessionHarness.Download() with { Method = "POST" });
        Assert.Contains("POST", Keep(post).Why, StringComparison.Ordinal);

        var weak = Received(50, part => part with { Validator = null }, stop: true);
        Assert.Contains("validator", Keep(weak).Why, StringComparison.Ordinal);

        var stored = Received(50, part => part with { Object = new ObjectUpload { UploadId = "u", PartBytes = 50, Parts = [] } }, stop: true);
        Assert.Contains("object store", Keep(stored).Why, StringComparison.Ordinal);
    }

    [Fact]
    public void A_part_that_its_last_attempt_found_wrong_is_not_left_to_later_tasks()
    {
        var id = Received(50);
        _session.Apply(SessionDecider.Decide(_session.Session, new SessionCommand.KeepTask(id), _session.Archived, _session.Now).Events);
        _session.Report(id, 1, new AttemptReport.Ended(new AttemptOutcome.Failed(new AttemptFailure
        {
            Code = TransferCodes.DigestMismatch,
            Message = "The file is another.",
            Retryable = true,
            DiscardPart = true,
        })));
        Assert.Equal((null, "Its part is of no use. The file is another."), (Keep(id).Kept, Keep(id).Why));
        Assert.Equal("cancelled", _session.View(id).Outcome);
        _session.AssertReplaysEqual();
    }

    [Fact]
    public void Uploads_and_tasks_that_ended_otherwise_are_refused_and_stay_as_they_are()
    {
        var upload = _session.Add(SessionHarness.Download() with { Kind = TaskKind.Upload, Method = "PUT", Source = new FileReference(null, ContainerPath.Parse("a")) });
        Assert.Equal(ProblemCodes.NotDownload, _session.Problem(new SessionCommand.KeepTask(upload)).Code);
        Assert.Equal("waiting", _session.View(upload).State);

        var done = _session.Add();
        _session.Report(done, _session.Start(done), SessionHarness.Finished());
        Assert.Equal(ProblemCodes.TaskEnded, _session.Problem(new SessionCommand.KeepTask(done)).Code);
        Assert.Equal(ProblemCodes.TaskNotFound, _session.Problem(new SessionCommand.KeepTask(TaskId.Parse("none"))).Code);

        var cancelled = _session.Add();
        _session.Do(new SessionCommand.CancelTask(cancelled));
        Assert.Equal((null, "The task was cancelled without resume data."), (Keep(cancelled).Kept, Keep(cancelled).Why));
    }

    [Fact]
    public void Only_the_first_generation_of_a_task_starts_from_resume_data_and_only_for_a_url_that_it_fits()
    {
        var id = Received(50, stop: true);
        var kept = Keep(id).Kept!;
        Assert.Equal(kept.Part, Order(kept, kept.Url).Kept!.Part);
        Assert.NotNull(Order(kept, "https://mirror.example/a.bin").Kept);
        Assert.Null(Order(kept with { Validator = "Sat, 28 Nov 2026 10:00:00 GMT" }, "https://mirror.example/a.bin").Kept);
        Assert.Null(Order(kept with { Total = null }, "https://mirror.example/a.bin").Kept);
        Assert.Null(Order(kept with { Bytes = 100 }, "https://mirror.example/a.bin").Kept);
        Assert.NotNull(Order(kept with { Bytes = 100 }, kept.Url).Kept);
        Assert.True((kept with { Bytes = 100 }).Fits("https://mirror.example/a.bin", hasDigest: true));
        Assert.Null(Order(kept, kept.Url, restarted: true).Kept);
    }

    [Fact]
    public void A_running_download_stops_with_a_last_checkpoint_before_its_part_is_kept_and_the_answer_given() => _world.Run(async () =>
    {
        var attempt = await RunningAsync();
        var asked = _world.Post(new SessionCommand.KeepTask(Id));
        await _world.UntilAsync(async () => (await _world.TaskAsync(Id)).Outcome is "cancelled");
        var kept = Parse(await asked).Kept!;
        Assert.Equal((40, kept), (kept.Bytes, Assert.Single(_world.Runner.Kept) with { Until = kept.Until }));
        Assert.Equal(kept, Parse(await _world.AskAsync(new SessionCommand.KeepTask(Id))).Kept);
        Assert.Single(_world.Runner.Kept);
        Assert.Equal(1, attempt.Order.Attempt);
    });

    [Fact]
    public void A_part_that_its_disk_does_not_keep_is_not_promised() => _world.Run(async () =>
    {
        await RunningAsync();
        _world.Runner.Keeps = () => throw new StorageException(StorageFailure.Full, "The disk is full.");
        var answer = Parse(await _world.AskAsync(new SessionCommand.KeepTask(Id)));
        Assert.Equal((null, "The disk is full."), (answer.Kept, answer.Why));
        Assert.Equal("cancelled", (await _world.TaskAsync(Id)).Outcome);
    });

    [Fact]
    public void A_node_that_dies_between_keeping_and_the_end_keeps_again_and_the_next_one_answers() => _world.Run(async () =>
    {
        await RunningAsync();
        var never = new TaskCompletionSource<KeepOutcome>();
        _world.Runner.Keeps = () => never.Task; // it is kept, and nobody will know
        var asked = _world.Post(new SessionCommand.KeepTask(Id));
        await _world.UntilAsync(() => Task.FromResult(_world.Runner.Kept.Count == 1));
        _world.Crash();
        _world.Runner.Keeps = ScriptedRunner.IsKept;
        await _world.StartAsync();
        var kept = Parse(await _world.AskAsync(new SessionCommand.KeepTask(Id))).Kept!;
        Assert.Equal((40, 2), (kept.Bytes, _world.Runner.Kept.Count));
        Assert.Equal((_world.Runner.Kept[0].Id, kept.At + TimeSpan.FromDays(7)), (kept.Id, kept.Until));
        Assert.IsType<CommandReply.Unavailable>(await asked);
    });

    [Fact]
    public void A_disk_that_does_not_answer_holds_the_session_for_a_while_and_no_longer() => _world.Run(async () =>
    {
        await RunningAsync();
        _world.Runner.Keeps = () => new TaskCompletionSource<KeepOutcome>().Task;
        var answer = Parse(await _world.AskAsync(new SessionCommand.KeepTask(Id)));
        Assert.Equal((null, "The disk did not keep its part within 10 seconds."), (answer.Kept, answer.Why));
    });

    [Fact]
    public void The_same_key_is_the_same_answer_and_no_other_request() => _world.Run(async () =>
    {
        await RunningAsync();
        var key = new CommandKey(new CommandId(new Guid(1, 2, 3, new byte[8])), 7);
        var first = Assert.IsType<CommandReply.Done>(await _world.AskAsync(new SessionCommand.KeepTask(Id), key));
        var again = Assert.IsType<CommandReply.Done>(await _world.AskAsync(new SessionCommand.KeepTask(Id), key));
        Assert.Equal(first.Json.ToArray(), again.Json.ToArray());
        var other = Assert.IsType<CommandReply.Refused>(await _world.AskAsync(new SessionCommand.CancelTask(Id), key with { ContentHash = 8 }));
        Assert.Equal(ProblemCodes.IdempotencyKeyReused, other.Problem.Code);
    });

    [Fact]
    public void Expired_resume_data_starts_nothing_and_a_repeated_request_has_its_first_answer_still()
    {
        var kept = new KeptPart
        {
            Tenant = TenantId.Parse("acme"),
            Container = ContainerName.Default,
            Id = "x",
            Part = "v1-1.e1.a1.part",
            Url = "https://origin.example/a.bin",
            Bytes = 50,
            Validator = "\"v1\"",
            At = _session.Now,
            Until = _session.Now + TimeSpan.FromDays(7),
        };
        var spec = SessionHarness.Download("first") with { Kept = kept };
        Assert.Equal(201, Assert.IsType<CommandReply.Done>(_session.Do(new SessionCommand.AddTask(spec))).Status);
        _session.Now = kept.Until;
        Assert.Equal(200, Assert.IsType<CommandReply.Done>(_session.Do(new SessionCommand.AddTask(spec))).Status);
        var refused = _session.Problem(new SessionCommand.AddTask(spec with { Id = TaskId.Parse("second") }));
        Assert.Equal((410, ProblemCodes.ResumeDataExpired, "resumeData"), (refused.Status, refused.Code, refused.Field));
    }

    private static TaskId Id { get; } = TaskId.Parse("it");

    private async Task<ScriptedAttempt> RunningAsync()
    {
        await _world.StartAsync();
        await _world.AskAsync(new SessionCommand.Open(null));
        await _world.AskAsync(new SessionCommand.AddTask(SessionHarness.Download("it")));
        await _world.UntilAsync(() => Task.FromResult(_world.Runner.Attempts.Count == 1));
        var attempt = _world.Runner.Attempts[0];
        Assert.True(await attempt.Reports.CheckpointAsync(new PartCheckpoint { Part = "p1", Bytes = 40, Total = 100, Validator = "\"v1\"" }));
        return attempt;
    }

    private TaskId Received(long bytes, Func<PartCheckpoint, PartCheckpoint>? change = null, bool stop = false)
    {
        var id = _session.Add();
        var attempt = _session.Start(id);
        var checkpoint = SessionHarness.Checkpoint(bytes);
        _session.Report(id, attempt, new AttemptReport.Checkpointed(change is null ? checkpoint.Part : change(checkpoint.Part)));
        if (stop)
            _session.Report(id, attempt, SessionHarness.Failed());
        return id;
    }

    private AttemptOrder Order(KeptPart kept, string url, bool restarted = false)
    {
        var id = _session.Add(SessionHarness.Download(url: url) with { Kept = kept with { Until = _session.Now + TimeSpan.FromDays(7) } });
        var attempt = _session.Start(id);
        if (restarted)
            _session.Report(id, attempt, new AttemptReport.Restarted("It changed."));
        return AttemptOrders.Create(_session.Session, _session.Session.Tasks[id], 1, new Trusted());
    }

    private KeptAnswer Keep(TaskId id) => Parse(_session.Do(new SessionCommand.KeepTask(id)));

    private static KeptAnswer Parse(CommandReply reply) =>
        JsonSerializer.Deserialize(Assert.IsType<CommandReply.Done>(reply).Json.Span, SessionJson.Default.KeptAnswer)!;
}

using Backhaul.Client.Tests.Delegates;
using Backhaul.Client.Tests.Events;
using Backhaul.Protocol;
using Xunit;

namespace Backhaul.Client.Tests.Tasks;

public sealed class TaskObjectTests
{
    [Fact]
    public async Task A_task_is_created_suspended_and_each_member_is_one_call()
    {
        var script = new ScriptedSession();
        script.SetTask("t1", "suspended");
        using var client = script.Node.Client();
        var session = client.Session("photos");
        var task = await session.CreateDownloadTaskAsync(new Uri("https://example.org/ü"), FileReference.Parse("default/a"), new TaskRequest { Priority = 1 }, stop: Stop);
        Assert.Equal(("t1", TransferState.Suspended, 7L, 9L), (task.Id, task.State, task.BytesReceived, task.TotalBytesToReceive));
        script.SetTask("t1", "running");
        await task.ResumeAsync(Stop);
        Assert.Equal(TransferState.Running, task.State);
        await task.SuspendAsync(Stop);
        await task.MakeCurrentAsync(Stop);
        await task.SetPriorityAsync(TaskPriority.High, Stop);
        await task.SetDescriptionAsync("d", Stop);
        await task.SetEarliestBeginAsync(new DateTimeOffset(2027, 1, 1, 0, 0, 0, TimeSpan.Zero), Stop);
        await task.SetUrlAsync(new Uri("https://example.org/b"), Stop);
        await task.SetHeadersAsync(new Dictionary<string, string> { ["X-A"] = "1" }, Stop);
        await task.SetBandwidthAsync(null, Stop);
        await task.AnswerDelayedRequestAsync(new DelayedRequestAnswer { Answer = "continue" }, Stop);
        await task.AnswerChallengeAsync(new ChallengeAnswer { Answer = "cancel" }, Stop);
        await task.CancelAsync(Stop);
        await task.RefreshAsync(Stop);
        const string Task = "/v1/sessions/photos/tasks";
        Assert.Equal(
        [
            $$"""POST {{Task}} {"kind":"download","url":"https://example.org/%C3%BC","destination":{"container":"default","path":"a"},"start":false,"priority":1}""",
            $"POST {Task}/t1/resume ", $"POST {Task}/t1/suspend ", $"POST {Task}/t1/make-current ",
            $$"""PATCH {{Task}}/t1 {"priority":0.75}""",
            $$"""PATCH {{Task}}/t1 {"description":"d"}""",
            $$"""PATCH {{Task}}/t1 {"earliestBeginAt":"2027-01-01T00:00:00Z"}""",
            $$"""PATCH {{Task}}/t1 {"url":"https://example.org/b"}""",
            $$$"""PATCH {{{Task}}}/t1 {"headers":{"X-A":"1"}}""",
            $$"""PATCH {{Task}}/t1 {"bytesPerSecondMax":0}""",
            $$"""POST {{Task}}/t1/delayed-request {"answer":"continue"}""",
            $$"""POST {{Task}}/t1/challenge {"answer":"cancel"}""",
            $"POST {Task}/t1/cancel ", $"GET {Task}/t1 ",
        ], script.Node.Seen.Select(seen => $"{seen.Method} {seen.Path} {seen.Text}"));
    }

    [Fact]
    public async Task Cancelling_by_producing_resume_data_gives_it_and_sees_the_end()
    {
        var script = new ScriptedSession();
        script.SetTask("t1", "running");
        using var client = script.Node.Client();
        var task = (DownloadTask)await client.Session("photos").FindTaskAsync("t1", Stop);
        script.SetTask("t1", "completed", "cancelled");
        script.Instead = seen => seen.Path.EndsWith("/resume-data", StringComparison.Ordinal)
            ? Answer.Json("""{"id":"t1","resumeData":"abc","why":"Kept.","bytes":7}""")
            : null;
        Assert.Equal(("abc", 7L), (await task.CancelProducingResumeDataAsync(Stop)) is var data ? (data.ResumeData, data.Bytes) : default);
        Assert.Equal("cancelled", task.Outcome);
    }

    [Fact]
    public async Task An_upload_is_created_suspended_from_a_file_of_a_container()
    {
        var script = new ScriptedSession();
        script.SetTask("t1", "suspended", kind: "upload");
        using var client = script.Node.Client();
        var task = await client.Session("photos").CreateUploadTaskAsync(new Uri("https://example.org/in"), FileReference.Parse("default/a"), stop: Stop);
        Assert.Equal("""{"kind":"upload","url":"https://example.org/in","source":{"container":"default","path":"a"},"start":false}""", script.Node.Seen[0].Text);
        Assert.Equal(TransferState.Suspended, task.State);
    }

    [Fact]
    public async Task Tasks_that_others_created_are_found_as_objects()
    {
        var script = new ScriptedSession();
        script.SetTask("down", "running");
        using var client = script.Node.Client();
        var session = client.Session("photos");
        Assert.IsType<DownloadTask>(await session.FindTaskAsync("down", Stop));
        var all = new List<string>();
        await foreach (var task in session.GetCurrentDownloadsAsync("g", Stop))
            all.Add(task.Id);
        await foreach (var task in session.GetAllTasksAsync(Stop))
            all.Add(task.Id);
        script.SetTask("down", "running", kind: "upload");
        Assert.IsType<UploadTask>(await session.FindTaskAsync("down", Stop));
        await foreach (var task in session.GetCurrentUploadsAsync(stop: Stop))
            all.Add(task.Id);
        Assert.Equal(["down", "down", "down"], all);
        Assert.Equal(
            ["?state=live&kind=download&group=g", "?state=live", "?state=live&kind=upload"],
            script.Node.Seen.Select(seen => seen.Uri.Query).Where(query => query.Length > 0));
    }

    [Fact]
    public async Task A_wait_reports_progress_and_returns_what_became_of_the_task()
    {
        var broken = new TaskCompletionSource();
        var script = new ScriptedSession { Preamble = EventScript.Progress, HeldUntil = broken.Task };
        script.SetTask("t1", "running");
        using var client = script.Node.Client();
        var session = client.Session("photos");
        var task = await session.FindTaskAsync("t1", Stop);
        var moved = new Reports();
        var waiting = task.WaitForCompletionAsync(moved, Stop);
        await Until.TrueAsync(() => moved.Bytes.Contains(5), Stop);   // the stream stands
        Assert.False(waiting.IsCompleted);
        script.SetTask("t1", "completed", "failed");
        script.Add("taskCompleted", """{"outcome":"failed"}""", "t1");
        broken.SetResult();   // the event comes on the next connection
        await Until.TrueAsync(() => waiting.IsCompleted, Stop);
        Assert.Equal("failed", (await waiting).Outcome);
        Assert.Equal((TransferState.Completed, "failed"), (task.State, task.Outcome));
        Assert.Equal(0, script.Acknowledged);
    }

    [Fact]
    public async Task A_wait_for_a_task_that_has_ended_returns_at_once()
    {
        var script = new ScriptedSession();
        script.SetTask("t1", "completed", "succeeded");
        using var client = script.Node.Client();
        var task = await client.Session("photos").FindTaskAsync("t1", Stop);
        Assert.Equal("succeeded", (await task.WaitForCompletionAsync(stop: Stop)).Outcome);
    }

    [Fact]
    public async Task Waits_of_a_session_share_a_stream_and_a_cancelled_one_leaves_the_others()
    {
        var script = new ScriptedSession { Preamble = EventScript.Progress };
        script.SetTask("t1", "running");
        script.SetTask("t2", "running");
        using var client = script.Node.Client();
        var session = client.Session("photos");
        var (one, two) = (await session.FindTaskAsync("t1", Stop), await session.FindTaskAsync("t2", Stop));
        using var leave = CancellationTokenSource.CreateLinkedTokenSource(Stop);
        var moved = new Reports();
        var first = one.WaitForCompletionAsync(moved, leave.Token);
        var second = two.WaitForCompletionAsync(stop: leave.Token);
        await Until.TrueAsync(() => moved.Bytes.Contains(5), Stop);
        Assert.Single(script.Node.Seen, seen => seen.Header("Accept") == "text/event-stream");
        await leave.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => first);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => second);
        script.SetTask("t1", "completed", "cancelled");
        Assert.Equal("cancelled", (await one.WaitForCompletionAsync(stop: Stop)).Outcome);
    }

    [Fact]
    public async Task A_report_that_throws_ends_its_own_wait_and_no_other()
    {
        var (again, oncemore) = (new TaskCompletionSource(), new TaskCompletionSource());
        var script = new ScriptedSession { HeldUntil = again.Task };
        script.SetTask("t1", "running");
        script.SetTask("t2", "running");
        using var client = script.Node.Client();
        var session = client.Session("photos");
        var (one, two) = (await session.FindTaskAsync("t1", Stop), await session.FindTaskAsync("t2", Stop));
        var first = one.WaitForCompletionAsync(new Thrower(), Stop);
        var second = two.WaitForCompletionAsync(stop: Stop);
        await Until.TrueAsync(() => script.OpenStreams == 1, Stop);
        (script.Preamble, script.HeldUntil) = (EventScript.Progress, oncemore.Task);   // of the next connection
        again.SetResult();
        Assert.Equal("no bar", (await Assert.ThrowsAsync<InvalidOperationException>(() => first)).Message);
        Assert.Equal(1, script.OpenStreams);
        script.SetTask("t2", "completed", "succeeded");
        script.Add("taskCompleted", """{"outcome":"succeeded"}""", "t2");
        oncemore.SetResult();
        Assert.Equal("succeeded", (await second).Outcome);
    }

    /// <summary>Its stream waited for an outage of any length, and the two calls beside it for two minutes only.</summary>
    [Fact]
    public async Task A_wait_outlasts_an_outage_that_is_longer_than_a_call()
    {
        var script = new ScriptedSession();
        script.SetTask("t1", "completed", "succeeded");
        using var client = script.Node.Client();
        var task = await client.Session("photos").FindTaskAsync("t1", Stop);
        var (session, view) = (100, 100);
        script.Instead = seen => seen.IsStream() ? null
            : (seen.Path.Contains("/tasks/", StringComparison.Ordinal) ? Interlocked.Decrement(ref view) : Interlocked.Decrement(ref session)) > 0
                ? Answer.Problem(503, ProblemCodes.Unavailable)
                : null;
        Assert.Equal("succeeded", (await task.WaitForCompletionAsync(stop: Stop)).Outcome);
        Assert.True(session <= 0 && view <= 0);
    }

    [Fact]
    public async Task A_session_that_is_gone_ends_the_waits_with_the_refusal()
    {
        var script = new ScriptedSession();
        script.SetTask("t1", "running");
        using var client = script.Node.Client();
        var task = await client.Session("photos").FindTaskAsync("t1", Stop);
        script.Instead = _ => Answer.Problem(404, ProblemCodes.SessionNotFound);
        Assert.Equal(ProblemCodes.SessionNotFound, (await Assert.ThrowsAsync<BackhaulException>(() => task.WaitForCompletionAsync(stop: Stop))).Code);
    }

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    /// <summary>Bears the task's own view, and not what the stream says.</summary>
    private sealed class Thrower : IProgress<TaskProgress>
    {
        public void Report(TaskProgress value)
        {
            if (value.BytesReceived == 5)
                throw new InvalidOperationException("no bar");
        }
    }

    private sealed class Reports : IProgress<TaskProgress>
    {
        private readonly List<long> _bytes = [];

        public IReadOnlyList<long> Bytes
        {
            get
            {
                lock (_bytes)
                    return [.. _bytes];
            }
        }

        public void Report(TaskProgress value)
        {
            lock (_bytes)
                _bytes.Add(value.BytesReceived);
        }
    }
}

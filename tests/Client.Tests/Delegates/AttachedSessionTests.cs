using Backhaul.Client.Tests.Events;
using Backhaul.Protocol;
using Xunit;

namespace Backhaul.Client.Tests.Delegates;

public sealed class AttachedSessionTests
{
    private const string Ended = """{"outcome":"succeeded","bytesReceived":5,"bytesSent":0}""";

    [Fact]
    public async Task Each_type_of_event_has_its_method_and_its_data()
    {
        var script = new ScriptedSession { Preamble = Events.EventScript.Progress }
            .Add("sessionCreated", """{"generation":2}""")
            .Add("taskCreated", """{"kind":"download","url":"https://example.org/a","description":"d"}""", "t1")
            .Add("taskStarted", """{"attempt":1,"from":10}""", "t1")
            .Add("taskWaiting", """{"reason":"retry","nextEvaluationAt":"2027-01-01T00:00:00Z","error":{"code":"idleTimeout","message":"m"}}""", "t1")
            .Add("challenge", """{"attempt":1,"scheme":"basic","host":"h","port":80,"isProxy":false,"wasRefused":true,"count":1}""", "t1")
            .Add("delayedRequest", """{"attempt":2,"url":"https://example.org/a","until":"2027-01-01T00:00:00Z","default":"continue"}""", "t1")
            .Add("resumed", """{"attempt":2,"from":10,"total":20}""", "t1")
            .Add("restarted", """{"attempt":3,"generation":2,"why":"changed"}""", "t1")
            .Add("redirected", """{"attempt":3,"url":"https://example.org/b","status":302}""", "t1")
            .Add("expectationExceeded", """{"expectedBytes":3,"actualBytes":9}""", "t1")
            .Add("deadlineNear", """{"deadline":"2027-01-01T00:00:00Z","state":"running","bytesReceived":5,"bytesSent":0,"total":20,"eta":"PT7S"}""", "t1")
            .Add("rangesDownloaded", """{"ranges":[[0,5],[7,9]],"total":20}""", "t1")
            .Add("taskFinishedFile", """{"file":{"container":"default","path":"a","length":20}}""", "t1")
            .Add("taskCompleted", Ended, "t1")
            .Add("groupCompleted", """{"group":"g","succeeded":4}""")
            .Add("completionGroupFired", """{"group":"c","failed":2}""")
            .Add("fromALaterVersion", """{"x":1}""")
            .Add("eventsDrained")
            .Add("eventsExpired", """{"from":3,"through":9}""");
        var calls = await RunAsync(script, new RecordingDelegate(), 19);
        Assert.Equal(
        [
            "progress t1 5", "created 2", "task t1 download https://example.org/a d", "started 1 10", "waiting retry 2027 idleTimeout", "challenge basic h:80 True", "asked 2 continue 2027", "resumed 10/20",
            "restarted 2 changed", "redirected 302 https://example.org/b", "exceeded 9/3", "near 5/20 7", "ranges 0-5,7-9 of 20", "file a", "completed t1 succeeded 5", "group g 4", "fired c 2", "other fromALaterVersion", "drained 18", "expired 3-9",
        ], calls);
    }

    [Fact]
    public async Task A_client_that_came_too_late_for_some_events_is_told_which_and_gets_the_others()
    {
        var script = new ScriptedSession().Add("taskCompleted", Ended, "a").Add("taskCompleted", Ended, "b").Add("taskCompleted", Ended, "c")
            .Add("eventsExpired", """{"from":2,"through":3}""").Add("taskCompleted", Ended, "d");
        script.Instead = seen => seen.IsPage() && seen.After() == 0
            ? Answer.Json("""{"events":[{"number":4,"type":"eventsExpired","at":"2026-11-21T10:30:00Z","data":{"from":2,"through":3}}],"last":5,"acknowledged":3}""")
            : seen.IsStream() && seen.After() == 0
                ? Answer.Stream(new ScriptedStream(EventScript.Bytes("id: 1\ndata: {\"number\":1,\"type\":\"taskCompleted\",\"at\":\"2026-11-21T10:30:00Z\",\"task\":\"a\",\"data\":" + Ended + "}\n\n"), StreamEnd.Closed))
                : seen.Path.Contains("/events?", StringComparison.Ordinal) && seen.After() is > 0 and < 3 ? Answer.Problem(410, ProblemCodes.EventsExpired) : null;
        Assert.Equal(["completed a succeeded 5", "expired 2-3", "completed d succeeded 5"], await RunAsync(script, new RecordingDelegate(), 5));
        Assert.Equal(5, script.Acknowledged);
    }

    [Fact]
    public async Task A_drain_goes_on_behind_events_that_ended_meanwhile()
    {
        var script = new ScriptedSession();
        foreach (var task in new[] { "a", "b", "c", "d" })
            script.Add("taskCompleted", Ended, task);
        script.Add("eventsExpired", """{"from":3,"through":4}""");
        script.Instead = seen => seen.IsPage() && seen.After() == 2 ? Answer.Problem(410, ProblemCodes.EventsExpired)
            : seen.Method == "GET" && seen.Path.EndsWith("/photos", StringComparison.Ordinal) && script.Acknowledged == 2
                ? Answer.Json(Answer.Session.Replace("\"acknowledged\":0", "\"acknowledged\":4", StringComparison.Ordinal))
                : null;
        using var client = script.Node.Client();
        var to = new RecordingDelegate();
        Assert.Equal(3, await client.Session("photos").DrainAsync(to, stop: Stop));
        Assert.Equal(["completed a succeeded 5", "completed b succeeded 5", "expired 3-4"], to.Calls);
    }

    [Fact]
    public async Task A_handler_that_throws_is_called_again_and_nothing_overtakes_it()
    {
        var script = new ScriptedSession().Add("taskCompleted", Ended, "a").Add("taskCompleted", Ended, "b").Add("taskCompleted", Ended, "c");
        var failures = 3;
        var acknowledgedThen = new List<long>();
        var to = new RecordingDelegate
        {
            OnCompleted = (completed, _) => completed.Task == "b" && failures-- > 0 ? throw new InvalidOperationException("no") : default,
            OnFailed = _ => acknowledgedThen.Add(script.Acknowledged),
        };
        var calls = await RunAsync(script, to, 3);
        Assert.Equal(
        [
            "completed a succeeded 5", "completed b succeeded 5", "failed 2 1 0.75", "completed b succeeded 5", "failed 2 2 1.5", "completed b succeeded 5", "failed 2 3 3",
            "completed b succeeded 5", "completed c succeeded 5",
        ], calls);
        Assert.All(acknowledgedThen, number => Assert.True(number < 2, $"{number} was acknowledged before its handler returned"));
    }

    [Fact]
    public async Task The_wait_of_a_failing_handler_grows_to_its_limit_and_no_further()
    {
        var script = new ScriptedSession().Add("taskCompleted", Ended, "a");
        var failures = 40;
        var waits = new List<TimeSpan>();
        var to = new RecordingDelegate
        {
            OnCompleted = (_, _) => failures-- > 0 ? throw new InvalidOperationException("no") : default,
            OnFailed = failure => waits.Add(failure.Wait),
        };
        await RunAsync(script, to, 1, new AttachOptions { RetryFirst = TimeSpan.FromSeconds(2), RetryLongest = TimeSpan.FromSeconds(60) });
        Assert.Equal(40, waits.Count);
        Assert.Equal((TimeSpan.FromSeconds(1.5), TimeSpan.FromSeconds(45)), (waits[0], waits[^1]));
    }

    [Fact]
    public async Task While_a_handler_fails_the_session_says_so()
    {
        var script = new ScriptedSession().Add("taskCompleted", Ended, "a");
        using var client = script.Node.Client();
        var seen = new TaskCompletionSource();
        AttachedSession? attached = null;
        HandlerFailure? failureThen = null;
        var to = new RecordingDelegate
        {
            OnCompleted = async (_, stop) =>
            {
                await seen.Task.WaitAsync(stop);
                failureThen ??= attached!.Failure;
                if (failureThen is null)
                    throw new TimeoutException("first");
            },
        };
        attached = await client.CreateOrAttachAsync("photos", null, to, stop: Stop);
        await using (attached)
        {
            seen.SetResult();
            await Until.TrueAsync(() => script.Acknowledged == 1, Stop);
            Assert.Equal(("first", 1L), (failureThen!.Exception.Message, failureThen.Event.Number));
            Assert.Null(attached.Failure);
            Assert.Equal(1, attached.HandledThrough);
        }
    }

    [Fact]
    public async Task Stopping_lets_the_method_that_runs_finish_and_acknowledges_it()
    {
        var script = new ScriptedSession().Add("taskCompleted", Ended, "a").Add("taskCompleted", Ended, "b");
        using var client = script.Node.Client();
        var (begun, finish) = (new TaskCompletionSource(), new TaskCompletionSource());
        var to = new RecordingDelegate
        {
            OnCompleted = async (_, _) =>
            {
                begun.TrySetResult();
                await finish.Task;
            },
        };
        var attached = await client.CreateOrAttachAsync("photos", null, to, stop: Stop);
        await begun.Task.WaitAsync(Stop);
        var stopping = attached.StopAsync(Stop);
        Assert.False(stopping.IsCompleted);
        finish.SetResult();
        await stopping;
        Assert.True(attached.Completion.IsCompletedSuccessfully);
        Assert.Equal(["completed a succeeded 5"], to.Calls);
        Assert.Equal(1, script.Acknowledged);
        await attached.DisposeAsync();
    }

    [Fact]
    public async Task A_method_that_is_cancelled_in_a_hurry_is_not_acknowledged()
    {
        var script = new ScriptedSession().Add("taskCompleted", Ended, "a").Add("taskCompleted", Ended, "b");
        using var client = script.Node.Client();
        var begun = new TaskCompletionSource();
        var to = new RecordingDelegate
        {
            OnCompleted = async (completed, stop) =>
            {
                if (completed.Task == "a")
                    return;
                begun.TrySetResult();
                await Task.Delay(Timeout.Infinite, stop);
            },
        };
        var attached = await client.CreateOrAttachAsync("photos", null, to, stop: Stop);
        await begun.Task.WaitAsync(Stop);
        using var now = new CancellationTokenSource();
        await now.CancelAsync();
        await attached.StopAsync(now.Token);
        Assert.Equal(1, script.Acknowledged);
        await attached.DisposeAsync();
    }

    /// <summary>Either ended the attachment, and nobody heard of it: the events behind were never handed over.</summary>
    [Fact]
    public async Task A_notification_that_throws_ends_nothing_and_is_kept()
    {
        var script = new ScriptedSession { Preamble = Events.EventScript.Progress }.Add("taskCompleted", Ended, "a").Add("taskCompleted", Ended, "b");
        using var client = script.Node.Client();
        var failures = 1;
        HandlerFailure? failureThen = null;
        AttachedSession? attached = null;
        var known = new TaskCompletionSource();
        var to = new RecordingDelegate
        {
            OnProgress = _ => throw new InvalidOperationException("progress"),
            OnFailed = _ => throw new InvalidOperationException("failed"),
            OnCompleted = async (completed, stop) =>
            {
                await known.Task.WaitAsync(stop);
                failureThen ??= attached!.Failure;
                if (completed.Task == "b" && failures-- > 0)
                    throw new InvalidOperationException("method");
            },
        };
        attached = await client.CreateOrAttachAsync("photos", null, to, stop: Stop);
        await using (attached)
        {
            known.SetResult();
            await Until.TrueAsync(() => script.Acknowledged == 2, Stop);
            Assert.Equal("progress", attached.NotificationFailure!.Message);
            Assert.Equal(["method", "failed"], Assert.IsType<AggregateException>(failureThen!.Exception).InnerExceptions.Select(each => each.Message));
            Assert.Null(attached.Failure);
        }
    }

    /// <summary>It waited for itself.</summary>
    [Fact]
    public async Task A_method_may_stop_its_own_attachment_and_is_acknowledged()
    {
        var script = new ScriptedSession().Add("taskCompleted", Ended, "a").Add("taskCompleted", Ended, "b");
        using var client = script.Node.Client();
        var known = new TaskCompletionSource<AttachedSession>();
        var to = new RecordingDelegate { OnCompleted = async (_, stop) => await (await known.Task.WaitAsync(stop)).DisposeAsync() };
        var attached = await client.CreateOrAttachAsync("photos", null, to, stop: Stop);
        known.SetResult(attached);
        await attached.Completion.WaitAsync(Stop);
        Assert.Equal(["completed a succeeded 5"], to.Calls);
        Assert.Equal(1, script.Acknowledged);
    }

    [Fact]
    public async Task Stopping_and_disposing_again_changes_nothing()
    {
        using var client = new ScriptedSession().Node.Client();
        var attached = await client.CreateOrAttachAsync("photos", null, new RecordingDelegate(), stop: Stop);
        await Task.WhenAll(attached.StopAsync(Stop), attached.DisposeAsync().AsTask(), attached.StopAsync(Stop)).WaitAsync(Stop);
        await attached.DisposeAsync();
        await attached.StopAsync(Stop);
        Assert.True(attached.Completion.IsCompletedSuccessfully);
    }

    [Fact]
    public async Task An_attachment_ends_by_itself_when_all_is_drained_or_refused()
    {
        var script = new ScriptedSession().Add("taskCompleted", Ended, "a").Add("eventsDrained");
        using var client = script.Node.Client();
        await using (var drained = await client.CreateOrAttachAsync("photos", null, new RecordingDelegate(), new AttachOptions { StopWhenDrained = true }, Stop))
            await drained.Completion.WaitAsync(Stop);
        Assert.Equal(2, script.Acknowledged);
        script.Instead = seen => seen.Method == "GET" ? Answer.Problem(404, ProblemCodes.SessionNotFound) : null;
        await using var refused = await client.CreateOrAttachAsync("photos", null, new RecordingDelegate(), stop: Stop);
        Assert.Equal(ProblemCodes.SessionNotFound, (await Assert.ThrowsAsync<BackhaulException>(() => refused.Completion)).Code);
    }

    [Fact]
    public async Task Draining_handles_and_acknowledges_page_after_page()
    {
        var script = new ScriptedSession();
        foreach (var task in new[] { "a", "b", "c", "d", "e" })
            script.Add("taskCompleted", Ended, task);
        using var client = script.Node.Client();
        var to = new RecordingDelegate();
        Assert.Equal(5, await client.Session("photos").DrainAsync(to, stop: Stop));
        Assert.Equal(["a", "b", "c", "d", "e"], to.Calls.Select(call => call.Split(' ')[1]));
        Assert.Equal(5, script.Acknowledged);
        Assert.Equal(0, await client.Session("photos").DrainAsync(to, stop: Stop));
    }

    [Fact]
    public async Task A_drain_that_is_cancelled_acknowledges_what_was_handled()
    {
        var script = new ScriptedSession().Add("taskCompleted", Ended, "a").Add("taskCompleted", Ended, "b");
        using var client = script.Node.Client();
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Stop);
        var to = new RecordingDelegate
        {
            OnCompleted = (completed, _) =>
            {
                if (completed.Task != "b")
                    return default;
                stop.Cancel();
                throw new InvalidOperationException("no");
            },
        };
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => client.Session("photos").DrainAsync(to, stop: stop.Token));
        Assert.Equal(1, script.Acknowledged);
    }

    /// <summary>It was handled, and came again.</summary>
    [Fact]
    public async Task A_drain_that_is_cancelled_in_the_last_method_of_a_page_acknowledges_it()
    {
        var script = new ScriptedSession().Add("taskCompleted", Ended, "a").Add("taskCompleted", Ended, "b");
        using var client = script.Node.Client();
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Stop);
        var to = new RecordingDelegate
        {
            OnCompleted = (completed, _) =>
            {
                if (completed.Task == "b")
                    stop.Cancel();
                return default;
            },
        };
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => client.Session("photos").DrainAsync(to, stop: stop.Token));
        Assert.Equal(2, script.Acknowledged);
    }

    /// <summary>No other drained event follows when no task does.</summary>
    [Fact]
    public async Task An_attachment_ends_behind_a_drained_event_that_no_task_follows()
    {
        var script = new ScriptedSession().Add("taskCompleted", Ended, "a").Add("eventsDrained").Add("completionGroupFired", """{"group":"c","failed":2}""");
        using var client = script.Node.Client();
        await using var attached = await client.CreateOrAttachAsync("photos", null, new RecordingDelegate(), new AttachOptions { StopWhenDrained = true }, Stop);
        await attached.Completion.WaitAsync(TimeSpan.FromSeconds(60), Stop);
        Assert.Equal(3, script.Acknowledged);
    }

    [Fact]
    public void Options_that_make_no_sense_are_refused()
    {
        using var client = new BackhaulClient();
        var session = client.Session("photos");
        Assert.Throws<ArgumentException>(() => { _ = session.DrainAsync(new RecordingDelegate(), new AttachOptions { RetryFirst = TimeSpan.Zero }, Stop); });
        Assert.Throws<ArgumentException>(() => { _ = session.DrainAsync(new RecordingDelegate(), new AttachOptions { RetryLongest = TimeSpan.FromMilliseconds(1) }, Stop); });
    }

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    private static async Task<IReadOnlyList<string>> RunAsync(ScriptedSession script, RecordingDelegate to, long through, AttachOptions? options = null)
    {
        using var client = script.Node.Client();
        await using var attached = await client.CreateOrAttachAsync("photos", null, to, options, Stop);
        await Until.TrueAsync(() => script.Acknowledged == through, Stop);
        return to.Calls;
    }
}

using System.Text.Json;
using Backhaul.Node.Sessions;
using Backhaul.Protocol;
using Xunit;

namespace Backhaul.Node.Tests.Sessions;

public sealed class SessionRulesTests
{
    [Fact]
    public void Everything_but_open_is_refused_while_the_session_does_not_exist()
    {
        var session = new SessionHarness();
        Assert.Equal(ProblemCodes.SessionNotFound, session.Problem(new SessionCommand.AddTask(SessionHarness.Download())).Code);
        Assert.Equal(ProblemCodes.SessionNotFound, session.Problem(new SessionCommand.Acknowledge(0)).Code);
        Assert.Empty(session.History);
    }

    [Fact]
    public void Reattaching_with_the_same_configuration_changes_nothing()
    {
        var configuration = new SessionConfiguration { MaxConnectionsPerHost = 3, AdditionalHeaders = new Dictionary<string, string> { ["X-Trace"] = "a" } };
        var session = new SessionHarness().Opened(configuration);
        Assert.Equal(200, Assert.IsType<CommandReply.Done>(session.Do(new SessionCommand.Open(configuration))).Status);
        Assert.Equal(200, Assert.IsType<CommandReply.Done>(session.Do(new SessionCommand.Open(null))).Status);
        Assert.Single(session.History);
        session.AssertReplaysEqual();
    }

    [Fact]
    public void Another_configuration_is_a_new_version_for_later_tasks_only()
    {
        var session = new SessionHarness().Opened();
        var early = session.Add();
        session.Do(new SessionCommand.Open(new SessionConfiguration { RequestTimeout = TimeSpan.FromSeconds(5) }));
        var late = session.Add();
        Assert.Equal(1, session.Session.Tasks[early].ConfigurationVersion);
        Assert.Equal(2, session.Session.Tasks[late].ConfigurationVersion);
        Assert.Equal(TimeSpan.FromSeconds(60), session.Session.Configurations[1].RequestTimeout);
        session.AssertReplaysEqual();
    }

    [Fact]
    public void The_container_cannot_change() =>
        Assert.Equal(ProblemCodes.ImmutableField, new SessionHarness().Opened().Problem(new SessionCommand.Open(new SessionConfiguration { Container = "other" })).Code);

    [Fact]
    public void Event_numbers_run_without_gap_and_only_numbered_events_take_one()
    {
        var session = new SessionHarness().Opened();
        var id = session.Add();
        session.Report(id, session.Start(id), SessionHarness.Checkpoint(5));
        Assert.Equal(3, session.Session.Delivery.LastNumber); // sessionCreated, taskCreated, taskStarted; a checkpoint has none
    }

    [Fact]
    public void Acknowledging_is_cumulative_idempotent_and_never_ahead()
    {
        var session = new SessionHarness().Opened();
        session.Add();
        session.Do(new SessionCommand.Acknowledge(2));
        session.Do(new SessionCommand.Acknowledge(1));
        Assert.Equal(2, session.Session.Delivery.Acknowledged);
        Assert.Equal(ProblemCodes.FutureEvent, session.Problem(new SessionCommand.Acknowledge(3)).Code);
        Assert.Single(session.History.OfType<EventsAcknowledged>());
    }

    [Fact]
    public void Drained_follows_once_when_all_is_acknowledged_and_no_task_is_left()
    {
        var session = new SessionHarness().Opened();
        var id = session.Add();
        session.Report(id, session.Start(id), SessionHarness.Finished());
        session.Do(new SessionCommand.Acknowledge(session.Session.Delivery.LastNumber - 1));
        Assert.Empty(session.History.OfType<EventsDrained>());
        session.Do(new SessionCommand.Acknowledge(session.Session.Delivery.LastNumber));
        Assert.Single(session.History.OfType<EventsDrained>());
        session.Do(new SessionCommand.Acknowledge(session.Session.Delivery.LastNumber));
        Assert.Single(session.History.OfType<EventsDrained>());
        session.AssertReplaysEqual();
    }

    [Fact]
    public void A_temporary_file_is_kept_until_its_completion_is_acknowledged()
    {
        var session = new SessionHarness().Opened();
        var id = session.Add();
        session.Report(id, session.Start(id), SessionHarness.Finished());
        var completion = session.Session.Delivery.LastNumber;
        Assert.Equal([completion], session.Session.Delivery.Temporary.Keys);
        Assert.Empty(session.Session.Delivery.FreedBy(completion - 1));
        session.AssertReplaysEqual();
        session.Do(new SessionCommand.Acknowledge(completion));
        Assert.Empty(session.Session.Delivery.Temporary);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Ending_takes_no_more_tasks_and_the_last_event_is_sessionInvalidated(bool cancels)
    {
        var mode = cancels ? EndMode.Cancel : EndMode.Finish;
        var session = new SessionHarness().Opened();
        var (waiting, running) = (session.Add(), session.Add());
        var attempt = session.Start(running);
        session.Do(new SessionCommand.End(mode));
        session.Settle();
        Assert.Equal(ProblemCodes.SessionInvalidated, session.Problem(new SessionCommand.AddTask(SessionHarness.Download())).Code);
        Assert.Equal(ProblemCodes.SessionInvalidated, session.Problem(new SessionCommand.Open(null)).Code);
        if (mode is EndMode.Finish)
        {
            session.Report(running, attempt, SessionHarness.Finished());
            session.Report(waiting, session.Start(waiting), SessionHarness.Finished());
        }
        else
        {
            Assert.Equal(TaskOutcomes.Cancelled, session.View(waiting).Outcome);
            session.Report(running, attempt, SessionHarness.Stopped());
            Assert.Equal(TaskOutcomes.Cancelled, session.View(running).Outcome);
        }
        session.Settle();
        Assert.IsType<SessionInvalidated>(session.History[^1]);
        session.AssertReplaysEqual();
    }

    [Fact]
    public void An_invalidated_identifier_is_created_anew_as_a_new_generation_with_numbers_going_on()
    {
        var session = new SessionHarness().Opened();
        session.Do(new SessionCommand.End(EndMode.Cancel));
        session.Settle();
        var last = session.Session.Delivery.LastNumber;
        var created = JsonSerializer.Deserialize(Assert.IsType<CommandReply.Done>(session.Do(new SessionCommand.Open(null))).Json.Span, ProtocolJson.Default.SessionView)!;
        Assert.Equal((2, true, last + 1, 0), (created.Generation, created.Created, created.LastEvent, created.Acknowledged));
        Assert.Equal("t1", session.Add().ToString()); // the generation before had no task
        session.AssertReplaysEqual();
    }

    [Fact]
    public void Force_quit_cancels_the_tasks_of_that_moment_and_the_session_stays()
    {
        var session = new SessionHarness().Opened();
        var before = session.Add();
        session.Do(new SessionCommand.End(EndMode.ForceQuit));
        var after = session.Add();
        session.Settle();
        Assert.Equal(("forceQuit", TaskOutcomes.Cancelled), (session.View(before).Error!.Code, session.View(before).Outcome));
        Assert.Equal("waiting", session.View(after).State);
        Assert.Equal(SessionPhase.Active, session.Session.Phase);
        Assert.Null(session.Session.Ending);
        session.AssertReplaysEqual();
    }

    [Fact]
    public void The_ledger_is_bounded_by_count_bytes_and_age()
    {
        var ledger = new CommandLedger(3, 100, TimeSpan.FromHours(1));
        var start = new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);
        CommandAnswered Answer(int n, int bytes, DateTimeOffset at) => new(new Guid(n, 0, 0, new byte[8]), 7, 201, new byte[bytes], at);
        for (var n = 1; n <= 4; n++)
            ledger.Add(Answer(n, 10, start));
        Assert.False(ledger.TryFind(new Guid(1, 0, 0, new byte[8]), start, out _));
        Assert.True(ledger.TryFind(new Guid(4, 0, 0, new byte[8]), start, out _));
        Assert.False(ledger.TryFind(new Guid(4, 0, 0, new byte[8]), start.AddHours(2), out _));
        ledger.Add(Answer(5, 95, start));
        Assert.Single(ledger.Entries);
    }
}

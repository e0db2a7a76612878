using System.Text.Json;
using Backhaul.Node.Sessions;
using Backhaul.Protocol;
using FsCheck;
using FsCheck.Fluent;
using Xunit;

namespace Backhaul.Node.Tests.Sessions;

public sealed class CompletionGroupTests
{
    private static readonly GroupName Batch = GroupName.Parse("batch");

    private readonly SessionHarness _session = new SessionHarness().Opened();

    [Fact]
    public void An_enabled_group_fires_once_when_its_last_task_ended_with_their_outcomes()
    {
        Assert.Equal((201, "open"), Ask(new SessionCommand.OpenCompletionGroup(Batch)));
        var (good, bad, late) = (Add(), Add(), Add());
        End(good);
        _session.Settle();
        Assert.Equal((200, "open"), Ask(new SessionCommand.OpenCompletionGroup(Batch)));
        Assert.Equal((200, "enabled"), Ask(new SessionCommand.EnableCompletionGroup(Batch)));
        Assert.Equal((200, "enabled"), Ask(new SessionCommand.EnableCompletionGroup(Batch)));
        _session.Report(bad, _session.Start(bad), SessionHarness.Failed(retryable: false));
        _session.Settle();
        Assert.Empty(Fired());
        _session.Do(new SessionCommand.CancelTask(late));
        _session.Settle();
        Assert.Equal(new EndedCounts(1, 1, 1, 0), Assert.Single(Fired()).Counts);
        _session.Settle();
        Assert.Single(Fired());
        Assert.Equal("completionGroupFired", EventViews.TypeOf(_session.History[^1]));
        _session.AssertReplaysEqual();
    }

    [Fact]
    public void An_empty_group_fires_at_once()
    {
        _session.Do(new SessionCommand.OpenCompletionGroup(Batch));
        Assert.Equal((200, "fired"), Ask(new SessionCommand.EnableCompletionGroup(Batch)));
        Assert.Equal(EndedCounts.None, Assert.Single(Fired()).Counts);
    }

    [Fact]
    public void A_group_whose_tasks_ended_before_it_was_enabled_fires_with_it()
    {
        End(Add());
        Assert.Equal((200, "fired"), Ask(new SessionCommand.EnableCompletionGroup(Batch)));
        Assert.Equal(1, Assert.Single(Fired()).Counts.Succeeded);
    }

    [Fact]
    public void An_enabled_group_takes_no_more_tasks_but_repetitions_are_answered()
    {
        var own = SessionHarness.Download("own") with { CompletionGroup = Batch };
        _session.Do(new SessionCommand.AddTask(own));
        _session.Do(new SessionCommand.EnableCompletionGroup(Batch));
        var problem = _session.Problem(new SessionCommand.AddTask(SessionHarness.Download() with { CompletionGroup = Batch }));
        Assert.Equal((409, ProblemCodes.CompletionGroupClosed, "completionGroup"), (problem.Status, problem.Code, problem.Field));
        Assert.Equal(200, Assert.IsType<CommandReply.Done>(_session.Do(new SessionCommand.AddTask(own))).Status);
        var reply = Assert.IsType<CommandReply.Done>(_session.Do(new SessionCommand.AddTasks(
        [
            new BatchEntry(0, SessionHarness.Download() with { CompletionGroup = Batch }, null),
            new BatchEntry(1, SessionHarness.Download(), null),
        ])));
        Assert.Equal([409, 201], JsonSerializer.Deserialize(reply.Json.Span, ProtocolJson.Default.IReadOnlyListTaskResult)!.Select(result => result.Status));
    }

    [Fact]
    public void A_fired_group_is_forgotten_when_its_event_is_acknowledged_and_its_name_is_free()
    {
        End(Add());
        _session.Do(new SessionCommand.EnableCompletionGroup(Batch));
        _session.Do(new SessionCommand.Acknowledge(_session.Session.Delivery.LastNumber - 1));
        Assert.Equal((200, "fired"), Ask(new SessionCommand.OpenCompletionGroup(Batch)));
        _session.AssertReplaysEqual();
        _session.Do(new SessionCommand.Acknowledge(_session.Session.Delivery.LastNumber));
        Assert.Equal(ProblemCodes.GroupNotFound, _session.Problem(new SessionCommand.EnableCompletionGroup(Batch)).Code);
        Assert.Equal((201, "open"), Ask(new SessionCommand.OpenCompletionGroup(Batch)));
        _session.AssertReplaysEqual();
    }

    [Fact]
    public void It_fires_before_the_session_is_invalidated()
    {
        Add();
        _session.Do(new SessionCommand.EnableCompletionGroup(Batch));
        _session.Do(new SessionCommand.End(EndMode.Cancel));
        _session.Settle();
        Assert.Equal(["completionGroupFired", "sessionInvalidated"], _session.History.Where(SessionEvent.Codec.IsNumbered).TakeLast(2).Select(EventViews.TypeOf));
    }

    [Fact]
    public void Their_number_has_a_limit()
    {
        var session = new SessionHarness(new SessionOptions { GroupsMax = 1 }).Opened();
        session.Do(new SessionCommand.OpenCompletionGroup(Batch));
        Assert.Equal(ProblemCodes.SessionLimit, session.Problem(new SessionCommand.OpenCompletionGroup(GroupName.Parse("other"))).Code);
        Assert.Equal(ProblemCodes.SessionLimit, session.Problem(new SessionCommand.AddTask(SessionHarness.Download() with { CompletionGroup = GroupName.Parse("other") })).Code);
    }

    [Fact]
    public void Fired_groups_whose_events_ended_with_their_retention_are_forgotten_too()
    {
        var session = new SessionHarness(new SessionOptions { GroupsMax = 3 }).Opened();
        for (var n = 1; n <= 3; n++)
        {
            session.Do(new SessionCommand.OpenCompletionGroup(GroupName.Parse($"day-{n}")));
            session.Do(new SessionCommand.EnableCompletionGroup(GroupName.Parse($"day-{n}")));
        }
        Assert.Equal(ProblemCodes.SessionLimit, session.Problem(new SessionCommand.OpenCompletionGroup(Batch)).Code);
        var before = SessionSnapshot.Of(session.Session);
        session.Apply([new EventsExpired(1, session.Session.Delivery.LastNumber, session.Now)]);
        Assert.Equal(0, session.Session.Completions.Count);
        session.Do(new SessionCommand.AddTask(SessionHarness.Download() with { CompletionGroup = GroupName.Parse("day-1") }));
        Assert.Equal(201, Assert.IsType<CommandReply.Done>(session.Do(new SessionCommand.OpenCompletionGroup(Batch))).Status);
        session.AssertReplaysEqual();

        // A snapshot of a release that kept them: they count as acknowledged since.
        var restored = new Session(SessionHarness.Key, new SessionOptions());
        restored.Restore(before with { Acknowledged = before.LastNumber });
        Assert.Equal(0, restored.Completions.Count);
    }

    /// <summary>Whatever happens, each group that was enabled and has no task left has fired once for each time it was begun, with all of its ends counted.</summary>
    [Fact]
    public void In_any_history_a_group_fires_exactly_once_for_each_life_of_its_name() =>
        Prop.ForAll<int[]>(steps =>
        {
            var session = new SessionHarness().Opened();
            foreach (var step in steps)
                Step(session, step == int.MinValue ? 0 : Math.Abs(step));
            session.Settle();
            session.AssertReplaysEqual();
            var specs = session.History.OfType<TaskCreated>().ToDictionary(created => created.Task, created => created.Spec.CompletionGroup);
            Dictionary<GroupName, (bool Enabled, int Left, long Ended)> now = [];
            foreach (var happened in session.History)
            {
                switch (happened)
                {
                    case TaskCreated { Spec.CompletionGroup: { } name }:
                        var (enabled, left, ended) = now.GetValueOrDefault(name);
                        Assert.False(enabled);
                        now[name] = (enabled, left + 1, ended);
                        break;
                    case TaskCompleted completed when specs[completed.Task] is { } name:
                        now[name] = now[name] with { Left = now[name].Left - 1, Ended = now[name].Ended + 1 };
                        break;
                    case CompletionEnabled { Group: var name }:
                        now[name] = now.GetValueOrDefault(name) with { Enabled = true };
                        break;
                    case CompletionFired fired:
                        Assert.Equal((true, 0, fired.Counts.Total), now[fired.Group]);
                        now.Remove(fired.Group);
                        break;
                }
            }
            Assert.DoesNotContain(now.Values, group => group is { Enabled: true, Left: 0 });
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(300).WithEndSize(80));

    private static void Step(SessionHarness session, int choice)
    {
        var live = session.Session.Tasks.After(0).ToList();
        var argument = choice / 8;
        var name = GroupName.Parse($"g{argument % 3}");
        var task = live.Count > 0 ? live[argument % live.Count] : null;
        switch (choice % 8)
        {
            case 0 or 1 or 2:
                session.Do(new SessionCommand.AddTask(SessionHarness.Download() with { CompletionGroup = name }));
                break;
            case 3 when task is { Phase: TaskPhase.Waiting, IsActive: false }:
                session.Report(task.Id, session.Start(task.Id), SessionHarness.Finished());
                break;
            case 4 when task is not null:
                session.Do(new SessionCommand.CancelTask(task.Id));
                break;
            case 5:
                session.Do(new SessionCommand.EnableCompletionGroup(name));
                break;
            case 6:
                session.Settle();
                break;
            case 7:
                session.Do(new SessionCommand.Acknowledge(argument % (session.Session.Delivery.LastNumber + 1)));
                break;
        }
    }

    private TaskId Add() => _session.Add(SessionHarness.Download() with { CompletionGroup = Batch });

    private void End(TaskId id) => _session.Report(id, _session.Start(id), SessionHarness.Finished());

    private IEnumerable<CompletionFired> Fired() => _session.History.OfType<CompletionFired>();

    private (int Status, string State) Ask(SessionCommand command)
    {
        var done = Assert.IsType<CommandReply.Done>(_session.Do(command));
        return (done.Status, JsonSerializer.Deserialize(done.Json.Span, ProtocolJson.Default.CompletionGroupView)!.State);
    }
}

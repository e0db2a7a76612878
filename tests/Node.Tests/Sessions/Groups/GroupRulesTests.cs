using System.Text.Json;
using Backhaul.Node.Sessions;
using Backhaul.Protocol;
using Xunit;

namespace Backhaul.Node.Tests.Sessions;

public sealed class GroupRulesTests
{
    private static readonly GroupName Seasons = GroupName.Parse("seasons");

    private readonly SessionHarness _session = new SessionHarness().Opened();

    [Fact]
    public void A_group_begins_with_its_first_task_or_by_name_and_is_returned_when_it_exists()
    {
        Assert.Equal(ProblemCodes.GroupNotFound, _session.Problem(new SessionCommand.ActOnGroup(Seasons, GroupAct.Suspend)).Code);
        Add();
        var view = Put(null);
        Assert.Equal((200, "parallel", 1L), (view.Status, view.Group.Mode, view.Group.Counts.Waiting));
        Assert.Equal((200, "serialized"), (Put(GroupMode.Serialized).Status, Put(null).Group.Mode));
        Assert.Equal(201, Status(new SessionCommand.PutGroup(GroupName.Parse("other"), null)));
        Assert.Equal(2, _session.Session.Groups.Count);
        _session.AssertReplaysEqual();
    }

    [Fact]
    public void A_serialized_group_runs_one_task_at_a_time_in_order()
    {
        Put(GroupMode.Serialized);
        var (first, second, urgent) = (Add(), Add(url: "https://other.example/b"), Add(priority: 1));
        Assert.Equal(urgent, Offered());
        Assert.Equal(("waiting", "groupOrder"), (_session.View(second).State, _session.View(second).Reason));
        Assert.Contains($"task {urgent} is before it", Why(second), StringComparison.Ordinal);
        Run(urgent);
        Assert.Equal(first, Offered());
        var attempt = _session.Start(first);
        Assert.Null(Offered());
        Assert.Equal("groupOrder", _session.View(second).Reason);
        _session.Report(first, attempt, SessionHarness.Finished());
        Assert.Equal(second, Offered());
        _session.AssertReplaysEqual();
    }

    [Fact]
    public void A_task_that_is_tried_again_keeps_its_turn_and_one_that_is_suspended_gives_it_up()
    {
        Put(GroupMode.Serialized);
        var (first, second) = (Add(), Add());
        _session.Report(first, _session.Start(first), SessionHarness.Failed());
        Assert.Null(Offered());
        Assert.Equal("retry", _session.View(first).Reason);
        _session.Do(new SessionCommand.SuspendTask(first));
        Assert.Equal(second, Offered());
        _session.Do(new SessionCommand.ResumeTask(first));
        Assert.Equal(first, Offered());
        _session.Report(first, _session.Start(first), SessionHarness.Challenged());
        Assert.Equal(second, Offered()); // it waits for its client, who may never come
        _session.AssertReplaysEqual();
    }

    [Fact]
    public void An_earliest_begin_does_not_hold_up_the_tasks_behind_it()
    {
        Put(GroupMode.Serialized);
        _session.Add(SessionHarness.Download() with { Group = Seasons, EarliestBeginAt = _session.Now.AddHours(1) });
        Assert.Equal(Add(), Offered());
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void A_task_made_current_goes_first_then_those_after_it_then_those_before(bool serialized)
    {
        Put(serialized ? GroupMode.Serialized : GroupMode.Parallel);
        var ids = Enumerable.Range(0, 5).Select(_ => Add()).ToList();
        var view = _session.Task(new SessionCommand.MakeCurrent(ids[2]));
        Assert.Equal(ids[2].ToString(), view.Id);
        var late = Add();
        List<TaskId> order = [];
        while (Offered() is { } next)
        {
            order.Add(next);
            Run(next);
        }
        Assert.Equal([ids[2], ids[3], ids[4], late, ids[0], ids[1]], order);
        _session.AssertReplaysEqual();
    }

    [Fact]
    public void Making_current_changes_places_inside_the_group_only()
    {
        var (member, other, later) = (Add(), _session.Add(), Add());
        _session.Do(new SessionCommand.MakeCurrent(later));
        Assert.Equal(later, Offered()); // in the place of the group's oldest
        Run(later);
        Assert.Equal(member, Offered());
        Run(member);
        Assert.Equal(other, Offered());
        Assert.Equal(ProblemCodes.NoGroup, _session.Problem(new SessionCommand.MakeCurrent(other)).Code);
        Assert.Equal(ProblemCodes.TaskEnded, _session.Problem(new SessionCommand.MakeCurrent(member)).Code);
    }

    [Fact]
    public void The_mode_changes_while_tasks_wait_and_run()
    {
        var ids = Enumerable.Range(0, 4).Select(_ => Add()).ToList();
        var (one, two) = (_session.Start(ids[0]), _session.Start(ids[1]));
        Put(GroupMode.Serialized);
        Assert.Null(Offered());
        _session.Report(ids[0], one, SessionHarness.Finished());
        Assert.Null(Offered());
        _session.Report(ids[1], two, SessionHarness.Finished());
        Assert.Equal(ids[2], Offered());
        Put(GroupMode.Parallel);
        _session.Start(ids[2]);
        Assert.Equal(ids[3], Offered());
        _session.AssertReplaysEqual();
    }

    [Fact]
    public void All_tasks_of_a_group_are_suspended_resumed_and_cancelled_however_many_they_are()
    {
        var ids = Enumerable.Range(0, 50).Select(_ => Add()).ToList();
        var apart = _session.Add();
        var attempt = _session.Start(ids[0]);
        Act(GroupAct.Suspend);
        Assert.Equal((50L, 0L), (Counts().Suspended, Counts().Waiting));
        _session.Report(ids[0], attempt, SessionHarness.Stopped());
        Assert.Equal("waiting", _session.View(apart).State);
        Act(GroupAct.Resume);
        Assert.Equal((0L, 50L), (Counts().Suspended, Counts().Waiting));
        var later = _session.Start(ids[3]);
        Act(GroupAct.Cancel);
        Assert.Equal((1L, 49L), (Counts().Canceling, Counts().Cancelled));
        Assert.DoesNotContain(_session.History, happened => happened is GroupCompleted);
        _session.Report(ids[3], later, SessionHarness.Stopped());
        _session.Settle();
        Assert.Equal(50, Assert.Single(_session.History.OfType<GroupCompleted>()).Counts.Cancelled);
        _session.AssertReplaysEqual();
    }

    [Fact]
    public void While_one_act_is_carried_out_another_is_busy_and_tasks_created_meanwhile_are_not_concerned()
    {
        for (var n = 0; n < 40; n++)
            Add();
        _session.Do(new SessionCommand.ActOnGroup(Seasons, GroupAct.Cancel)); // its first step only
        Assert.Equal(ProblemCodes.Busy, _session.Problem(new SessionCommand.ActOnGroup(Seasons, GroupAct.Resume)).Code);
        Assert.True(_session.Session.HasWork);
        var late = Add();
        _session.AssertReplaysEqual();
        _session.Settle();
        Assert.Equal("waiting", _session.View(late).State);
        Assert.Equal(1, _session.Session.Tasks.Count);
    }

    [Fact]
    public void A_group_says_once_that_all_its_tasks_ended_with_their_outcomes()
    {
        var (good, bad) = (Add(), Add());
        Run(good);
        _session.Settle();
        Assert.DoesNotContain(_session.History, happened => happened is GroupCompleted);
        _session.Report(bad, _session.Start(bad), SessionHarness.Failed(retryable: false));
        _session.Settle();
        var completed = Assert.IsType<GroupCompleted>(_session.History[^1]);
        Assert.Equal(new EndedCounts(1, 1, 0, 0), completed.Counts);
        Assert.Equal("""{"group":"seasons","succeeded":1,"failed":1,"cancelled":0,"expired":0}""", EventViews.View(Row(completed), completed).Data.GetRawText());
        Assert.Equal(0, _session.Session.Groups.Count); // nobody created it by name
        Run(Add());
        _session.Settle();
        Assert.Equal(new EndedCounts(1, 0, 0, 0), Assert.IsType<GroupCompleted>(_session.History[^1]).Counts);
        _session.AssertReplaysEqual();
    }

    [Fact]
    public void A_group_created_by_name_stays()
    {
        Put(GroupMode.Serialized);
        Run(Add());
        _session.Settle();
        Assert.Equal("serialized", Put(null).Group.Mode);
        _session.AssertReplaysEqual();
    }

    [Fact]
    public void The_last_group_completes_before_the_session_is_invalidated()
    {
        Add();
        _session.Do(new SessionCommand.End(EndMode.Cancel));
        _session.Settle();
        Assert.Equal(["groupCompleted", "sessionInvalidated"], _session.History.Where(SessionEvent.Codec.IsNumbered).TakeLast(2).Select(EventViews.TypeOf));
        Assert.Equal(ProblemCodes.SessionInvalidated, _session.Problem(new SessionCommand.PutGroup(Seasons, null)).Code);
    }

    [Fact]
    public void The_number_of_groups_has_a_limit()
    {
        var session = new SessionHarness(new SessionOptions { GroupsMax = 2 }).Opened();
        session.Add(SessionHarness.Download() with { Group = Seasons });
        var entries = new[] { "a", "a", "b" }.Select((name, n) => new BatchEntry(n, SessionHarness.Download() with { Group = GroupName.Parse(name) }, null));
        var reply = Assert.IsType<CommandReply.Done>(session.Do(new SessionCommand.AddTasks([.. entries])));
        Assert.Equal([201, 201, 429], JsonSerializer.Deserialize(reply.Json.Span, ProtocolJson.Default.IReadOnlyListTaskResult)!.Select(result => result.Status));
        Assert.Equal(ProblemCodes.SessionLimit, session.Problem(new SessionCommand.AddTask(SessionHarness.Download() with { Group = GroupName.Parse("c") })).Code);
        Assert.Equal(ProblemCodes.SessionLimit, session.Problem(new SessionCommand.PutGroup(GroupName.Parse("c"), null)).Code);
        session.Add(SessionHarness.Download() with { Group = Seasons });
    }

    [Fact]
    public void Groups_are_listed_by_name_a_page_at_a_time()
    {
        foreach (var name in new[] { "b", "a", "c" })
            _session.Do(new SessionCommand.PutGroup(GroupName.Parse(name), null));
        var page = GroupViews.Page(_session.Session.Groups, null, 2);
        Assert.Equal(["a", "b"], page.Items.Select(group => group.Name));
        Assert.True(GroupCursor.TryParse(page.Next!, out var after));
        var last = GroupViews.Page(_session.Session.Groups, after.ToString(), 2);
        Assert.Equal("c", Assert.Single(last.Items).Name);
        Assert.Null(last.Next);
    }

    private TaskId Add(double priority = 0.5, string url = "https://origin.example/a") => _session.Add(SessionHarness.Download(url: url) with { Group = Seasons, Priority = priority });

    private void Run(TaskId id) => _session.Report(id, _session.Start(id), SessionHarness.Finished());

    private TaskId? Offered()
    {
        _session.Session.Tasks.Promote(_session.Now);
        return _session.Session.Tasks.Ready.TryPeek(100, new HashSet<string>(StringComparer.Ordinal), out var id, out _) ? id : null;
    }

    private void Act(GroupAct act)
    {
        Assert.Equal(202, Status(new SessionCommand.ActOnGroup(Seasons, act)));
        _session.Settle();
    }

    private TaskCounts Counts() => GroupViews.View(_session.Session.Groups[Seasons]).Counts;

    private (int Status, GroupView Group) Put(GroupMode? mode)
    {
        var done = Assert.IsType<CommandReply.Done>(_session.Do(new SessionCommand.PutGroup(Seasons, mode)));
        return (done.Status, JsonSerializer.Deserialize(done.Json.Span, ProtocolJson.Default.GroupView)!);
    }

    private int Status(SessionCommand command) => Assert.IsType<CommandReply.Done>(_session.Do(command)).Status;

    private string Why(TaskId id) => TaskViews.Why(_session.Session.Tasks[id], _session.Session, _session.Conditions()).Sentence;

    private Backhaul.Node.Journal.JournalRow Row(SessionEvent happened) => new(1, 1, SessionEvent.Codec.Encode(happened).Name, default, _session.Session.Delivery.LastNumber, null, _session.Now);
}

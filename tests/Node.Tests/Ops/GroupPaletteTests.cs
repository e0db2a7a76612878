using Backhaul.Node.Sessions;
using Backhaul.Protocol;
using Xunit;
using static Backhaul.Node.Tests.Ops.PaletteCalls;

namespace Backhaul.Node.Tests.Ops;

public sealed class GroupPaletteTests
{
    [Fact]
    public async Task The_tasks_of_a_group_are_suspended_and_resumed_together()
    {
        await using var host = await OpsHost.StartAsync();
        var view = new GroupView { Name = "films", Mode = "serialized", Counts = Views.Session().Counts with { Suspended = 3, Waiting = 0, Running = 0 }, Next = "t1" };
        host.Router.Answer = (_, _) => ScriptedRouter.Done(view, ProtocolJson.Default.GroupView, 202);
        var (lines, _, exit) = await RunAsync(host, "group", "suspend", "photos", "films", "--tenant", "acme", "--reason", "their server is full");
        Assert.Equal(0, exit);
        Assert.Matches(@"^films +\| serialized +\| 3 +\| 0 +\| 0 +\| 0 +\| t1$", lines[1]);
        Assert.Equal("Count: 3 tasks", lines[^1]);
        Assert.Equal(0, (await RunAsync(host, "group", "resume", "photos", "films", "--reason", "it is not any more")).Exit);
        Assert.Equal(2, (await RunAsync(host, "group", "resume", "photos", "a b", "--reason", "x")).Exit);
        var group = GroupName.Parse("films");
        Assert.Equal(
        [
            (SessionKey.Parse("acme/photos"), new SessionCommand.ActOnGroup(group, GroupAct.Suspend)), (SessionKey.Parse("default/photos"), new SessionCommand.ActOnGroup(group, GroupAct.Resume)),
        ],
        host.Router.Seen.Select(seen => (seen.Session, (SessionCommand.ActOnGroup)seen.Command)));
        Assert.Contains("their server is full", host.AuditText, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Tasks_that_have_not_ended_are_listed_by_one_word()
    {
        await using var host = await OpsHost.StartAsync();
        host.Router.Answer = static (_, _) => ScriptedRouter.Done(new Page<TaskView> { Items = [Views.Task()], Next = null }, ProtocolJson.Default.PageTaskView);
        Assert.Equal(0, (await RunAsync(host, "task", "list", "photos", "--state", "live")).Exit);
        Assert.Equal("live", Assert.IsType<SessionCommand.ListTasks>(host.Router.Seen.Single().Command).State);
    }
}

using Backhaul.Node.Sessions;
using Backhaul.Protocol;
using Xunit;

namespace Backhaul.Node.Tests.Api;

public sealed class GroupEndpointsTests(EdgeFixture edge) : IClassFixture<EdgeFixture>
{
    private const string Groups = "/v1/sessions/a/groups";

    private readonly EdgeHost _host = edge.Fresh;

    [Fact]
    public async Task Each_call_is_one_command()
    {
        var name = GroupName.Parse("a:b~c");
        const string One = Groups + "/a%3Ab~c";
        await _host.SendAsync("PUT", One, """{"mode":"serialized"}""");
        await _host.SendAsync("PUT", One, "{}");
        await _host.SendAsync("PUT", One);
        await _host.SendAsync("GET", One);
        await _host.SendAsync("GET", Groups + "?limit=7");
        await _host.SendAsync("GET", $"{Groups}?cursor={GroupCursor.Of(name)}");
        await _host.SendAsync("POST", One + "/suspend");
        await _host.SendAsync("POST", One + "/resume");
        await _host.SendAsync("POST", One + "/cancel");
        await _host.SendAsync("POST", "/v1/sessions/a/tasks/t1/make-current");
        await _host.SendAsync("GET", "/v1/sessions/a/tasks?group=a%3Ab~c");
        Assert.Equal<SessionCommand>(
        [
            new SessionCommand.PutGroup(name, GroupMode.Serialized),
            new SessionCommand.PutGroup(name, null),
            new SessionCommand.PutGroup(name, null),
            new SessionCommand.GetGroup(name),
            new SessionCommand.ListGroups(null, 7),
            new SessionCommand.ListGroups(name, 100),
            new SessionCommand.ActOnGroup(name, GroupAct.Suspend),
            new SessionCommand.ActOnGroup(name, GroupAct.Resume),
            new SessionCommand.ActOnGroup(name, GroupAct.Cancel),
            new SessionCommand.MakeCurrent(TaskId.Parse("t1")),
            new SessionCommand.ListTasks(null, null, 0, 100, name),
        ],
        _host.Router.Calls.Select(call => call.Command));
    }

    [Fact]
    public async Task Completion_groups_are_created_looked_at_and_enabled()
    {
        var name = GroupName.Parse("c");
        const string One = "/v1/sessions/a/completion-groups/c";
        await _host.SendAsync("PUT", One);
        await _host.SendAsync("PUT", One, "{}");
        await _host.SendAsync("GET", One);
        await _host.SendAsync("POST", One + "/enable");
        await _host.SendAsync("GET", "/v1/sessions/a/tasks?completionGroup=c");
        Assert.Equal<SessionCommand>(
        [
            new SessionCommand.OpenCompletionGroup(name), new SessionCommand.OpenCompletionGroup(name),
            new SessionCommand.GetCompletionGroup(name), new SessionCommand.EnableCompletionGroup(name),
            new SessionCommand.ListTasks(null, null, 0, 100, CompletionGroup: name),
        ],
        _host.Router.Calls.Select(call => call.Command));
    }

    [Fact]
    public async Task A_new_group_has_a_location()
    {
        _host.Router.Answer = static (_, _) => new(FakeRouter.Done(201, "{}"));
        var answer = await _host.SendAsync("PUT", Groups + "/g", """{"mode":"parallel"}""");
        Assert.Equal((201, Groups + "/g"), (answer.Status, answer.Header("Location")));
    }

    [Theory]
    [InlineData("PUT", Groups + "/a%20b", null, "invalidIdentifier", null)]
    [InlineData("PUT", Groups + "/g", """{"mode":"both"}""", "invalidField", "mode")]
    [InlineData("PUT", Groups + "/g", """{"mode":1}""", "invalidField", "mode")]
    [InlineData("PUT", Groups + "/g", """{"order":1}""", "unknownField", "order")]
    [InlineData("PUT", Groups + "/g", "[]", "invalidJson", null)]
    [InlineData("PUT", "/v1/sessions/a/completion-groups/a%20b", null, "invalidIdentifier", null)]
    [InlineData("PUT", "/v1/sessions/a/completion-groups/c", """{"mode":"parallel"}""", "invalidRequest", null)]
    [InlineData("POST", "/v1/sessions/a/completion-groups/a%20b/enable", null, "invalidIdentifier", null)]
    [InlineData("GET", Groups + "/a%20b", null, "invalidIdentifier", null)]
    [InlineData("GET", Groups + "?cursor=zz", null, "invalidCursor", "cursor")]
    [InlineData("GET", Groups + "?limit=0", null, "invalidField", "limit")]
    [InlineData("POST", Groups + "/a%20b/cancel", null, "invalidIdentifier", null)]
    [InlineData("POST", Groups + "/g/cancel", """{"why":1}""", "invalidRequest", null)]
    public async Task A_bad_call_is_a_problem_and_changes_nothing(string method, string path, string? body, string code, string? field)
    {
        var answer = await _host.SendAsync(method, path, body);
        Assert.Equal((400, code, field), (answer.Status, answer.Code, answer.Field));
        Assert.Empty(_host.Router.Calls);
    }
}

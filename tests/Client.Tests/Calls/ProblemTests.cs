using Backhaul.Protocol;
using Xunit;

namespace Backhaul.Client.Tests.Calls;

public sealed class ProblemTests
{
    [Fact]
    public async Task A_problem_document_becomes_the_exception()
    {
        using var node = new FakeNode((_, _) => Answer.Json(
            """{"type":"about:blank","title":"Bad Request","status":400,"code":"invalidUrl","detail":"Give an absolute URL.","field":"url","later":[1]}""",
            400, "application/problem+json"));
        using var client = node.Client();
        var refused = await Assert.ThrowsAsync<BackhaulException>(() => client.Session("photos").AddTaskAsync(new TaskRequest(), stop: Stop));
        Assert.Equal((400, ProblemCodes.InvalidUrl, "Give an absolute URL.", "url"), (refused.Status, refused.Code, refused.Detail, refused.Field));
        Assert.Equal("Give an absolute URL. [invalidUrl, url]", refused.Message);
        Assert.False(refused.IsTransient);
    }

    [Theory]
    [InlineData("text/html", "<html>Bad Gateway</html>")]
    [InlineData("application/json", "[]")]
    [InlineData("application/json", "{\"error\":\"nope\"}")]
    [InlineData("application/problem+json", "{")]
    [InlineData("application/problem+json", "null")]
    public async Task An_answer_of_somebody_else_says_so_and_keeps_its_status(string type, string body)
    {
        using var node = new FakeNode((_, _) => Answer.Json(body, 403, type));
        using var client = node.Client();
        var refused = await Assert.ThrowsAsync<BackhaulException>(() => client.Session("photos").GetAsync(Stop));
        Assert.Equal((403, ClientCodes.UnexpectedAnswer), (refused.Status, refused.Code));
        Assert.Contains("node-a:5080", refused.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_huge_error_page_is_not_read_to_its_end()
    {
        using var node = new FakeNode((_, _) => Answer.Json(new string(' ', 10_000_000), 400, "application/problem+json"));
        using var client = node.Client();
        Assert.Equal(ClientCodes.UnexpectedAnswer, (await Assert.ThrowsAsync<BackhaulException>(() => client.Session("photos").GetAsync(Stop))).Code);
    }

    [Theory]
    [InlineData("null")]
    [InlineData("{}")]
    [InlineData("<html/>")]
    public async Task A_good_status_with_another_body_is_not_taken_for_an_answer(string body)
    {
        using var node = new FakeNode((_, _) => Answer.Json(body));
        using var client = node.Client();
        var refused = await Assert.ThrowsAsync<BackhaulException>(() => client.Session("photos").GetAsync(Stop));
        Assert.Equal((200, ClientCodes.UnexpectedAnswer), (refused.Status, refused.Code));
        Assert.Single(node.Seen);
    }

    private static CancellationToken Stop => TestContext.Current.CancellationToken;
}

using System.Text;
using Backhaul.Node.Api;
using Xunit;

namespace Backhaul.Node.Tests.Api;

public sealed class BulkAnswersTests
{
    [Fact]
    public void A_chunk_shows_its_results_one_by_one_when_one_of_them_says_whether_a_task_is_unconstrained()
    {
        const string alike = """[{"index":0,"status":201,"id":"t1"},{"index":1,"status":201,"id":"t2"}]""";
        const string judged = """[{"index":0,"status":201,"id":"t1"},{"index":1,"status":201,"id":"t2","unconstrainedVerdict":"denied"}]""";
        Assert.Equal("""{"from":0,"count":2,"accepted":2,"firstId":"t1","lastId":"t2"}""", Line(alike));
        Assert.Equal($$"""{"from":0,"count":2,"accepted":2,"results":{{judged}}}""", Line(judged));
    }

    private static string Line(string results) => Encoding.UTF8.GetString(BulkAnswers.Stored(0, 2, Encoding.UTF8.GetBytes(results)).Span).TrimEnd();
}

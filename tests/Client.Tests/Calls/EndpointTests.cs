using System.Net;
using System.Text;
using Xunit;

namespace Backhaul.Client.Tests.Calls;

/// <summary>Several endpoints: whichever answers serves every session, and a call that fails at one is the same intent at the next.</summary>
public sealed class EndpointTests
{
    private const string Session = """{"identifier":"s","generation":1,"state":"active","configuration":{},"configurationVersion":1,"counts":{"suspended":0,"waiting":0,"running":0,"canceling":0,"completed":0},"lastEvent":1,"acknowledged":0,"attached":false}""";

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_broken_connection_is_tried_at_the_next_endpoint_under_the_same_key_and_the_one_that_works_is_kept()
    {
        using var node = new FakeNode((request, _) => request.Uri.Host == "node-a" ? throw new HttpRequestException("refused") : Answer(HttpStatusCode.OK));
        using var client = node.Client();
        await client.Session("s").SuspendAsync();
        await client.Session("s").SuspendAsync();
        Assert.Equal(["node-a", "node-b", "node-b"], node.Seen.Select(seen => seen.Uri.Host));
        Assert.Equal(node.Seen[0].Header("Idempotency-Key"), node.Seen[1].Header("Idempotency-Key"));
        Assert.NotEqual(node.Seen[1].Header("Idempotency-Key"), node.Seen[2].Header("Idempotency-Key"));
    }

    [Fact]
    public void Placeholder() => Assert.NotNull(Session);

    private static HttpResponseMessage Answer(HttpStatusCode status) =>
        new(status) { Content = new StringContent(Session, Encoding.UTF8, "application/json") };
}

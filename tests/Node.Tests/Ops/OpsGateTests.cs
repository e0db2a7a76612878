using Backhaul.Node.Ops;
using Xunit;

namespace Backhaul.Node.Tests.Ops;

public sealed class OpsGateTests
{
    private static readonly OpsGate.Facts Plain = new("GET", "/pbm/palettes", "127.0.0.1:9110", null, null, null, null);

    [Theory]
    [InlineData("127.0.0.1:9110")]
    [InlineData("localhost:9110")]
    [InlineData("LOCALHOST")]
    [InlineData("[::1]:9110")]
    [InlineData("127.0.0.2")]
    public void A_loopback_name_comes_in_without_a_key(string host) =>
        Assert.Equal(OperatorRole.Admin, OpsGate.Judge(Plain with { Host = host }, edgeIsLoopback: true, new Keys()).Who?.Role);

    [Theory]
    [InlineData("attacker.example:9110")]
    [InlineData("localhost.attacker.example")]
    [InlineData("192.168.1.5:9110")]
    [InlineData("")]
    [InlineData(null)]
    public void A_name_that_was_rebound_to_loopback_is_refused(string? host) => Assert.Equal(403, Refusal(Plain with { Host = host }));

    [Theory]
    [InlineData("cross-site")]
    [InlineData("same-site")]
    [InlineData("nonsense")]
    public void A_web_page_of_another_site_is_refused(string fetchSite) => Assert.Equal(403, Refusal(Plain with { FetchSite = fetchSite }));

    [Theory]
    [InlineData("https://attacker.example")]
    [InlineData("null")]
    [InlineData("http://127.0.0.1:5080")]
    public void Another_origin_is_refused(string origin) => Assert.Equal(403, Refusal(Plain with { Origin = origin }));

    [Fact]
    public void The_edges_own_pages_may_call_it() =>
        Assert.NotNull(OpsGate.Judge(Plain with { Origin = "http://127.0.0.1:9110", FetchSite = "same-origin" }, true, new Keys()).Who);

    [Theory]
    [InlineData(null)]
    [InlineData("text/plain")]
    [InlineData("application/x-www-form-urlencoded")]
    public void A_post_that_a_form_could_send_is_refused(string? contentType) =>
        Assert.Equal(415, Refusal(Plain with { Method = "POST", ContentType = contentType }));

    [Theory]
    [InlineData(null, 401)]
    [InlineData("Bearer wrong", 401)]
    [InlineData("Basic dXNlcjpnb29k", 401)]
    [InlineData("Bearer good", null)]
    [InlineData("bearer good", null)]
    public void Elsewhere_a_key_decides(string? authorization, int? status) =>
        Assert.Equal(status, OpsGate.Judge(Plain with { Host = "node-1:9110", Authorization = authorization }, edgeIsLoopback: false, new Keys()).Problem?.Status);

    [Theory]
    [InlineData("http://127.0.0.1:9110", true, true)]
    [InlineData("http://localhost:9110", true, true)]
    [InlineData("http://[::1]:9110", true, true)]
    [InlineData("http://0.0.0.0:9110", true, false)]
    [InlineData("http://*:9110", true, false)]
    [InlineData("http://10.0.0.7:9110", true, false)]
    [InlineData("http://example.org:9110", false, false)]
    [InlineData("https://127.0.0.1:9110", false, false)]
    [InlineData("127.0.0.1:9110", false, false)]
    [InlineData("http://127.0.0.1:9110/path", false, false)]
    public void An_address_is_understood_or_refused(string url, bool valid, bool loopback)
    {
        Assert.Equal(valid, OpsAddress.TryParse(url, out var address));
        Assert.True(!valid || address.IsLoopback == loopback);
        Assert.Equal(valid, !new OpsOptions { Url = url }.Faults().Any());
    }

    private static int? Refusal(OpsGate.Facts facts) => OpsGate.Judge(facts, edgeIsLoopback: true, new Keys()).Problem?.Status;

    private sealed class Keys : IOperatorKeys
    {
        public bool Any => true;

        public OperatorIdentity? Find(string presented) => presented == "good" ? new OperatorIdentity("someone", OperatorRole.Operator) : null;
    }
}

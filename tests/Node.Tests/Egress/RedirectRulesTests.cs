using Backhaul.Node.Egress;
using Xunit;

namespace Backhaul.Node.Tests.Egress;

public sealed class RedirectRulesTests
{
    private static readonly EgressOptions Options = new();
    private static readonly Uri From = new("https://a.example/x/y?q=1");

    [Theory]
    [InlineData(301, "GET", "GET", true)]
    [InlineData(302, "GET", "GET", true)]
    [InlineData(301, "POST", "GET", false)]
    [InlineData(302, "POST", "GET", false)]
    [InlineData(301, "PUT", "PUT", true)]
    [InlineData(303, "POST", "GET", false)]
    [InlineData(303, "PUT", "GET", false)]
    [InlineData(303, "HEAD", "HEAD", false)]
    [InlineData(307, "POST", "POST", true)]
    [InlineData(308, "PUT", "PUT", true)]
    public void Methods_and_bodies_follow_the_table(int status, string method, string next, bool keepsBody)
    {
        var follow = Assert.IsType<RedirectStep.Follow>(RedirectRules.Decide(From, method, status, "/z", 0, Options));
        Assert.Equal(next, follow.Method);
        Assert.Equal(keepsBody, follow.KeepsBody);
        Assert.True(follow.SameOrigin);
        Assert.Equal("https://a.example/z", follow.To.AbsoluteUri);
    }

    [Theory]
    [InlineData("z", "https://a.example/x/z", true)]
    [InlineData("?p=2", "https://a.example/x/y?p=2", true)]
    [InlineData("//b.example/z", "https://b.example/z", false)]
    [InlineData("https://A.EXAMPLE/z", "https://a.example/z", true)]
    [InlineData("https://a.example:8443/z", "https://a.example:8443/z", false)]
    [InlineData("https://a.example/z#part", "https://a.example/z", true)]
    [InlineData("https://a.example/%C3%BC", "https://a.example/%C3%BC", true)]
    [InlineData("https://a.example/\u00c3\u00bc", "https://a.example/%C3%BC", true)]
    public void Locations_are_resolved_against_where_they_came_from(string location, string to, bool sameOrigin)
    {
        var follow = Assert.IsType<RedirectStep.Follow>(RedirectRules.Decide(From, "GET", 302, location, 0, Options));
        Assert.Equal(to, follow.To.AbsoluteUri);
        Assert.Equal(sameOrigin, follow.SameOrigin);
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("   ")]
    [InlineData("file:///etc/passwd")]
    [InlineData("ftp://a.example/z")]
    [InlineData("javascript:alert(1)")]
    [InlineData("data:text/plain,x")]
    [InlineData("https://")]
    [InlineData("https://a.example:99999/")]
    [InlineData("https://user:secret@b.example/")]
    public void Senseless_locations_are_refused_with_a_type(string? location)
    {
        var refused = Assert.IsType<RedirectStep.Refused>(RedirectRules.Decide(From, "GET", 302, location, 0, Options));
        Assert.Equal(RedirectFault.Bad, refused.Fault);
        Assert.DoesNotContain("secret", refused.Why, StringComparison.Ordinal);
    }

    [Fact]
    public void Https_to_http_is_refused_unless_allowed()
    {
        var refused = Assert.IsType<RedirectStep.Refused>(RedirectRules.Decide(From, "GET", 302, "http://a.example/z", 0, Options));
        Assert.Equal(RedirectFault.Insecure, refused.Fault);
        Assert.IsType<RedirectStep.Follow>(RedirectRules.Decide(From, "GET", 302, "http://a.example/z", 0, Options with { AllowInsecureRedirect = true }));
        Assert.IsType<RedirectStep.Follow>(RedirectRules.Decide(new Uri("http://a.example/"), "GET", 302, "https://a.example/z", 0, Options));
    }

    [Fact]
    public void The_twenty_first_redirect_is_refused()
    {
        Assert.IsType<RedirectStep.Follow>(RedirectRules.Decide(From, "GET", 302, "/z", 19, Options));
        var refused = Assert.IsType<RedirectStep.Refused>(RedirectRules.Decide(From, "GET", 302, "/z", 20, Options));
        Assert.Equal(RedirectFault.TooMany, refused.Fault);
    }

    [Theory]
    [InlineData("Authorization")]
    [InlineData("Cookie")]
    [InlineData("X-Api-Key")]
    [InlineData("Proxy-Authorization")]
    [InlineData("X-Anything")]
    public void Headers_that_could_be_secret_do_not_travel(string name) => Assert.False(RequestHeaders.MayTravel(name));

    [Theory]
    [InlineData("Range")]
    [InlineData("if-range")]
    [InlineData("User-Agent")]
    [InlineData("Accept")]
    public void Harmless_headers_travel(string name) => Assert.True(RequestHeaders.MayTravel(name));

    [Theory]
    [InlineData("X-A", "fine", true)]
    [InlineData("Content-Type", "text/plain", true)]
    [InlineData("X-A", "a\r\nX-B: b", false)]
    [InlineData("X-A", "a\nb", false)]
    [InlineData("X A", "a", false)]
    [InlineData("", "a", false)]
    [InlineData("Authorization", "AWS4-HMAC-SHA256 Credential=a/b, SignedHeaders=host, Signature=0", true)]
    public void Only_what_http_allows_can_be_sent(string name, string value, bool can) => Assert.Equal(can, RequestHeaders.CanSend(name, value));
}

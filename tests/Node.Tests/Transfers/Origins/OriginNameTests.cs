using Backhaul.Node.Transfers.Origins;
using Xunit;

namespace Backhaul.Node.Tests.Transfers.Origins;

public sealed class OriginNameTests
{
    [Theory]
    [InlineData("https://example.org/a?b#c", "https://example.org")]
    [InlineData("HTTPS://Example.ORG:443", "https://example.org")]
    [InlineData("http://example.org:80?x", "http://example.org")]
    [InlineData("http://example.org:443/", "http://example.org:443")]
    [InlineData("https://example.org:8443#x", "https://example.org:8443")]
    [InlineData("https://example.org.:443/x", "https://example.org")]
    [InlineData("https://[::1]:8080/x", "https://[::1]:8080")]
    [InlineData("https://bücher.example/x", "https://xn--bcher-kva.example")]
    public void An_origin_has_one_name_however_its_url_is_written(string url, string name)
    {
        Assert.Equal(name, OriginName.Of(new Uri(url)));
        Assert.Equal(name, OriginName.Of(url).ToString(), ignoreCase: true);
    }
}

using System.Text;
using Backhaul.Node.Sessions;
using Xunit;

namespace Backhaul.Node.Tests.Sessions.Prefetching;

public sealed class UrlListTests
{
    [Theory]
    [InlineData("https://a/1\nhttps://a/2\r\n\n  https://a/3  ")]
    [InlineData("\uFEFF[\"https://a/1\",\n \"https://a/2\", \"https://a/3\"]")]
    [InlineData("<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<prefetchUris>\n  <uri>https://a/1</uri><!-- two --><uri> https://a/2 </uri>\n<uri>https://a/3</uri></prefetchUris>")]
    public void A_list_is_text_JSON_or_XML(string content) => Assert.Equal(["https://a/1", "https://a/2", "https://a/3"], Read(content, out _));

    [Fact]
    public void XML_may_say_its_own_encoding()
    {
        const string xml = "<?xml version=\"1.0\" encoding=\"utf-16\"?><prefetchUris><uri>https://a/é</uri></prefetchUris>";
        Assert.Equal(["https://a/é"], UrlList.Read([.. Encoding.Unicode.GetPreamble(), .. Encoding.Unicode.GetBytes(xml)], 10, out _));
    }

    [Theory]
    [InlineData("")]
    [InlineData(" \n ")]
    [InlineData("[]")]
    [InlineData("<prefetchUris/>")]
    [InlineData("<prefetchUris></prefetchUris>")]
    public void A_list_may_be_empty(string content) => Assert.Empty(Read(content, out _)!);

    [Theory]
    [InlineData("[1]", "JSON")]
    [InlineData("[[\"https://a/1\"]]", "JSON")]
    [InlineData("[\"https://a/1\"", "JSON")]
    [InlineData("<html><body/></html>", "<prefetchUris>")]
    [InlineData("<prefetchUris><uri>https://a/1</uri><url>https://a/2</url></prefetchUris>", "<url>")]
    [InlineData("<prefetchUris><uri>https://a/1</uri>", "XML")]
    [InlineData("<prefetchUris><uri><b>x</b></uri></prefetchUris>", "XML")]
    [InlineData("<!DOCTYPE p [<!ENTITY e SYSTEM \"file:///etc/passwd\">]><prefetchUris><uri>&e;</uri></prefetchUris>", "document type")]
    [InlineData("https://a/1\nhttps://a/2\nhttps://a/3\nhttps://a/4", "more than 3")]
    [InlineData("<prefetchUris><uri>1</uri><uri>2</uri><uri>3</uri><uri>4</uri><uri>5</uri></prefetchUris>", "more than 3")]
    public void What_is_no_list_is_refused_with_a_reason(string content, string part)
    {
        Assert.Null(Read(content, out var fault));
        Assert.Contains(part, fault, StringComparison.Ordinal);
    }

    [Fact]
    public void Text_is_UTF_8()
    {
        Assert.Null(UrlList.Read([(byte)'h', 0xFF, 0xC0], 3, out var fault));
        Assert.Contains("UTF-8", fault, StringComparison.Ordinal);
    }

    private static IReadOnlyList<string>? Read(string content, out string fault) => UrlList.Read(Encoding.UTF8.GetBytes(content), 3, out fault);
}

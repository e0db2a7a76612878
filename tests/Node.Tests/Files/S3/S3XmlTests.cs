using System.Text;
using Backhaul.Node.Files.S3;
using Xunit;

namespace Backhaul.Node.Tests.Files.S3;

/// <summary>A store is somebody's server: what it answers is read as far as it is what the protocol has, and costs no more than its own size.</summary>
public sealed class S3XmlTests
{
    private const int Many = 30_000;

    [Fact]
    public void Elements_in_elements_in_elements_cost_no_more_than_a_few()
    {
        var text = new StringBuilder("<Error><Code>Busy</Code>");
        for (var i = 0; i < Many; i++)
            text.Append("<a>");
        for (var i = 0; i < Many; i++)
            text.Append("</a>");
        var before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Equal("Busy", S3Xml.Error(text.Append("</Error>").ToString())!.Value.Code);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 1024 * 1024);
    }

    [Fact]
    public void A_long_name_over_many_elements_costs_no_more_than_its_own_length()
    {
        var name = new string('n', Many);
        var text = new StringBuilder($"<{name}>");
        for (var i = 0; i < Many; i++)
            text.Append("<b/>");
        var before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Null(S3Xml.Value(text.Append($"</{name}>").ToString(), "b"));
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 4 * 1024 * 1024);
    }
}

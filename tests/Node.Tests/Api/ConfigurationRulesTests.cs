using System.Text;
using Backhaul.Node.Api;
using Backhaul.Protocol;
using Xunit;

namespace Backhaul.Node.Tests.Api;

public sealed class ConfigurationRulesTests
{
    [Theory]
    [InlineData("""{"requestTimeout":"PT0.5S"}""", "invalidField", "requestTimeout")]
    [InlineData("""{"requestTimeout":"PT61M"}""", "invalidField", "requestTimeout")]
    [InlineData("""{"requestTimeout":60}""", "invalidField", "requestTimeout")]
    [InlineData("""{"requestTimeout":"P1M"}""", "invalidField", "requestTimeout")]
    [InlineData("""{"requestTimeout":"-PT5S"}""", "invalidField", "requestTimeout")]
    [InlineData("""{"resourceTimeout":"P31D"}""", "invalidField", "resourceTimeout")]
    [InlineData("""{"maxConnectionsPerHost":0}""", "invalidField", "maxConnectionsPerHost")]
    [InlineData("""{"maxConnectionsPerHost":65}""", "invalidField", "maxConnectionsPerHost")]
    [InlineData("""{"container":"other"}""", "unknownContainer", "container")]
    [InlineData("""{"container":"Not A Name"}""", "unknownContainer", "container")]
    [InlineData("""{"additionalHeaders":{"Authorization":"Bearer x"}}""", "forbiddenHeader", "additionalHeaders.Authorization")]
    [InlineData("""{"additionalHeaders":{"connection":"close"}}""", "forbiddenHeader", "additionalHeaders.connection")]
    [InlineData("""{"additionalHeaders":{"Host":"x"}}""", "forbiddenHeader", "additionalHeaders.Host")]
    [InlineData("""{"additionalHeaders":{"Proxy-Authenticate":"x"}}""", "forbiddenHeader", "additionalHeaders.Proxy-Authenticate")]
    [InlineData("""{"additionalHeaders":{"Proxy-Authorization":"x"}}""", "forbiddenHeader", "additionalHeaders.Proxy-Authorization")]
    [InlineData("""{"additionalHeaders":{"WWW-Authenticate":"x"}}""", "forbiddenHeader", "additionalHeaders.WWW-Authenticate")]
    [InlineData("""{"acceptStatus":["600"]}""", "invalidField", "acceptStatus[0]")]
    [InlineData("""{"retry":{"first":"PT10M"}}""", "invalidField", "retry.longest")]
    [InlineData("""{"discretionary":true}""", "unknownField", "discretionary")]
    [InlineData("""{"launch":{"url":"https://a"}}""", "unknownField", "launch")]
    [InlineData("""{"proxy":"p"}""", "unknownField", "proxy")]
    [InlineData("""{"tls":{}}""", "unknownField", "tls")]
    [InlineData("""{"eventRetention":"P14D"}""", "unknownField", "eventRetention")]
    [InlineData("""{"bytesPerSecondMax":1}""", "unknownField", "bytesPerSecondMax")]
    public void A_bad_configuration_is_refused(string json, string code, string field)
    {
        var read = StrictJson.Read(Encoding.UTF8.GetBytes(json), ProtocolJson.Strict.SessionConfiguration);
        var problem = read.Problem ?? ConfigurationRules.Check(read.Value!, new FakeContainers().Exists);
        Assert.NotNull(problem);
        Assert.Equal((400, code, field), (problem.Status, problem.Code, problem.Field));
    }

    [Fact]
    public void A_full_configuration_is_taken()
    {
        var read = StrictJson.Read("""
            {"additionalHeaders":{"User-Agent":"mine/1"},"requestTimeout":"PT1S","resourceTimeout":"P30D","maxConnectionsPerHost":64,
             "container":"results","acceptStatus":["404"],"retry":{"longest":"PT10M"}}
            """u8, ProtocolJson.Strict.SessionConfiguration);
        Assert.True(read.IsValid);
        Assert.Null(ConfigurationRules.Check(read.Value, new FakeContainers().Exists));
    }
}

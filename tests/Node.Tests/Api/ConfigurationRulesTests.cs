using System.Text;
using Backhaul.Node.Api;
using Backhaul.Node.Security;
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
    [InlineData("""{"launched":{"url":"https://a"}}""", "unknownField", "launched")]
    [InlineData("""{"launch":{"url":"https://a"}}""", "invalidField", "launch.secret")]
    [InlineData("""{"launch":{"url":"ftp://a","secret":"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}}""", "unsupportedScheme", "launch.url")]
    [InlineData("""{"push":{"url":"https://a","secret":"whsec_short"}}""", "invalidField", "push.secret")]
    [InlineData("""{"push":{"url":"https://a","secret":"nobody"}}""", "unknownSecret", "push.secret")]
    [InlineData("""{"push":{"url":"https://a","secret":"•••"}}""", "unknownSecret", "push.secret")]
    [InlineData("""{"push":{"url":"https://a","secret":"sealed1:00:AAAA"}}""", "unknownSecret", "push.secret")]
    [InlineData("""{"push":{"url":"https://a","secret":"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw","types":["taskEnded"]}}""", "invalidField", "push.types")]
    [InlineData("""{"push":{"url":"https://a","secret":"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw","types":[]}}""", "invalidField", "push.types")]
    [InlineData("""{"launchLimit":{"perHour":0}}""", "invalidField", "launchLimit.perHour")]
    [InlineData("""{"launchLimit":{"minimumSpacing":"P2D"}}""", "invalidField", "launchLimit.minimumSpacing")]
    [InlineData("""{"discretionary":1}""", "invalidField", "discretionary")]
    [InlineData("""{"serviceType":"fast"}""", "invalidField", "serviceType")]
    [InlineData("""{"weight":0}""", "invalidField", "weight")]
    [InlineData("""{"weight":101}""", "invalidField", "weight")]
    [InlineData("""{"proxy":"nobody"}""", "unknownSecret", "proxy")]
    [InlineData("""{"proxy":"user"}""", "unknownSecret", "proxy")]
    [InlineData("""{"tls":{"minimum":"1.1"}}""", "invalidField", "tls.minimum")]
    [InlineData("""{"tls":{"minimum":1.3}}""", "invalidField", "tls.minimum")]
    [InlineData("""{"tls":{"verify":false}}""", "unknownField", "tls.verify")]
    [InlineData("""{"tls":{"clientCertificate":"token"}}""", "unknownSecret", "tls.clientCertificate")]
    [InlineData("""{"credentials":[{}]}""", "invalidField", "credentials[0].secret")]
    [InlineData("""{"credentials":[{"secret":"user"},{"secret":"nobody"}]}""", "unknownSecret", "credentials[1].secret")]
    [InlineData("""{"credentials":[{"secret":"egress"}]}""", "unknownSecret", "credentials[0].secret")]
    [InlineData("""{"credentials":[{"secret":"user","password":"x"}]}""", "unknownField", "credentials[0].password")]
    [InlineData("""{"credentials":[{"secret":"user","scheme":"bearer"}]}""", "invalidField", "credentials[0].scheme")]
    [InlineData("""{"credentials":[{"secret":"token","scheme":"digest"}]}""", "invalidField", "credentials[0].scheme")]
    [InlineData("""{"credentials":[{"secret":"user","scheme":"ntlm"}]}""", "invalidField", "credentials[0].scheme")]
    [InlineData("""{"credentials":[{"secret":"user","host":"https://a.example"}]}""", "invalidField", "credentials[0].host")]
    [InlineData("""{"credentials":[{"secret":"user","host":"a.example/path"}]}""", "invalidField", "credentials[0].host")]
    [InlineData("""{"credentials":[{"secret":"user","host":"*.example"}]}""", "invalidField", "credentials[0].host")]
    [InlineData("""{"credentials":[{"secret":"user","host":"a.example:"}]}""", "invalidField", "credentials[0].host")]
    [InlineData("""{"credentials":[{"secret":"user","host":""}]}""", "invalidField", "credentials[0].host")]
    [InlineData("""{"credentials":[{"secret":"user","realm":"a\nb"}]}""", "invalidField", "credentials[0].realm")]
    [InlineData("""{"push":{"url":"https://a.example","secret":"hooks","types":[]}}""", "invalidField", "push.types")]
    [InlineData("""{"push":{"url":"https://a.example","secret":"hooks","types":[null]}}""", "invalidField", "push.types")]
    [InlineData("""{"push":{"url":"https://a.example","secret":"hooks","types":["taskCompleted","taskCompleted"]}}""", "invalidField", "push.types")]
    [InlineData("""{"costPolicy":"never"}""", "invalidField", "costPolicy")]
    [InlineData("""{"allowsCellularAccess":"no"}""", "invalidField", "allowsCellularAccess")]
    [InlineData("""{"eventRetention":"PT1S"}""", "invalidField", "eventRetention")]
    [InlineData("""{"bytesPerSecondMax":1}""", "invalidField", "bytesPerSecondMax")]
    public void A_bad_configuration_is_refused(string json, string code, string field)
    {
        var read = StrictJson.Read(Encoding.UTF8.GetBytes(json), ProtocolJson.Strict.SessionConfiguration);
        var problem = read.Problem ?? ConfigurationRules.Check(read.Value!, new FakeContainers().Exists, FindSecret, canSeal: true);
        Assert.NotNull(problem);
        Assert.Equal((400, code, field), (problem.Status, problem.Code, problem.Field));
    }

    [Fact]
    public void A_full_configuration_is_taken()
    {
        var read = StrictJson.Read("""
            {"additionalHeaders":{"User-Agent":"mine/1"},"requestTimeout":"PT1S","resourceTimeout":"P30D","maxConnectionsPerHost":64,
             "container":"results","acceptStatus":["404"],"retry":{"longest":"PT10M"},
             "credentials":[{"host":"a.example:8443","realm":"r","scheme":"digest","secret":"user"},{"host":"[fd00::1]:1","secret":"token"},{"secret":"user"}],
             "proxy":"egress","tls":{"minimum":"1.3","clientCertificate":"me"},"bytesPerSecondMax":1048576,
             "discretionary":true,"whileAttachedOnly":true,"serviceType":"avStreaming","weight":2.5,"costPolicy":"always","allowsCellularAccess":false}
            """u8, ProtocolJson.Strict.SessionConfiguration);
        Assert.True(read.IsValid);
        Assert.Null(ConfigurationRules.Check(read.Value, new FakeContainers().Exists, FindSecret, canSeal: true));
    }

    [Theory]
    [InlineData(null, null, true)]
    [InlineData("basic", null, false)]
    [InlineData(null, "r", false)]
    public void A_secret_that_signs_answers_no_challenge(string? scheme, string? realm, bool isGood)
    {
        var configuration = new SessionConfiguration { Credentials = [new CredentialRule { Secret = "store", Host = "s3.example", Scheme = scheme, Realm = realm }] };
        Assert.Equal(isGood, ConfigurationRules.Check(configuration, new FakeContainers().Exists, FindSecret, canSeal: true) is null);
    }

    [Fact]
    public void An_unknown_secret_says_what_to_do_and_not_the_name_which_may_be_the_secret()
    {
        var problem = ConfigurationRules.Check(new SessionConfiguration { Proxy = "nobody" }, new FakeContainers().Exists, FindSecret, canSeal: true);
        Assert.Contains("Backhaul:Secrets", problem!.Detail, StringComparison.Ordinal);
        Assert.DoesNotContain("nobody", problem.Detail, StringComparison.Ordinal);
        Assert.Contains("ask an operator", problem.Detail, StringComparison.Ordinal);
    }

    private static SecretKind? FindSecret(string name) => name switch
    {
        "user" => SecretKind.Basic,
        "token" => SecretKind.Bearer,
        "me" => SecretKind.ClientCertificate,
        "egress" => SecretKind.Proxy,
        "store" => SecretKind.S3,
        "hooks" => SecretKind.Webhook,
        _ => null,
    };
}

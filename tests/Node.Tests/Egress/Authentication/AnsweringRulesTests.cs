using Backhaul.Node.Egress;
using Backhaul.Node.Security;
using Backhaul.Protocol;
using Xunit;

namespace Backhaul.Node.Tests.Egress.Authentication;

public sealed class AnsweringRulesTests
{
    [Theory]
    [InlineData("files.example", "https://files.example/", true)]
    [InlineData("files.example", "http://files.example/", true)]
    [InlineData("FILES.example", "https://files.EXAMPLE/", true)]
    [InlineData("files.example", "https://files.example:8443/", false)]
    [InlineData("files.example:8443", "https://files.example:8443/", true)]
    [InlineData("files.example:8443", "https://files.example/", false)]
    [InlineData("files.example", "https://www.files.example/", false)]
    [InlineData("files.example", "https://files.example.evil/", false)]
    [InlineData("[fd00::1]:81", "http://[FD00:0::1]:81/", true)]
    [InlineData("m\u00fcller.example", "https://xn--mller-kva.example/", true)]
    [InlineData(null, "https://own.example/else", true)]
    [InlineData(null, "https://own.example:444/", false)]
    [InlineData(null, "http://own.example/", false)]
    [InlineData(null, "https://other.example/", false)]
    public void A_rule_is_meant_for_one_server(string? host, string url, bool expected) =>
        Assert.Equal(expected, AnsweringRules.Covers(new CredentialRule { Host = host, Secret = "s" }, new Uri(url), new Uri("https://own.example/a")));

    [Fact]
    public void The_strongest_comes_first()
    {
        var offered = ChallengeParser.Parse([
            "Basic realm=\"b\"", "Newauth x=1", "Bearer realm=\"t\"", "Digest realm=\"m\", nonce=\"1\"", "Digest realm=\"s\", nonce=\"2\", algorithm=SHA-256"]);
        Assert.Equal(["s", "m", "t", "b", null], AnsweringRules.ByStrength(offered).Select(challenge => challenge.Realm));
    }

    [Theory]
    [InlineData("Basic realm=\"a\"", null, null, SecretKind.Basic, true)]
    [InlineData("Basic realm=\"a\"", "a", "basic", SecretKind.Basic, true)]
    [InlineData("Basic realm=\"a\"", "A", null, SecretKind.Basic, false)]
    [InlineData("Basic realm=\"a\"", null, "digest", SecretKind.Basic, false)]
    [InlineData("Basic", "a", null, SecretKind.Basic, false)]
    [InlineData("Basic realm=\"a\"", null, null, SecretKind.Bearer, false)]
    [InlineData("Bearer", null, null, SecretKind.Bearer, true)]
    [InlineData("Bearer", null, null, SecretKind.Basic, false)]
    [InlineData("Digest realm=\"a\", nonce=\"n\"", null, null, SecretKind.Basic, true)]
    [InlineData("Digest realm=\"a\", nonce=\"n\", qop=\"auth-int\"", null, null, SecretKind.Basic, false)]
    [InlineData("Negotiate", null, null, SecretKind.Basic, false)]
    internal void A_credential_fits_by_realm_scheme_and_kind(string line, string? realm, string? scheme, SecretKind kind, bool expected) =>
        Assert.Equal(expected, AnsweringRules.Fits(new CredentialRule { Realm = realm, Scheme = scheme, Secret = "s" }, ChallengeParser.Parse([line])[0], kind));

    [Fact]
    public void Basic_is_written_in_utf_8() =>
        Assert.Equal("Basic dGVzdDoxMjPCow==", AnsweringRules.Basic("test", "123\u00a3")); // RFC 7617 2.1

    [Fact]
    public void What_was_used_longest_ago_is_forgotten_first()
    {
        var memory = new AccessMemory(entriesMax: 2);
        var access = new AcceptedAccess(ChallengeParser.Parse(["Basic"])[0], null);
        AccessKey one = new("s", "https://a:1"), two = new("s", "https://a:2"), three = new("s", "https://a:3");
        memory.Remember(one, access);
        memory.Remember(two, access);
        Assert.NotNull(memory.Find(one));
        memory.Remember(three, access);
        Assert.Null(memory.Find(two));
        Assert.NotNull(memory.Find(one));
        memory.Forget(one, access with { });
        Assert.NotNull(memory.Find(three));
    }
}

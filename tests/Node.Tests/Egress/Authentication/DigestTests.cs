using Backhaul.Node.Egress;
using Xunit;

namespace Backhaul.Node.Tests.Egress.Authentication;

public sealed class DigestTests
{
    private const string Rfc7616 =
        "Digest realm=\"http-auth@example.org\", qop=\"auth, auth-int\", algorithm={0}, nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\"";

    [Theory]
    [InlineData("MD5", "8ca523f5e9506fed4657c9700eebdbec")]
    [InlineData("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1")]
    public void The_examples_of_the_standard_come_out(string algorithm, string response)
    {
        var form = Form(Rfc7616.Replace("{0}", algorithm, StringComparison.Ordinal));
        var answer = form.Answer("Mufasa", "Circle of Life", "GET", "/dir/index.html", "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ", 1);
        Assert.Contains($"response=\"{response}\"", answer, StringComparison.Ordinal);
        Assert.Contains("nc=00000001, qop=auth", answer, StringComparison.Ordinal);
        Assert.Contains($"algorithm={algorithm}", answer, StringComparison.Ordinal);
        Assert.Contains("opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\"", answer, StringComparison.Ordinal);
    }

    [Fact]
    public void The_example_of_the_earlier_standard_comes_out()
    {
        var form = Form("Digest realm=\"testrealm@host.com\", qop=\"auth,auth-int\", nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\", opaque=\"5ccc069c403ebaf9f0171e9517f40e41\"");
        var answer = form.Answer("Mufasa", "Circle Of Life", "GET", "/dir/index.html", "0a4f113b", 1);
        Assert.Contains("response=\"6629fae49393a05397450978507c4ef1\"", answer, StringComparison.Ordinal);
        Assert.DoesNotContain("algorithm", answer, StringComparison.Ordinal);
    }

    [Fact]
    public void A_server_without_a_quality_gets_the_oldest_form()
    {
        var answer = Form("Digest realm=\"r\", nonce=\"n\"").Answer("u", "p", "GET", "/", "c", 1);
        Assert.DoesNotContain("nc=", answer, StringComparison.Ordinal);
        Assert.DoesNotContain("cnonce", answer, StringComparison.Ordinal);
    }

    [Fact]
    public void Under_one_nonce_the_count_goes_up_and_the_clients_nonce_stays()
    {
        var session = new DigestSession(Challenge("Digest realm=\"r\", nonce=\"n\", qop=\"auth\", algorithm=MD5-sess"), "mine");
        var answers = Enumerable.Range(0, 3).Select(_ => session.Answer("u", "p", "GET", "/a")).ToList();
        Assert.Contains("nc=00000001", answers[0], StringComparison.Ordinal);
        Assert.Contains("nc=00000003", answers[2], StringComparison.Ordinal);
        Assert.All(answers, answer => Assert.Contains("cnonce=\"mine\"", answer, StringComparison.Ordinal));
        Assert.Equal(3, answers.Distinct(StringComparer.Ordinal).Count());
    }

    [Fact]
    public void Quotes_in_names_are_escaped_and_other_letters_are_encoded()
    {
        Assert.Contains("username=\"a\\\"b\\\\c\"", Form("Digest realm=\"r\", nonce=\"n\"").Answer("a\"b\\c", "p", "GET", "/", "c", 1), StringComparison.Ordinal);
        Assert.Contains("username*=UTF-8''J%C3%A4s", Form("Digest realm=\"r\", nonce=\"n\"").Answer("J\u00e4s", "p", "GET", "/", "c", 1), StringComparison.Ordinal);
    }

    [Fact]
    public void A_server_that_wants_the_user_hashed_never_sees_it()
    {
        var answer = Form("Digest realm=\"api@example.org\", nonce=\"n\", algorithm=SHA-256, userhash=true").Answer("visible", "p", "GET", "/", "c", 1);
        Assert.DoesNotContain("visible", answer, StringComparison.Ordinal);
        Assert.Contains("userhash=true", answer, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Digest realm=\"r\"")]
    [InlineData("Digest nonce=\"n\"")]
    [InlineData("Digest realm=\"r\", nonce=\"n\", algorithm=SHA-512-256")]
    [InlineData("Digest realm=\"r\", nonce=\"n\", algorithm=TOKEN")]
    [InlineData("Digest realm=\"r\", nonce=\"n\", qop=\"auth-int\"")]
    [InlineData("Digest realm=\"r\u00e9\", nonce=\"n\"")]
    [InlineData("Basic realm=\"r\", nonce=\"n\"")]
    public void What_cannot_be_answered_is_known_before(string line) => Assert.Null(DigestForm.Read(Challenge(line)));

    private static DigestForm Form(string line) => DigestForm.Read(Challenge(line))!;

    private static Challenge Challenge(string line) => Assert.Single(ChallengeParser.Parse([line]));
}

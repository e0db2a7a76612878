using System.Text;
using Backhaul.Node.Egress;
using FsCheck;
using FsCheck.Fluent;
using Xunit;

namespace Backhaul.Node.Tests.Egress.Authentication;

public sealed class ChallengeParserTests
{
    private const string TokenLetters = "abcXYZ019-._~!#$%&'*+^`|";

    [Theory]
    [InlineData("Basic", "basic")]
    [InlineData("Basic realm=\"a\"", "basic realm=a")]
    [InlineData("Basic realm=a", "basic realm=a")]
    [InlineData("BASIC Realm = \"a, b\" , charset=\"UTF-8\"", "basic charset=UTF-8 realm=a, b")]
    [InlineData("Basic realm=\"a \\\"b\\\" \\\\c\"", "basic realm=a \"b\" \\c")]
    [InlineData("Negotiate", "negotiate")]
    [InlineData("Negotiate dG9rZW4=", "negotiate [dG9rZW4=]")]
    [InlineData("Negotiate dG9rZW4==, Basic realm=\"x\"", "negotiate [dG9rZW4==]|basic realm=x")]
    [InlineData("Basic realm=\"a\", Digest realm=\"b\", nonce=\"n\", qop=\"auth,auth-int\"", "basic realm=a|digest nonce=n qop=auth,auth-int realm=b")]
    [InlineData("Digest realm=\"b\",nonce=\"n\",Bearer,Basic realm=\"c\"", "digest nonce=n realm=b|bearer|basic realm=c")]
    [InlineData(", ,Basic realm=\"a\",,", "basic realm=a")]
    [InlineData("Basic realm=\"a\", realm=\"b\"", "basic realm=a")]
    [InlineData("Newauth realm=\"apps\", type=1, title=\"Login to \\\"apps\\\"\", Basic realm=\"simple\"", "newauth realm=apps title=Login to \"apps\" type=1|basic realm=simple")]
    [InlineData("realm=\"lost\", Basic realm=\"a\"", "basic realm=a")]
    [InlineData("Basic realm=\"never closed, Digest nonce=1", "basic")]
    [InlineData("\"quoted\", Basic realm=\"a\"", "basic realm=a")]
    [InlineData("Basic realm=My Site, Bearer", "basic realm=My|bearer")]
    [InlineData("Basic realm=\"Caf\u00c3\u00a9\"", "basic realm=Caf\u00e9")]
    [InlineData("Basic realm=\"Caf\u00e9\"", "basic realm=Caf\u00e9")]
    [InlineData("", "")]
    [InlineData(",,,", "")]
    [InlineData("= = =", "")]
    public void Headers_are_read_as_they_are_meant(string line, string expected) => Assert.Equal(expected, Shown(ChallengeParser.Parse([line])));

    [Fact]
    public void A_broken_line_spoils_no_other() =>
        Assert.Equal("digest|basic realm=a", Shown(ChallengeParser.Parse(["Digest realm=\"", "Basic realm=\"a\""])));

    [Fact]
    public void Lists_are_bounded()
    {
        Assert.Equal(16, ChallengeParser.Parse([string.Join(',', Enumerable.Repeat("Basic", 1000))]).Count);
        Assert.Equal(32, ChallengeParser.Parse(["Digest " + string.Join(',', Enumerable.Range(0, 1000).Select(i => $"p{i}=1"))])[0].Parameters.Count);
        Assert.Single(ChallengeParser.Parse(["Digest realm=\"" + new string('x', 1_000_000) + "\""]));
    }

    [Fact]
    public void What_is_written_by_the_grammar_is_read_back_whatever_its_blanks_quotes_and_lines()
    {
        var token = Gen.Elements(TokenLetters.ToCharArray()).NonEmptyListOf().Select(letters => new string([.. letters.Take(8)]));
        var text = Gen.Elements("ab ,=\"\\\t'()<>@;:/[]?{}".ToCharArray()).ListOf().Select(letters => new string([.. letters.Take(12)]));
        var parameter = token.SelectMany(name => text.Select(value => (Name: name.ToLowerInvariant(), Value: value)));
        var challenge = token.SelectMany(scheme => parameter.ListOf().Select(list => (Scheme: scheme.ToLowerInvariant(), Parameters: list.Take(6).DistinctBy(p => p.Name).ToList())));
        var all = challenge.ListOf().Select(list => list.Take(8).ToList()).SelectMany(list => Gen.Choose(0, int.MaxValue).Select(seed => (List: list, Seed: seed)));
        Prop.ForAll(Arb.From(all), drawn =>
        {
            var lines = Write(drawn.List, new Random(drawn.Seed));
            var expected = string.Join('|', drawn.List.Select(c => c.Scheme + string.Concat(c.Parameters.OrderBy(p => p.Name, StringComparer.Ordinal).Select(p => $" {p.Name}={p.Value}"))));
            return Shown(ChallengeParser.Parse(lines)) == expected;
        }).Check(Config.QuickThrowOnFailure.WithMaxTest(2000));
    }

    [Fact]
    public void Nothing_that_a_server_sends_throws_or_hangs()
    {
        var letters = Gen.Elements("Bd= ,\"\\\t;x\u00e9\u0000~+/".ToCharArray()).ListOf().Select(list => new string([.. list]));
        Prop.ForAll(Arb.From(letters), line => ChallengeParser.Parse([line, line]).Count <= 16).Check(Config.QuickThrowOnFailure.WithMaxTest(5000));
    }

    /// <summary>One of the many forms that the grammar allows.</summary>
    private static List<string> Write(List<(string Scheme, List<(string Name, string Value)> Parameters)> list, Random random)
    {
        List<string> lines = [];
        var line = new StringBuilder();
        foreach (var (scheme, parameters) in list)
        {
            if (line.Length > 0 && random.Next(3) == 0)
            {
                lines.Add(line.ToString());
                line.Clear();
            }
            line.Append(line.Length > 0 ? Comma(random) : "").Append(random.Next(2) == 0 ? scheme : scheme.ToUpperInvariant());
            var first = true;
            foreach (var (name, value) in parameters)
            {
                line.Append(first ? new string(' ', 1 + random.Next(2)) : Comma(random)).Append(name).Append(Blank(random)).Append('=').Append(Blank(random));
                line.Append(value.Length > 0 && value.All(c => TokenLetters.Contains(c)) && random.Next(2) == 0 ? value : Quote(value, random));
                first = false;
            }
        }
        lines.Add(line.ToString());
        return lines;
    }

    private static string Quote(string value, Random random) =>
        "\"" + string.Concat(value.Select(c => c is '"' or '\\' || random.Next(5) == 0 ? $"\\{c}" : c.ToString())) + "\"";

    private static string Comma(Random random) => Blank(random) + "," + string.Concat(Enumerable.Repeat(" ,", random.Next(2))) + Blank(random);

    private static string Blank(Random random) => random.Next(4) switch { 0 => " ", 1 => "\t", _ => "" };

    private static string Shown(IReadOnlyList<Challenge> challenges) => string.Join('|', challenges.Select(challenge =>
        challenge.Scheme + (challenge.Token is { } token ? $" [{token}]" : "")
        + string.Concat(challenge.Parameters.OrderBy(p => p.Key.ToLowerInvariant(), StringComparer.Ordinal).Select(p => $" {p.Key.ToLowerInvariant()}={p.Value}"))));
}

using Xunit;

namespace Backhaul.Pbm.Tests;

public sealed class CompleterTests
{
    private static readonly Catalog Catalog = new()
    {
        Palettes =
        [
            new CatalogPalette
            {
                Name = "session",
                Commands =
                [
                    new CatalogCommand { Name = "list", Switches = [new() { Name = "--tenant", Value = "tenant" }, new() { Name = "--json" }] },
                    new CatalogCommand
                    {
                        Name = "tasks",
                        Arguments = [new() { Name = "session", Required = true }],
                        Switches = [new() { Name = "--state", Short = "-s", Value = "state", Values = ["running", "waiting"] }, new() { Name = "--json" }],
                    },
                    new CatalogCommand { Name = "force-quit", Arguments = [new() { Name = "session", Required = true }], Destructive = true },
                ],
            },
            new CatalogPalette
            {
                Name = "log",
                Commands = [new CatalogCommand { Name = "level", Arguments = [new() { Name = "level", Values = ["debug", "error"] }], Switches = [new() { Name = "--json" }] }],
            },
            new CatalogPalette { Name = "system" },
        ],
    };

    [Theory]
    [InlineData("", "clear exit help log session system")]
    [InlineData("s", "session system")]
    [InlineData("  se", "session")]
    [InlineData("session", "session")]
    [InlineData("session ", "force-quit list tasks")]
    [InlineData("session t", "tasks")]
    [InlineData("help ", "log session system")]
    [InlineData("help session l", "list")]
    [InlineData("session list ", "--json --tenant")]
    [InlineData("session list --t", "--tenant")]
    [InlineData("session list --tenant ", "")]
    [InlineData("session list --tenant acme --", "--json")]
    [InlineData("session tasks ", "")]
    [InlineData("session tasks photos ", "--json --state")]
    [InlineData("session tasks photos --state ", "running waiting")]
    [InlineData("session tasks photos -s w", "waiting")]
    [InlineData("session tasks photos -s waiting --", "--json")]
    [InlineData("session force-quit photos --", "--yes")]
    [InlineData("log level ", "--json debug error")]
    [InlineData("log level d", "debug")]
    [InlineData("nothing ", "")]
    [InlineData("session nothing ", "")]
    [InlineData("session tasks \"ph", "")]
    public void A_line_is_completed_from_the_palettes(string line, string candidates) =>
        Assert.Equal(candidates, string.Join(' ', Completer.Complete(Catalog, line).Candidates));

    [Fact]
    public void The_common_prefix_of_the_candidates_is_what_Tab_adds()
    {
        var completion = Completer.Complete(Catalog, "s");
        Assert.Equal("s", completion.CommonPrefix());
        Assert.Equal("session", Completer.Complete(Catalog, "se").CommonPrefix());
    }

    [Theory]
    [InlineData("a b", "a|b", true, false)]
    [InlineData("a b ", "a|b", false, false)]
    [InlineData("a 'b c' d", "a|b c|d", true, false)]
    [InlineData("""a "b \"c\" \\ \d" e""", """a|b "c" \ \d|e""", true, false)]
    [InlineData("""a\ b c""", "a b|c", true, false)]
    [InlineData("--reason=\"two words\"", "--reason=two words", true, false)]
    [InlineData("a ''", "a|", true, false)]
    [InlineData("a 'b", "a|b", true, true)]
    [InlineData("   ", "", false, false)]
    public void Quotes_keep_words_together(string line, string words, bool lastIsOpen, bool quoteIsOpen)
    {
        var split = WordSplitter.Split(line);
        Assert.Equal(words, string.Join('|', split.Words));
        Assert.Equal((lastIsOpen, quoteIsOpen), (split.LastIsOpen, split.QuoteIsOpen));
    }

    [Theory]
    [InlineData("session list", "127.0.0.1:9110", "session|list")]
    [InlineData("localhost:9111 session list", "localhost:9111", "session|list")]
    [InlineData("[::1]:9111", "[::1]:9111", "")]
    [InlineData("https://node.example:443 system info", "https://node.example:443", "system|info")]
    [InlineData("session show a:1", "127.0.0.1:9110", "session|show|a:1")]
    [InlineData("session list --json --tenant x --yes", "127.0.0.1:9110", "session|list|--tenant|x")]
    [InlineData("task cancel s -- --yes", "127.0.0.1:9110", "task|cancel|s|--|--yes")]
    public void The_tool_takes_its_own_words_and_leaves_the_rest(string line, string node, string words)
    {
        var parsed = ToolArguments.Parse(line.Split(' '), null);
        Assert.Null(parsed.Fault);
        Assert.Equal((node, words), (parsed.NodeName, string.Join('|', parsed.Words)));
    }

    [Theory]
    [InlineData("--key")]
    [InlineData("--nothing session list")]
    [InlineData("ftp://127.0.0.1:9110")]
    [InlineData("localhost:99999")]
    public void Its_own_words_that_are_wrong_are_said(string line) => Assert.NotNull(ToolArguments.Parse(line.Split(' '), null).Fault);

    [Fact]
    public void A_key_on_the_command_line_comes_before_the_variable()
    {
        Assert.Equal("b", ToolArguments.Parse(["--key", "b", "session", "list"], "a").Key);
        Assert.Equal("a", ToolArguments.Parse(["session", "list"], "a").Key);
    }
}

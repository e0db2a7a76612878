using Backhaul.Node.Ops.Palettes;
using Xunit;

namespace Backhaul.Node.Tests.Ops;

public sealed class PaletteParserTests
{
    private static readonly IReadOnlyList<IPalette> Palettes = [new Toy()];

    [Theory]
    [InlineData("toy play ball --times 3 --loud")]
    [InlineData("toy play --times=3 ball --loud")]
    [InlineData("toy play -t 3 --loud ball")]
    public void Arguments_and_switches_come_in_any_order(string line)
    {
        var parsed = PaletteParser.Parse(Palettes, line.Split(' '));
        Assert.Equal("ball", parsed.Argument("what"));
        Assert.Equal(3, parsed.Number("--times", 1, 10));
        Assert.True(parsed.Flag("--loud"));
        Assert.False(parsed.Json);
    }

    [Fact]
    public void After_two_dashes_everything_is_an_argument() =>
        Assert.Equal("--loud", PaletteParser.Parse(Palettes, ["toy", "play", "--", "--loud"]).Argument("what"));

    [Theory]
    [InlineData("", "A command starts with a palette: toy.")]
    [InlineData("car", "There is no palette 'car'. There are: toy.")]
    [InlineData("toy", "toy needs a command: play, stop.")]
    [InlineData("toy jump", "toy has no command 'jump'. It has: play, stop.")]
    [InlineData("toy play", "The what is missing. Usage: toy play WHAT [HOW] [--times COUNT] [--loud] [--json]")]
    [InlineData("toy play a b c", "'c' is one word too many. Usage: toy play WHAT [HOW] [--times COUNT] [--loud] [--json]")]
    [InlineData("toy play a fast", "how is 'fast'. It is one of: b, slowly.")]
    [InlineData("toy play a --far", "toy play has no switch --far. Usage: toy play WHAT [HOW] [--times COUNT] [--loud] [--json]")]
    [InlineData("toy play a --times", "--times needs a value: How often.")]
    [InlineData("toy play a --loud=yes", "--loud takes no value.")]
    [InlineData("toy play a --loud --loud", "--loud is given twice.")]
    [InlineData("toy play a --reason x", "toy play has no switch --reason. Usage: toy play WHAT [HOW] [--times COUNT] [--loud] [--json]")]
    public void What_is_wrong_is_said_with_what_would_be_right(string line, string sentence) =>
        Assert.Equal(sentence, Assert.Throws<PaletteUsageException>(() => PaletteParser.Parse(Palettes, line.Split(' ', StringSplitOptions.RemoveEmptyEntries))).Message);

    [Fact]
    public void A_number_outside_of_its_limits_is_refused() =>
        Assert.Equal("--times is '11'. It is a whole number from 1 to 10.",
            Assert.Throws<PaletteUsageException>(() => PaletteParser.Parse(Palettes, ["toy", "play", "a", "--times", "11"]).Number("--times", 1, 10)).Message);

    [Fact]
    public void Writing_commands_take_a_reason() => Assert.Equal("rain", PaletteParser.Parse(Palettes, ["toy", "stop", "--reason", "rain"]).Reason);

    [Theory]
    [InlineData("https://a.example/x?y=1#z", "https://a.example/x?...")]
    [InlineData("https://a.example/x", "https://a.example/x")]
    [InlineData("what is this?", "what is this?")]
    public void Only_urls_lose_their_query(string text, string shown) =>
        Assert.Equal(shown, (string?)UrlRedaction.Apply(System.Text.Json.Nodes.JsonNode.Parse($$"""{"a":["{{text}}"]}"""))!["a"]![0]);

    private sealed class Toy : IPalette
    {
        public string Name => "toy";

        public string Help => "A toy.";

        public IReadOnlyList<PaletteCommand> Commands =>
        [
            new()
            {
                Name = "play",
                Help = "Plays.",
                Arguments = [new("what", "What."), new("how", "How.", Required: false) { Values = ["b", "slowly"] }],
                Switches = [new("--times", "How often.", "count") { Short = "-t", Default = "1" }, new("--loud", "Loudly.")],
                Run = (_, _, _) => new ValueTask<PaletteExit>(PaletteExit.Done),
            },
            new() { Name = "stop", Help = "Stops.", Writes = true, Run = (_, _, _) => new ValueTask<PaletteExit>(PaletteExit.Done) },
        ];
    }
}

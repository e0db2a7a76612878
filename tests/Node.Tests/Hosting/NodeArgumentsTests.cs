using Backhaul.Node.Hosting;
using Xunit;

namespace Backhaul.Node.Tests.Hosting;

public sealed class NodeArgumentsTests
{
    [Theory]
    [InlineData()]
    [InlineData("--Backhaul:DataDirectory=/data", "--urls", "http://127.0.0.1:0", "Backhaul:Ops:Url=http://127.0.0.1:0")]
    public void Options_are_taken_in_all_their_forms(params string[] arguments) => NodeArguments.Check(arguments);

    /// <summary>Each of these started a node, with everything as by default.</summary>
    [Theory]
    [InlineData("'start' is no option", "start")]
    [InlineData("'-v' is no option", "-v")]
    [InlineData("'--Backhaul:DataDirectory' has no value", "--Backhaul:DataDirectory")]
    [InlineData("'--verbose' has no value", "--verbose", "--urls=http://127.0.0.1:0")]
    [InlineData("'3' is no option", "--urls=http://127.0.0.1:0", "3")]
    public void What_is_no_option_is_refused_with_what_to_write(string fault, params string[] arguments)
    {
        var refused = Assert.Throws<NodeStartException>(() => NodeArguments.Check(arguments));
        Assert.Equal(ExitCodes.Configuration, refused.ExitCode);
        Assert.StartsWith(fault, refused.Message, StringComparison.Ordinal);
        Assert.Contains("--Backhaul:Section:Name=value", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Help_is_asked_for_at_any_place() => Assert.True(NodeArguments.AsksForHelp(["--urls=http://127.0.0.1:0", "--help"]));
}

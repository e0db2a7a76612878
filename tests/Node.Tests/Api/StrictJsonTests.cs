using System.Text;
using Backhaul.Node.Api;
using Backhaul.Protocol;
using Xunit;

namespace Backhaul.Node.Tests.Api;

public sealed class StrictJsonTests
{
    [Theory]
    [InlineData("", "invalidJson")]
    [InlineData("nothing", "invalidJson")]
    [InlineData("null", "invalidJson")]
    [InlineData("[]", "invalidJson")]
    [InlineData("7", "invalidJson")]
    [InlineData("\"a\"", "invalidJson")]
    [InlineData("{", "invalidJson")]
    [InlineData("{}}", "invalidJson")]
    [InlineData("{} {}", "invalidJson")]
    [InlineData("{\"kind\":\"download\",}", "invalidJson")]
    [InlineData("{/*c*/}", "invalidJson")]
    [InlineData("{kind:1}", "invalidJson")]
    [InlineData("{\"kind\":\"\\ud800\"}", "invalidJson")]
    [InlineData("{\"\\ud800\":1}", "invalidJson")]
    [InlineData("{\"id\":\"a\",\"id\":\"b\"}", "invalidJson")]
    [InlineData("{\"id\":\"a\",\"\\u0069d\":\"b\"}", "invalidJson")]
    [InlineData("{\"id\":{\"a\":1}}", "invalidField")]
    [InlineData("{\"headers\":[1]}", "invalidField")]
    [InlineData("{\"headers\":{\"a\":1}}", "invalidField")]
    [InlineData("{\"headers\":{\"a\":\"1\",\"a\":\"2\"}}", "invalidJson")]
    [InlineData("{\"__proto__\":1}", "unknownField")]
    [InlineData("{\"\":1}", "unknownField")]
    [InlineData("{\"id\\u0000\":1}", "unknownField")]
    public void Text_that_is_not_a_request_is_refused(string json, string code) => AssertRefused(Encoding.UTF8.GetBytes(json), code);

    [Fact]
    public void Broken_utf8_is_refused()
    {
        AssertRefused([.. "{\"id\":\""u8, 0xff, 0xfe, .. "\"}"u8], "invalidJson");
        AssertRefused([.. "{\""u8, 0xc3, 0x28, .. "\":1}"u8], "invalidJson");
    }

    [Theory]
    [InlineData(17)]
    [InlineData(100_000)]
    public void A_depth_bomb_is_refused(int depth)
    {
        AssertRefused(Encoding.UTF8.GetBytes("{\"id\":" + new string('[', depth)), "invalidJson");
        AssertRefused(Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat("{\"expectedBytes\":", depth)) + "1" + new string('}', depth)), null);
    }

    [Fact]
    public void The_answer_does_not_repeat_a_long_or_harmful_name()
    {
        var problem = AssertRefused(Encoding.UTF8.GetBytes($$"""{"{{new string('x', 5000)}}\u001b[2J":1}"""), "unknownField");
        Assert.True(problem.Detail.Length < 800);
        Assert.DoesNotContain(problem.Detail, char.IsControl);
    }

    [Fact]
    public void A_near_miss_says_what_was_meant()
    {
        Assert.Contains("Did you mean url?", AssertRefused("""{"URL":"x"}"""u8.ToArray(), "unknownField").Detail, StringComparison.Ordinal);
    }

    private static Problem AssertRefused(byte[] json, string? code)
    {
        var read = StrictJson.Read(json, ProtocolJson.Strict.TaskRequest);
        Assert.False(read.IsValid);
        Assert.Equal(400, read.Problem.Status);
        if (code is not null)
            Assert.Equal(code, read.Problem.Code);
        Assert.DoesNotContain("System.", read.Problem.Detail, StringComparison.Ordinal);
        return read.Problem;
    }
}

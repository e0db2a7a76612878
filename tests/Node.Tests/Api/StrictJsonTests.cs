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

    /// <summary>A body that was cut off was called too deep, and what is in a list or an object of headers had to be "a list".</summary>
    [Theory]
    [InlineData("{\"id\":\"a\"", null, "The body is not valid JSON: look at line 1, byte 10.")]
    [InlineData("{\"acceptStatus\":[404]}", "acceptStatus[0]", "acceptStatus[0] must be text.")]
    [InlineData("{\"retry\":{\"statuses\":[\"500\"]}}", "retry.statuses[0]", "retry.statuses[0] must be a whole number.")]
    [InlineData("{\"parts\":[{\"name\":true}]}", "parts[0].name", "parts[0].name must be text.")]
    [InlineData("{\"parts\":[{\"headers\":{\"X-A\":1}}]}", "parts[0].headers.X-A", "parts[0].headers.X-A must be text.")]
    [InlineData("{\"headers\":{\"X-A\":1}}", "headers.X-A", "headers.X-A must be text.")]
    [InlineData("{\"headers\":[]}", "headers", "headers must be an object of names and texts.")]
    [InlineData("{\"digest\":{\"algorithm\":null,\"value\":\"\"}}", "digest.algorithm", "The field algorithm is missing.")]
    public void The_sentence_is_about_what_is_wrong(string json, string? field, string detail)
    {
        var problem = AssertRefused(Encoding.UTF8.GetBytes(json), null);
        Assert.Equal((field, detail), (problem.Field, problem.Detail));
    }

    /// <summary>The reader's own sentence, with the names of its types, reached the client.</summary>
    [Fact]
    public void Null_where_something_is_needed_is_missing()
    {
        var read = StrictJson.Read("""{"destination":null}"""u8, ProtocolJson.Strict.FileMoveRequest);
        Assert.False(read.IsValid);
        Assert.Equal(("destination", "The field destination is missing."), (read.Problem.Field, read.Problem.Detail));
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

using System.Text.Json;
using FsCheck;
using FsCheck.Fluent;
using Xunit;

namespace Backhaul.Protocol.Tests.Json;

public sealed class DurationTests
{
    [Theory]
    [InlineData("PT60S", 60, "PT60S")]
    [InlineData("PT1M", 60, "PT60S")]
    [InlineData("P7D", 604_800, "P7D")]
    [InlineData("PT168H", 604_800, "P7D")]
    [InlineData("P1DT1S", 86_401, "PT86401S")]
    [InlineData("PT1H30M", 5_400, "PT5400S")]
    [InlineData("PT0.25S", 0.25, "PT0.25S")]
    [InlineData("PT0S", 0, "PT0S")]
    [InlineData("P0D", 0, "PT0S")]
    [InlineData("-PT5S", -5, "-PT5S")]
    public void Durations_are_read_in_any_form_and_written_in_one(string text, double seconds, string written)
    {
        var read = JsonSerializer.Deserialize<TimeSpan>($"\"{text}\"", Options);
        Assert.Equal(TimeSpan.FromSeconds(seconds), read);
        Assert.Equal($"\"{written}\"", JsonSerializer.Serialize(read, Options));
    }

    [Theory]
    [InlineData("60")]
    [InlineData("null")]
    [InlineData("{}")]
    [InlineData("\"\"")]
    [InlineData("\"60\"")]
    [InlineData("\"60s\"")]
    [InlineData("\"00:01:00\"")]
    [InlineData("\"P\"")]
    [InlineData("\"PT\"")]
    [InlineData("\"P1DT\"")]
    [InlineData("\"P1Y\"")]
    [InlineData("\"P1M\"")]
    [InlineData("\"P1M1D\"")]
    [InlineData("\"P1W\"")]
    [InlineData("\" PT5S\"")]
    [InlineData("\"PT5S\\n\"")]
    [InlineData("\"pt5s\"")]
    [InlineData("\"PT5S5M\"")]
    [InlineData("\"PT1e3S\"")]
    [InlineData("\"P99999999999999999999D\"")]
    [InlineData("\"PT99999999999999999S\"")]
    [InlineData("\"PT٣S\"")]
    public void Anything_else_is_refused_with_an_example(string json)
    {
        var refusal = Assert.Throws<JsonException>(() => JsonSerializer.Deserialize<TimeSpan>(json, Options));
        Assert.Contains("PT60S", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Every_duration_survives() =>
        Prop.ForAll<TimeSpan>(duration => JsonSerializer.Deserialize<TimeSpan>(JsonSerializer.Serialize(duration, Options), Options) == duration)
            .Check(Config.QuickThrowOnFailure.WithMaxTest(1_000));

    [Fact]
    public void The_ends_of_the_range_survive()
    {
        foreach (var end in new[] { TimeSpan.MinValue, TimeSpan.MaxValue, TimeSpan.FromTicks(1), TimeSpan.FromTicks(-1), TimeSpan.FromDays(10_675_199) })
            Assert.Equal(end, JsonSerializer.Deserialize<TimeSpan>(JsonSerializer.Serialize(end, Options), Options));
    }

    private static JsonSerializerOptions Options { get; } = new() { Converters = { new DurationConverter() } };
}

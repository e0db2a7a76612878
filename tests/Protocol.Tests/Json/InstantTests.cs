using System.Text.Json;
using FsCheck;
using FsCheck.Fluent;
using Xunit;

namespace Backhaul.Protocol.Tests.Json;

public sealed class InstantTests
{
    private static readonly JsonSerializerOptions Options = new() { Converters = { new InstantConverter() } };

    [Theory]
    [InlineData("2026-11-21T10:30:00Z", "2026-11-21T10:30:00Z")]
    [InlineData("2026-11-21T12:30:00+02:00", "2026-11-21T10:30:00Z")]
    [InlineData("2026-11-21T00:00:00.5-10:30", "2026-11-21T10:30:00.5Z")]
    [InlineData("2026-11-21T10:30:00.1234567Z", "2026-11-21T10:30:00.1234567Z")]
    public void Times_of_any_offset_are_written_in_utc(string text, string written) =>
        Assert.Equal($"\"{written}\"", JsonSerializer.Serialize(JsonSerializer.Deserialize<DateTimeOffset>($"\"{text}\"", Options), Options));

    [Theory]
    [InlineData("1732147200")]
    [InlineData("null")]
    [InlineData("\"\"")]
    [InlineData("\"tomorrow\"")]
    [InlineData("\"2026-11-21\"")]
    [InlineData("\"2026-11-21T10:30:00\"")]
    [InlineData("\"2026-11-21T10:30Z\"")]
    [InlineData("\"2026-11-21 10:30:00Z\"")]
    [InlineData("\"2026-13-21T10:30:00Z\"")]
    [InlineData("\"2026-02-30T10:30:00Z\"")]
    [InlineData("\"2026-11-21T25:30:00Z\"")]
    [InlineData("\"Sat, 21 Nov 2026 10:30:00 GMT\"")]
    [InlineData("\"0001-01-01T00:00:00+14:00\"")]
    public void Anything_else_is_refused_with_an_example(string json) =>
        Assert.Contains("RFC 3339", Assert.Throws<JsonException>(() => JsonSerializer.Deserialize<DateTimeOffset>(json, Options)).Message, StringComparison.Ordinal);

    [Fact]
    public void Every_time_survives() =>
        Prop.ForAll<DateTimeOffset>(time => JsonSerializer.Deserialize<DateTimeOffset>(JsonSerializer.Serialize(time, Options), Options) == time)
            .QuickCheckThrowOnFailure();
}

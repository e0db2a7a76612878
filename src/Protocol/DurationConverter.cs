using System.Buffers;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Xml;

namespace Backhaul.Protocol;

/// <summary>
/// Durations as ISO 8601 text, for instance <c>PT60S</c>, <c>PT1H30M</c> or <c>P7D</c>. Years and months are refused because they have
/// no fixed length. Written as whole days where it is that, else as seconds: every duration has one spelling in answers.
/// </summary>
public sealed class DurationConverter : JsonConverter<TimeSpan>
{
    private const string Rule = "A duration is ISO 8601 text of days, hours, minutes and seconds, such as \"PT60S\" or \"P7D\".";

    /// <summary>Readers take seconds as 32 bits; longer durations are written in days and seconds.</summary>
    private const int DaysAsSecondsMax = 10_000;
    private static readonly SearchValues<char> Signs = SearchValues.Create("-.0123456789PDTHMS");

    /// <inheritdoc/>
    public override TimeSpan Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        if (reader.TokenType != JsonTokenType.String || reader.GetString() is not { Length: <= 64 } text || !HasFixedLength(text))
            throw new JsonException(Rule);
        try
        {
            return XmlConvert.ToTimeSpan(text);
        }
        catch (Exception broken) when (broken is FormatException or OverflowException)
        {
            throw new JsonException(Rule, broken);
        }
    }

    /// <inheritdoc/>
    public override void Write(Utf8JsonWriter writer, TimeSpan value, JsonSerializerOptions options)
    {
        ArgumentNullException.ThrowIfNull(writer);
        var sign = value < TimeSpan.Zero ? "-" : "";
        var ticks = (decimal)Int128.Abs(value.Ticks);
        var (days, seconds) = (Math.Floor(ticks / TimeSpan.TicksPerDay), ticks % TimeSpan.TicksPerDay / TimeSpan.TicksPerSecond);
        if (days > 0 && seconds == 0)
            writer.WriteStringValue($"{sign}P{days}D");
        else if (days <= DaysAsSecondsMax)
            writer.WriteStringValue($"{sign}PT{(days * 86_400) + seconds:0.#######}S");
        else
            writer.WriteStringValue($"{sign}P{days}DT{seconds:0.#######}S");
    }

    /// <summary>Nothing but the signs of a duration, and no M before the T (that would be months); the rest is checked by the reader.</summary>
    private static bool HasFixedLength(string text)
    {
        var time = text.IndexOf('T', StringComparison.Ordinal);
        var days = time < 0 ? text : text[..time];
        return !text.AsSpan().ContainsAnyExcept(Signs) && !days.Contains('M', StringComparison.Ordinal);
    }
}

using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using Backhaul.Node.Journal;
using Xunit;

namespace Backhaul.Node.Tests.Journal;

public sealed partial class EventCodecTests
{
    [Fact]
    public void An_event_comes_back_from_its_name_and_payload()
    {
        var codec = Codec();
        var encoded = codec.Encode(new Made("a", 3));
        Assert.Equal("thing.made.v3", encoded.Name);
        Assert.True(encoded.Numbered);
        Assert.Equal("""{"name":"a","count":3}""", Encoding.UTF8.GetString(encoded.Payload.Span));
        Assert.Equal(new Made("a", 3), Read(codec, encoded.Name, encoded.Payload));
        Assert.False(codec.IsNumbered(new Broke("why")));
    }

    [Fact]
    public void An_old_name_is_upcast_through_every_version()
    {
        Assert.Equal(new Made("old", 1), Read(Codec(), "thing.made.v1", Utf8("""{"title":"old"}""")));
        Assert.Equal(new Made("newer", 9), Read(Codec(), "thing.made.v2", Utf8("""{"name":"newer","n":9}""")));
    }

    [Fact]
    public void A_name_that_nobody_registered_is_a_result_not_an_exception() =>
        Assert.Equal(new DecodeResult<Happened>.UnknownName("thing.melted.v1"), Codec().Decode("thing.melted.v1", Utf8("{}")));

    [Theory]
    [InlineData("thing.made.v3", "")]
    [InlineData("thing.made.v3", "null")]
    [InlineData("thing.made.v3", """{"name":"a","cou""")]
    [InlineData("thing.made.v3", """{"name":"a","count":"three"}""")]
    [InlineData("thing.made.v3", """{"name":"a"}""")]
    [InlineData("thing.made.v2", """[1]""")]
    [InlineData("thing.made.v2", """{"name":"a"}""")]
    [InlineData("thing.made.v1", """{"title":{}}""")]
    [InlineData("thing.lost.v1", """{}""")]
    public void A_payload_that_cannot_be_read_is_a_result_that_names_the_row(string name, string payload)
    {
        var broken = Assert.IsType<DecodeResult<Happened>.Broken>(Codec().Decode(name, Utf8(payload)));
        Assert.Equal(name, broken.Name);
        Assert.NotEmpty(broken.Why);
    }

    [Fact]
    public void Names_lists_old_ones_too() =>
        Assert.Equal(["thing.broke.v1", "thing.lost.v1", "thing.made.v1", "thing.made.v2", "thing.made.v3"], Codec().Names);

    [Theory]
    [InlineData("thing.made.v3")]
    [InlineData("thing.made.v1")]
    [InlineData("made")]
    [InlineData("Thing.made.v1")]
    [InlineData("thing.made.v0")]
    [InlineData("thing..made.v1")]
    [InlineData("thing.made.v1x")]
    [InlineData("")]
    public void A_taken_or_illegal_name_is_refused(string name) =>
        Assert.Throws<ArgumentException>(() => Codec().Register(name, CodecJson.Default.Lost, numbered: false));

    [Fact]
    public void Upcasters_cannot_run_in_a_circle() =>
        Assert.Throws<ArgumentException>(() => Codec().Upcast("a.v2", "a.v1", json => json).Upcast("a.v1", "a.v2", json => json));

    [Fact]
    public void An_event_without_a_name_cannot_be_encoded() =>
        Assert.Throws<InvalidOperationException>(() => Codec().Encode(new Lost()));

    private static EventCodec<Happened> Codec() => new EventCodec<Happened>()
        .Register("thing.made.v3", CodecJson.Default.Made, numbered: true)
        .Register("thing.broke.v1", CodecJson.Default.Broke, numbered: false)
        .Upcast("thing.made.v1", "thing.made.v2", old => new JsonObject { ["name"] = old["title"]!.GetValue<string>(), ["n"] = 1 })
        .Upcast("thing.made.v2", "thing.made.v3", old => new JsonObject { ["name"] = old["name"]!.DeepClone(), ["count"] = old["n"]?.DeepClone() })
        .Upcast("thing.lost.v1", "thing.lost.v2", old => old);

    private static Happened Read(EventCodec<Happened> codec, string name, ReadOnlyMemory<byte> payload) =>
        Assert.IsType<DecodeResult<Happened>.Decoded>(codec.Decode(name, payload)).Event;

    private static ReadOnlyMemory<byte> Utf8(string text) => Encoding.UTF8.GetBytes(text);

    internal abstract record Happened;

    internal sealed record Made([property: JsonRequired] string Name, [property: JsonRequired] int Count) : Happened;

    internal sealed record Broke(string Why) : Happened;

    internal sealed record Lost : Happened;

    [JsonSourceGenerationOptions(JsonSerializerDefaults.Web, NumberHandling = JsonNumberHandling.Strict)]
    [JsonSerializable(typeof(Made))]
    [JsonSerializable(typeof(Broke))]
    [JsonSerializable(typeof(Lost))]
    private sealed partial class CodecJson : JsonSerializerContext;
}

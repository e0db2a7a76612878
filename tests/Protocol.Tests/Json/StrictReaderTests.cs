using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Xunit;

namespace Backhaul.Protocol.Tests.Json;

/// <summary>What the strict reader must refuse by itself, so that no endpoint can forget to.</summary>
public sealed class StrictReaderTests
{
    private const string Smallest = """{"kind":"download","url":"https://example.org/a.bin"}""";

    [Fact]
    public void The_smallest_task_is_read()
    {
        var task = JsonSerializer.Deserialize(Smallest, ProtocolJson.Strict.TaskRequest)!;
        Assert.Equal(("download", "https://example.org/a.bin"), (task.Kind, task.Url));
    }

    [Theory]
    [InlineData("""{"kind":"download","url":"http://a/","urll":"x"}""")]
    [InlineData("""{"Kind":"download"}""")]
    [InlineData("""{"kind":"download","kind":"upload"}""")]
    [InlineData("""{"kind":"download","headers":{"a":"1","a":"2"}}""")]
    [InlineData("""{"kind":"download","expectedBytes":{"receive":1,"receive":2}}""")]
    [InlineData("""{"kind":"download","expectedBytes":{"other":1}}""")]
    [InlineData("""{"kind":"download","digest":{"algorithm":"sha-256"}}""")]
    [InlineData("""{"kind":"download","digest":{"algorithm":null,"value":"00"}}""")]
    [InlineData("""{"kind":1}""")]
    [InlineData("""{"priority":"0.5"}""")]
    [InlineData("""{"maxBytes":"10"}""")]
    [InlineData("""{"maxBytes":1.5}""")]
    [InlineData("""{"maxBytes":9223372036854775808}""")]
    [InlineData("""{"priority":NaN}""")]
    [InlineData("""{"start":"true"}""")]
    [InlineData("""{"start":1}""")]
    [InlineData("""{"deadline":"tomorrow"}""")]
    [InlineData("""{"deadline":1732147200}""")]
    [InlineData("""{"acceptStatus":404}""")]
    [InlineData("""{"acceptStatus":[404]}""")]
    [InlineData("""{"headers":["a"]}""")]
    [InlineData("""{"headers":{"a":1}}""")]
    [InlineData("""{"retry":{"first":1}}""")]
    [InlineData("""{"kind":"download",}""")]
    [InlineData("""{"kind":"download"/* note */}""")]
    [InlineData("{'kind':'download'}")]
    [InlineData("""{"kind":"download"} {}""")]
    [InlineData("""{"kind":"download""")]
    [InlineData("[]")]
    [InlineData("\"download\"")]
    [InlineData("")]
    public void Tasks_that_are_not_exactly_as_described_are_refused(string json) => Refuses(json, ProtocolJson.Strict.TaskRequest);

    [Theory]
    [InlineData("""{"requestTimeOut":"PT60S"}""")]
    [InlineData("""{"requestTimeout":60}""")]
    [InlineData("""{"requestTimeout":"60"}""")]
    [InlineData("""{"maxConnectionsPerHost":6.5}""")]
    [InlineData("""{"maxConnectionsPerHost":"6"}""")]
    [InlineData("""{"retry":{"statuses":["503"]}}""")]
    [InlineData("""{"container":"a","container":"a"}""")]
    public void Configurations_that_are_not_exactly_as_described_are_refused(string json) => Refuses(json, ProtocolJson.Strict.SessionConfiguration);

    [Theory]
    [InlineData("""{"through":"1"}""")]
    [InlineData("""{"through":1.0e1}""")]
    [InlineData("""{"through":1,"and":2}""")]
    public void Acknowledgements_that_are_not_exactly_as_described_are_refused(string json) => Refuses(json, ProtocolJson.Strict.AckRequest);

    [Theory]
    [InlineData(15)]
    [InlineData(1_000)]
    [InlineData(100_000)]
    public void Depth_bombs_are_refused_before_they_cost_anything(int depth) =>
        Refuses("""{"kind":""" + new string('[', depth) + new string(']', depth) + "}", ProtocolJson.Strict.TaskRequest);

    [Fact]
    public void Deep_unknown_fields_are_refused_too() =>
        Refuses("""{"x":""" + string.Concat(Enumerable.Repeat("""{"a":""", 64)) + "1" + new string('}', 64) + "}", ProtocolJson.Strict.TaskRequest);

    [Fact]
    public void The_reader_of_answers_ignores_what_later_versions_add()
    {
        var view = JsonSerializer.Deserialize("""{"acknowledged":1,"last":2,"lag":{"seconds":3}}""", ProtocolJson.Default.AckView)!;
        Assert.Equal((1, 2), (view.Acknowledged, view.Last));
    }

    [Fact]
    public void The_last_page_of_a_list_says_so()
    {
        // Regression: null was left out, and a page without the field could not be read.
        var written = JsonSerializer.Serialize(new Page<SessionListItem> { Items = [], Next = null }, ProtocolJson.Default.PageSessionListItem);
        Assert.Equal("""{"items":[],"next":null}""", written);
        Assert.Null(JsonSerializer.Deserialize("""{"items":[]}""", ProtocolJson.Default.PageSessionListItem)!.Next);
    }

    private static void Refuses<T>(string json, JsonTypeInfo<T> type) => Assert.Throws<JsonException>(() => JsonSerializer.Deserialize(json, type));
}

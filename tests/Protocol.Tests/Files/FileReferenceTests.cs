using System.Text.Json;
using Xunit;

namespace Backhaul.Protocol.Tests.Files;

public sealed class FileReferenceTests
{
    [Theory]
    [InlineData("""{"container":"default","path":"a/b.bin"}""", "default", "a/b.bin")]
    [InlineData("""{"path":"a/b.bin","container":"default"}""", "default", "a/b.bin")]
    [InlineData("""{"path":"a/b.bin"}""", null, "a/b.bin")]
    [InlineData("""{"container":null,"path":"a"}""", null, "a")]
    [InlineData("\"default/a/b.bin\"", "default", "a/b.bin")]
    [InlineData("\"cold-2/a\"", "cold-2", "a")]
    public void Both_forms_are_read(string json, string? container, string path)
    {
        var file = Read(json, ProtocolJson.Strict);
        Assert.Equal(container, file.Container?.ToString());
        Assert.Equal(path, file.Path.ToString());
    }

    [Theory]
    [InlineData("1")]
    [InlineData("true")]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("\"a\"")]
    [InlineData("\"\"")]
    [InlineData("\"/a\"")]
    [InlineData("\"default/\"")]
    [InlineData("\"default//a\"")]
    [InlineData("\"default/../a\"")]
    [InlineData("\"Default/a\"")]
    [InlineData("""{"container":"default"}""")]
    [InlineData("""{"path":null}""")]
    [InlineData("""{"path":1}""")]
    [InlineData("""{"path":["a"]}""")]
    [InlineData("""{"path":"../a"}""")]
    [InlineData("""{"path":"/etc/passwd"}""")]
    [InlineData("""{"container":"","path":"a"}""")]
    [InlineData("""{"container":"..","path":"a"}""")]
    [InlineData("""{"path":"a","mode":"w"}""")]
    [InlineData("""{"path":"a","path":"b"}""")]
    [InlineData("""{"container":"a","container":"b","path":"c"}""")]
    [InlineData("""{"Path":"a"}""")]
    public void Anything_else_is_refused_by_the_strict_reader(string json) =>
        Assert.Throws<JsonException>(() => Read(json, ProtocolJson.Strict));

    [Fact]
    public void The_reader_of_answers_ignores_fields_that_it_does_not_know() =>
        Assert.Equal("a", Read("""{"path":"a","later":{"path":["x"]},"container":null}""", ProtocolJson.Default).Path.ToString());

    [Fact]
    public void A_repeated_field_is_found_behind_the_field_that_holds_the_file() =>
        Assert.Throws<JsonException>(() => JsonSerializer.Deserialize(
            """{"kind":"upload","url":"http://a/","source":{"path":"a","path":"b"}}""", ProtocolJson.Strict.TaskRequest));

    [Theory]
    [InlineData("\"default/a/b.bin\"", """{"container":"default","path":"a/b.bin"}""")]
    [InlineData("""{"path":"a/b.bin"}""", """{"path":"a/b.bin"}""")]
    public void It_is_always_written_as_an_object(string json, string written) =>
        Assert.Equal(written, JsonSerializer.Serialize(Read(json, ProtocolJson.Strict), ProtocolJson.Default.FileReference));

    [Fact]
    public void The_short_form_is_read_from_text_too()
    {
        Assert.Equal("default/a/b", FileReference.Parse("default/a/b").ToString());
        Assert.Equal(ContainerName.Rule, Assert.Throws<FormatException>(() => FileReference.Parse("A/b")).Message);
        Assert.Equal(ContainerPath.Rule, Assert.Throws<FormatException>(() => FileReference.Parse("a/../b")).Message);
        Assert.Throws<FormatException>(() => FileReference.Parse("a"));
    }

    private static FileReference Read(string json, ProtocolJson reader) => JsonSerializer.Deserialize(json, reader.FileReference)!;
}

using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;
using Xunit;

namespace Backhaul.Protocol.Tests.Json;

/// <summary>
/// Every record of the wire, full and smallest, as it is written today. A change of these files is a change of the protocol:
/// fields may be added; names, types and forms may not change. <c>UPDATE_GOLDEN=1</c> writes them anew.
/// </summary>
public sealed class WireGoldenTests
{
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    public static TheoryData<string> Names => [.. WireSamples.All.Select(sample => sample.Name)];

    [Theory]
    [MemberData(nameof(Names))]
    public void A_record_is_written_as_published(string name)
    {
        var (value, type) = Sample(name);
        Golden.Check($"wire/{name}.json", Pretty(JsonSerializer.Serialize(value, type)) + "\n");
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void A_published_record_is_read_and_written_again_without_loss(string name)
    {
        var (_, type) = Sample(name);
        var published = Golden.Read($"wire/{name}.json");
        var read = JsonSerializer.Deserialize(published, type);
        Assert.True(JsonNode.DeepEquals(JsonNode.Parse(published), JsonNode.Parse(JsonSerializer.Serialize(read, type))));
    }

    [Fact]
    public void Every_record_of_the_wire_has_a_sample()
    {
        var inFolder = Directory.GetFiles(Golden.PathOf("wire"), "*.json").Select(Path.GetFileNameWithoutExtension).Order(StringComparer.Ordinal);
        Assert.Equal(WireSamples.All.Select(sample => sample.Name).Order(StringComparer.Ordinal), inFolder);
        var records = typeof(ProtocolJson).Assembly.GetExportedTypes()
            .Where(type => type is { IsClass: true, IsAbstract: false } && type.GetMethod("<Clone>$") is not null && type != typeof(FileReference) && !type.IsGenericType);
        var reached = WireSamples.All.SelectMany(sample => Reach(sample.Type.Type)).ToHashSet();
        Assert.Empty(records.Except(reached));
    }

    private static IEnumerable<Type> Reach(Type type, HashSet<Type>? seen = null)
    {
        seen ??= [];
        type = Nullable.GetUnderlyingType(type) ?? type;
        if (!seen.Add(type))
            return [];
        var inner = type.IsGenericType ? type.GetGenericArguments() : type.IsArray ? [type.GetElementType()!] : Type.EmptyTypes;
        var fields = type.Namespace?.StartsWith("Backhaul", StringComparison.Ordinal) == true ? type.GetProperties().Select(field => field.PropertyType) : [];
        return inner.Concat(fields).SelectMany(next => Reach(next, seen)).Append(type);
    }

    private static (object Value, JsonTypeInfo Type) Sample(string name)
    {
        var sample = WireSamples.All.Single(each => each.Name == name);
        return (sample.Value, sample.Type);
    }

    private static string Pretty(string json) => JsonNode.Parse(json)!.ToJsonString(Indented);
}

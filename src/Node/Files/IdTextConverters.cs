using System.Text.Json;
using System.Text.Json.Serialization;
using Backhaul.Protocol;

namespace Backhaul.Node.Files;

/// <summary>Names of containers as text.</summary>
internal sealed class ContainerNameConverter : JsonConverter<ContainerName>
{
    public override ContainerName Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        ContainerName.TryParse(reader.GetString(), out var name) ? name : throw new JsonException(ContainerName.Rule);

    public override void Write(Utf8JsonWriter writer, ContainerName value, JsonSerializerOptions options) => writer.WriteStringValue(value.ToString());
}

/// <summary>Tenants as text.</summary>
internal sealed class TenantIdConverter : JsonConverter<TenantId>
{
    public override TenantId Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        TenantId.TryParse(reader.GetString(), out var tenant) ? tenant : throw new JsonException(TenantId.Rule);

    public override void Write(Utf8JsonWriter writer, TenantId value, JsonSerializerOptions options) => writer.WriteStringValue(value.ToString());
}

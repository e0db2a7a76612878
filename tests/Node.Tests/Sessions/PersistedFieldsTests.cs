using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using Backhaul.Node.Sessions;
using Backhaul.Protocol;
using Xunit;

namespace Backhaul.Node.Tests.Sessions;

/// <summary>
/// Null fields are left out when they are written. A field that may be null and must be there is therefore written once and never read again: a session
/// with such an event could not be loaded any more. Regression: the total length of a response, unknown for a chunked body or an error page.
/// </summary>
public sealed class PersistedFieldsTests
{
    [Fact]
    public void Nothing_that_may_be_null_is_required_when_it_is_read()
    {
        var unreadable = new List<string>();
        foreach (var context in new JsonSerializerContext[] { SessionJson.Default, ProtocolJson.Default })
        {
            HashSet<Type> seen = [];
            foreach (var root in context.GetType().GetCustomAttributesData().Where(data => data.AttributeType == typeof(JsonSerializableAttribute)))
                Visit(context, (Type)root.ConstructorArguments[0].Value!, seen, unreadable);
            Assert.True(seen.Count > 20, "The walk over the types found too few.");
        }
        Assert.Empty(unreadable.Distinct(StringComparer.Ordinal));
    }

    private static void Visit(JsonSerializerContext context, Type type, HashSet<Type> seen, List<string> unreadable)
    {
        if (!seen.Add(type) || context.GetTypeInfo(type) is not { } info)
            return;
        if (info.ElementType is { } element)
            Visit(context, element, seen, unreadable);
        foreach (var property in info.Properties)
        {
            if (property.IsRequired && MayBeNull(property))
                unreadable.Add($"{type.Name}.{property.Name}");
            Visit(context, Nullable.GetUnderlyingType(property.PropertyType) ?? property.PropertyType, seen, unreadable);
        }
    }

    private static bool MayBeNull(JsonPropertyInfo property) =>
        Nullable.GetUnderlyingType(property.PropertyType) is not null || (!property.PropertyType.IsValueType && property.IsGetNullable);
}

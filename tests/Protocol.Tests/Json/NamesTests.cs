using System.Reflection;
using Xunit;

namespace Backhaul.Protocol.Tests.Json;

public sealed class NamesTests
{
    [Theory]
    [InlineData(typeof(EventTypes))]
    [InlineData(typeof(ProblemCodes))]
    public void Constants_carry_their_own_name_in_camel_case_and_occur_once(Type names)
    {
        var values = names.GetFields(BindingFlags.Public | BindingFlags.Static).Select(field => (field.Name, Value: (string)field.GetRawConstantValue()!)).ToList();
        Assert.All(values, constant => Assert.Equal(char.ToLowerInvariant(constant.Name[0]) + constant.Name[1..], constant.Value));
        Assert.Equal(values.Count, values.DistinctBy(constant => constant.Value, StringComparer.Ordinal).Count());
    }
}

using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text;
using Xunit;

namespace Backhaul.Client.Tests;

/// <summary>
/// The public surface of the SDK. A change of the files in Golden is a change for every user: lines may be added, not removed or altered.
/// <c>UPDATE_GOLDEN=1 dotnet test tests/Client.Tests</c> writes it anew.
/// </summary>
public sealed class PublicApiTests
{
    private static readonly NullabilityInfoContext Nullability = new();

    [Theory]
    [InlineData("Backhaul.Client", "public-api.txt")]
    [InlineData("Backhaul.Client.AspNetCore", "public-api-aspnetcore.txt")]
    public void The_public_surface_is_the_published_one(string assembly, string golden)
    {
        var path = Path.Combine(Path.GetDirectoryName(Here())!, "Golden", golden);
        var surface = Describe(Assembly.Load(assembly));
        if (Environment.GetEnvironmentVariable("UPDATE_GOLDEN") == "1")
            File.WriteAllText(path, surface);
        Assert.True(File.Exists(path), $"{path} is missing; UPDATE_GOLDEN=1 writes it.");
        Assert.Equal(File.ReadAllText(path), surface);
    }

    [Fact]
    public void The_sdk_needs_nothing_but_the_protocol() =>
        Assert.Equal(["Backhaul.Protocol"], typeof(BackhaulClient).Assembly.GetReferencedAssemblies()
            .Select(assembly => assembly.Name!).Where(name => !name.StartsWith("System", StringComparison.Ordinal)));

    private static string Describe(Assembly assembly)
    {
        var text = new StringBuilder();
        foreach (var type in assembly.GetExportedTypes().OrderBy(type => type.FullName, StringComparer.Ordinal))
        {
            text.Append(Kind(type)).Append(' ').Append(type.FullName).Append('\n');
            var members = type.GetMembers(BindingFlags.Public | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly)
                .Where(member => member.GetCustomAttribute<CompilerGeneratedAttribute>() is null).Select(Line).OfType<string>().Order(StringComparer.Ordinal);
            foreach (var member in members)
                text.Append("  ").Append(member).Append('\n');
        }
        return text.ToString();
    }

    private static string Kind(Type type) =>
        type.IsEnum ? "enum" : type.IsInterface ? "interface" : type.IsValueType ? "struct" : type is { IsAbstract: true, IsSealed: true } ? "static class" : "class";

    private static string? Line(MemberInfo member) => member switch
    {
        FieldInfo { IsLiteral: true } constant => $"const {constant.Name} = {constant.GetRawConstantValue()}",
        FieldInfo { IsSpecialName: false } field => $"field {Name(field.FieldType)} {field.Name}",
        ConstructorInfo constructor => $"new({Parameters(constructor)})",
        PropertyInfo property => $"{Name(property.PropertyType, Nullability.Create(property))} {property.Name} {{ {Accessors(property)} }}",
        MethodInfo { IsSpecialName: false } method => $"{Name(method.ReturnType, Nullability.Create(method.ReturnParameter))} {method.Name}({Parameters(method)})",
        _ => null,
    };

    private static string Accessors(PropertyInfo property) =>
        string.Join(' ', new[]
        {
            property.GetMethod is { IsPublic: true } ? "get;" : null,
            property.SetMethod is { IsPublic: true } set
                ? set.ReturnParameter.GetRequiredCustomModifiers().Contains(typeof(IsExternalInit)) ? "init;" : "set;"
                : null,
        }.OfType<string>());

    private static string Parameters(MethodBase method) => string.Join(", ", method.GetParameters().Select(parameter =>
        $"{Name(parameter.ParameterType, Nullability.Create(parameter))} {parameter.Name}{(parameter.HasDefaultValue ? $" = {parameter.DefaultValue ?? "default"}" : "")}"));

    private static string Name(Type type, NullabilityInfo? nullability = null)
    {
        if (Nullable.GetUnderlyingType(type) is { } underlying)
            return Name(underlying) + "?";
        var mark = nullability?.ReadState == NullabilityState.Nullable && !type.IsValueType ? "?" : "";
        if (!type.IsGenericType)
            return type.Name + mark;
        var arguments = type.GetGenericArguments().Select((argument, index) => Name(argument, nullability?.GenericTypeArguments.ElementAtOrDefault(index)));
        return $"{type.Name.Split('`')[0]}<{string.Join(", ", arguments)}>{mark}";
    }

    private static string Here([CallerFilePath] string file = "") => file;
}

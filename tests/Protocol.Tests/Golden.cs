using System.Runtime.CompilerServices;
using Xunit;

namespace Backhaul.Protocol.Tests;

/// <summary>Files that pin the wire. <c>UPDATE_GOLDEN=1 dotnet test tests/Protocol.Tests</c> writes them anew; the diff is the review.</summary>
internal static class Golden
{
    internal static string PathOf(string name) => Path.Combine(Path.GetDirectoryName(Here())!, "Golden", name);

    internal static string Read(string name) => File.ReadAllText(PathOf(name));

    internal static void Check(string name, string actual)
    {
        var path = PathOf(name);
        if (Environment.GetEnvironmentVariable("UPDATE_GOLDEN") == "1")
        {
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            File.WriteAllText(path, actual);
        }
        Assert.True(File.Exists(path), $"{path} is missing; UPDATE_GOLDEN=1 writes it.");
        Assert.Equal(File.ReadAllText(path), actual);
    }

    private static string Here([CallerFilePath] string file = "") => file;
}

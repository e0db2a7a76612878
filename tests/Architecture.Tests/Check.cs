using Xunit;

namespace Backhaul.Architecture.Tests;

internal static class Check
{
    /// <summary>Fails with one line for each offender: a rule's message should say what to go and look at.</summary>
    public static void None(IEnumerable<string> offenders, string rule)
    {
        var found = offenders.Distinct().Order(StringComparer.Ordinal).ToList();
        Assert.True(found.Count == 0, $"{rule}\n  {string.Join("\n  ", found)}");
    }
}

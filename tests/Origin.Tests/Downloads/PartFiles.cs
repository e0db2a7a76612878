using Xunit;

namespace Backhaul.Origin.Tests.Downloads;

/// <summary>Parts, as somebody finds them who looks into the folder.</summary>
internal static class PartFiles
{
    public static void Damage(string root, string part, Sabotage sabotage)
    {
        var path = Assert.Single(Directory.EnumerateFiles(root, part, SearchOption.AllDirectories));
        if (sabotage == Sabotage.Deleted)
        {
            File.Delete(path);
            return;
        }
        using var file = new FileStream(path, FileMode.Open, FileAccess.Write);
        file.SetLength(1000);
    }
}

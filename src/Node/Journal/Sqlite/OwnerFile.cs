namespace Backhaul.Node.Journal.Sqlite;

/// <summary>Says which process uses a data directory, for the sentence that refuses a second one. The lock itself is SQLite's.</summary>
internal static class OwnerFile
{
    private const string Name = "node.pid";

    public static void Write(string directory) => File.WriteAllText(Path.Combine(directory, Name), $"{Environment.ProcessId}\n");

    public static string InUse(string directory) =>
        $"The data directory '{directory}' is in use by another node{Process(directory)}. "
        + "Stop that node first, or give this one a directory of its own: Backhaul:DataDirectory.";

    private static string Process(string directory)
    {
        try
        {
            var text = File.ReadAllText(Path.Combine(directory, Name)).Trim();
            return int.TryParse(text, out var id) ? $" (process {id})" : "";
        }
        catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException)
        {
            return ""; // The number is a courtesy; the refusal stands without it.
        }
    }
}

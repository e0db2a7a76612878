using Backhaul.Node.Files.Disk;
using Backhaul.Node.Security;

namespace Backhaul.Node.Hosting;

/// <summary>The directory of the embedded journal and the default container: there and writable before anything else starts.</summary>
internal static class DataDirectory
{
    /// <summary>Of a node alone; the first start makes it.</summary>
    public static byte[] ReadSecretKey(string full)
    {
        try
        {
            var isNew = !File.Exists(Path.Combine(full, SecretKeyFile.Name));
            var key = SecretKeyFile.ReadOrCreate(full);
            if (isNew)
                Flush(full);
            return key;
        }
        catch (Exception unusable) when (unusable is IOException or UnauthorizedAccessException or InvalidDataException)
        {
            throw new NodeStartException(ExitCodes.CannotCreate, $"The key for secrets in {full} cannot be used: {unusable.Message}", unusable);
        }
    }

    /// <summary>So that the name of a new file survives a power cut as its bytes do: what was made good by it must not be signed or sealed by another one later.</summary>
    public static void Flush(string full)
    {
        var calls = new LinuxDiskCalls();
        if (calls.OpenRoot(full, out var folder) is var refused and not 0)
            throw new IOException($"The folder {full} cannot be opened to be flushed ({refused}).");
        using (folder)
        {
            if (calls.Flush(folder) is var failed and not 0)
                throw new IOException($"The folder {full} cannot be flushed ({failed}).");
        }
    }

    public static void Prepare(string full)
    {
        try
        {
            Directory.CreateDirectory(full);
            var probe = Path.Combine(full, $".probe-{Environment.ProcessId}");
            using (new FileStream(probe, FileMode.CreateNew, FileAccess.Write, FileShare.None, 1, FileOptions.DeleteOnClose))
            {
            }
        }
        catch (Exception refused) when (refused is IOException or UnauthorizedAccessException or NotSupportedException)
        {
            throw new NodeStartException(
                ExitCodes.CannotCreate,
                $"The data directory {full} cannot be written: {refused.Message} Give this user the right to write there, or name another with Backhaul:DataDirectory (Backhaul__DataDirectory).",
                refused);
        }
    }
}

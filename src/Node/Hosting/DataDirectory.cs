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
            return SecretKeyFile.ReadOrCreate(full);
        }
        catch (Exception unusable) when (unusable is IOException or UnauthorizedAccessException or InvalidDataException)
        {
            throw new NodeStartException(ExitCodes.CannotCreate, $"The key for secrets in {full} cannot be used: {unusable.Message}", unusable);
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

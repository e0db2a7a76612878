using System.Security.Cryptography;

namespace Backhaul.Node.Hosting;

/// <summary>
/// The secret of a node that runs alone, in a file of its data directory that only its user may read. A cluster has its secret in the store instead.
/// It is made once: documents that were signed with it stay good over restarts, and with a copy of the directory.
/// </summary>
internal static class NodeSecret
{
    public const string FileName = "node.secret";

    private const int Bytes = 32;

    public static byte[] Read(string dataDirectory)
    {
        var path = Path.Combine(dataDirectory, FileName);
        try
        {
            if (!File.Exists(path))
                Found(path);
            var secret = File.ReadAllBytes(path);
            return secret.Length == Bytes
                ? secret
                : throw new NodeStartException(
                    ExitCodes.CannotCreate, $"The file {path} has {secret.Length} bytes and not {Bytes}. Restore it, or remove it: a new one is made, and resume data that was given out is not good any more.");
        }
        catch (Exception refused) when (refused is IOException or UnauthorizedAccessException)
        {
            throw new NodeStartException(
                ExitCodes.CannotCreate, $"The file {path} cannot be read or made: {refused.Message} It must belong to the user that runs the node.", refused);
        }
    }

    /// <summary>Whole and flushed before it has its name, so that a crash in between leaves none, and its folder after that.</summary>
    private static void Found(string path)
    {
        var draft = path + ".new";
        File.Delete(draft);
        var options = new FileStreamOptions
        {
            Mode = FileMode.CreateNew,
            Access = FileAccess.Write,
        };
        if (!OperatingSystem.IsWindows())
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        using (var file = new FileStream(draft, options))
        {
            file.Write(RandomNumberGenerator.GetBytes(Bytes));
            file.Flush(flushToDisk: true);
        }
        File.Move(draft, path, overwrite: false);
        DataDirectory.Flush(Path.GetDirectoryName(path)!);
    }
}

using System.Security.Cryptography;

namespace Backhaul.Node.Security;

/// <summary>
/// The key that a node alone seals secrets with: made at the first start, in its data directory, readable by its user only. Nodes of a cluster
/// have none of their own; theirs are configured, because all of them must have the same.
/// </summary>
internal static class SecretKeyFile
{
    public const string Name = "secret.key";

    /// <summary>Throws when the file is there and cannot be used: a new key in its place could not open what the old one sealed.</summary>
    public static byte[] ReadOrCreate(string directory)
    {
        var path = Path.Combine(directory, Name);
        if (!File.Exists(path))
            Create(path);
        var key = new byte[SecretBox.KeyBytes + 1];
        var text = File.ReadAllText(path).Trim();
        return Convert.TryFromBase64String(text, key, out var length) && length == SecretBox.KeyBytes
            ? key[..length]
            : throw new InvalidDataException($"{path} must hold the base64 of {SecretBox.KeyBytes} bytes. Bring back the file that was there: what it sealed cannot be opened without it.");
    }

    private static void Create(string path)
    {
        var temporary = $"{path}.{Environment.ProcessId}";
        var options = new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows())
            options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        using (var file = new FileStream(temporary, options))
        {
            file.Write(System.Text.Encoding.ASCII.GetBytes(Convert.ToBase64String(RandomNumberGenerator.GetBytes(SecretBox.KeyBytes)) + "\n"));
            file.Flush(flushToDisk: true);
        }
        File.Move(temporary, path, overwrite: false);
    }
}

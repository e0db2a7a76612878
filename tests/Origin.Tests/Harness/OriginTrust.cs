using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Backhaul.FaultOrigin.Tls;

namespace Backhaul.Origin.Tests;

/// <summary>
/// Makes this process, and the nodes that it starts, believe the origin's authority. The runtime reads <c>SSL_CERT_FILE</c> of the real environment,
/// once, before its first handshake.
/// </summary>
internal static partial class OriginTrust
{
    public const string Variable = "SSL_CERT_FILE";

    /// <summary>Readable for the user that nodes run as.</summary>
    public static string File { get; } = Write();

    [ModuleInitializer]
    internal static void Install()
    {
        if (SetVariable(Variable, File, 1) != 0)
            throw new InvalidOperationException($"setenv failed with errno {Marshal.GetLastPInvokeError()}.");
    }

    private static string Write()
    {
        var folder = Directory.CreateTempSubdirectory("backhaul-authority-").FullName;
        System.IO.File.SetUnixFileMode(folder, (UnixFileMode)0b111_101_101);
        AppDomain.CurrentDomain.ProcessExit += (_, _) => Directory.Delete(folder, recursive: true);
        var file = Path.Combine(folder, "authority.pem");
        System.IO.File.WriteAllText(file, OriginAuthority.Shared.Pem);
        return file;
    }

    [LibraryImport("libc", EntryPoint = "setenv", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int SetVariable(string name, string value, int overwrite);
}

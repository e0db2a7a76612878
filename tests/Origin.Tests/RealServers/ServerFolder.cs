using System.Security.Cryptography.X509Certificates;
using Backhaul.FaultOrigin;
using Backhaul.FaultOrigin.Tls;

namespace Backhaul.Origin.Tests.RealServers;

/// <summary>What a server reads and writes, owned by the user it runs as.</summary>
internal sealed class ServerFolder : IDisposable
{
    public ServerFolder()
    {
        Root = Directory.CreateTempSubdirectory("backhaul-server-").FullName;
        File.SetUnixFileMode(Root, (UnixFileMode)0b111_101_101);
        Machine.GiveToNode(Root);
    }

    public string Root { get; }

    public string At(string name) => Path.Combine(Root, name);

    public void Write(string name, string text)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(At(name))!);
        File.WriteAllText(At(name), text);
    }

    /// <summary>Deterministic content that any origin of these tests would have under that seed.</summary>
    public void WriteContent(string name, string seed, int length)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(At(name))!);
        var content = new byte[length];
        OriginContent.Fill(content, seed, 0);
        File.WriteAllBytes(At(name), content);
    }

    /// <summary>A folder that the server writes into.</summary>
    public void MakeWritable(string name)
    {
        Directory.CreateDirectory(At(name));
        Machine.GiveToNode(At(name));
    }

    /// <summary>A certificate for <c>localhost</c> with its key, and the authority that signed it.</summary>
    public void WriteCertificates()
    {
        using var own = OriginAuthority.Shared.SignClient("localhost");
        Write("server.pem", own.ExportCertificatePem());
        Write("server.key", own.GetECDsaPrivateKey()!.ExportPkcs8PrivateKeyPem());
        Write("authority.pem", OriginAuthority.Shared.Pem);
    }

    public void Dispose() => Directory.Delete(Root, recursive: true);
}

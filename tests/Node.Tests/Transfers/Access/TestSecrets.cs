using System.Security.Cryptography.X509Certificates;
using Backhaul.FaultOrigin.Tls;
using Backhaul.Node.Security;
using Microsoft.Extensions.Configuration;
using Xunit;

namespace Backhaul.Node.Tests.Transfers.Access;

/// <summary>Secrets as an operator would configure them.</summary>
internal static class TestSecrets
{
    public static SecretTable Read(params (string Key, string Value)[] values)
    {
        var table = SecretTable.Read(Section(values), out var faults);
        Assert.Empty(faults);
        return table;
    }

    public static IConfigurationSection Section(params (string Key, string Value)[] values) =>
        new ConfigurationBuilder().AddInMemoryCollection(values.Select(value => KeyValuePair.Create($"Backhaul:Secrets:{value.Key}", (string?)value.Value))).Build()
            .GetSection(SecretTable.Section);

    /// <summary>The right ones of <see cref="AskingOrigin"/>, and wrong ones.</summary>
    public static SecretTable OfOrigin { get; } = Read(
        ("right:Kind", "basic"), ("right:UserName", AskingOrigin.User), ("right:Password", AskingOrigin.Password),
        ("wrong:Kind", "basic"), ("wrong:UserName", AskingOrigin.User), ("wrong:Password", "wrong"),
        ("token:Kind", "bearer"), ("token:Token", AskingOrigin.Token),
        ("others:Kind", "bearer"), ("others:Token", AskingOrigin.Token), ("others:Tenants:0", "somebody"));

    public static SecretTable OfProxy(int port, string? user = null)
    {
        List<(string, string)> values = [("gate:Kind", "proxy"), ("gate:Url", $"http://127.0.0.1:{port}")];
        if (user is not null)
            values.AddRange([("gate:UserName", user.Split(':')[0]), ("gate:Password", user.Split(':')[1])]);
        return Read([.. values]);
    }

    public static SecretTable OfClient(string name)
    {
        using var certificate = OriginAuthority.Shared.SignClient(name);
        return Read(
            ("me:Kind", "clientCertificate"), ("me:Certificate", certificate.ExportCertificatePem()),
            ("me:Key", certificate.GetECDsaPrivateKey()!.ExportPkcs8PrivateKeyPem()));
    }
}

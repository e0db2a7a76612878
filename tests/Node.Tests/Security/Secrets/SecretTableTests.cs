using System.Security.Cryptography.X509Certificates;
using Backhaul.FaultOrigin.Tls;
using Backhaul.Node.Security;
using Backhaul.Node.Tests.Transfers.Access;
using Backhaul.Protocol;
using Xunit;

namespace Backhaul.Node.Tests.Security.Secrets;

public sealed class SecretTableTests : IDisposable
{
    private const string Canary = "canary-7f3a";

    private readonly string _folder = Directory.CreateTempSubdirectory("backhaul-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Values_and_mounted_files_are_read()
    {
        var table = TestSecrets.Read(
            ("user:Kind", "basic"), ("user:UserName", "me"), ("user:PasswordFile", File("password", "p\u00e4ss word\n")),
            ("token:Kind", "bearer"), ("token:TokenFile", File("token", "abc.def\r\n")),
            ("gate:Kind", "proxy"), ("gate:Url", "http://proxy.example:3128"), ("gate:UserName", "me"), ("gate:Password", "x"));
        var user = Assert.IsType<Secret.Basic>(table.Find(TenantId.Default, "USER"));
        Assert.Equal(("me", "p\u00e4ss word"), (user.UserName, user.Password));
        Assert.Equal("abc.def", Assert.IsType<Secret.Bearer>(table.Find(TenantId.Default, "token")).Token);
        var gate = Assert.IsType<Secret.Proxy>(table.Find(TenantId.Default, "gate"));
        Assert.Equal((3128, "me"), (gate.Url.Port, gate.User!.UserName));
        Assert.Null(table.Find(TenantId.Default, "nobody"));
    }

    [Fact]
    public void Certificates_come_in_both_formats_with_or_without_a_password()
    {
        using var certificate = OriginAuthority.Shared.SignClient("me");
        using var key = certificate.GetECDsaPrivateKey()!;
        var pem = certificate.ExportCertificatePem();
        var encrypted = key.ExportEncryptedPkcs8PrivateKeyPem("open", new(System.Security.Cryptography.PbeEncryptionAlgorithm.Aes256Cbc, System.Security.Cryptography.HashAlgorithmName.SHA256, 1000));
        System.IO.File.WriteAllBytes(Path.Combine(_folder, "me.pfx"), certificate.Export(X509ContentType.Pkcs12, "open"));
        var table = TestSecrets.Read(
            ("one:Kind", "clientCertificate"), ("one:CertificateFile", File("one.pem", pem + "\n" + key.ExportPkcs8PrivateKeyPem() + "\n" + OriginAuthority.Shared.Pem)),
            ("two:Kind", "clientCertificate"), ("two:Certificate", pem), ("two:Key", encrypted), ("two:Password", "open"),
            ("three:Kind", "clientCertificate"), ("three:PfxFile", Path.Combine(_folder, "me.pfx")), ("three:Password", "open"),
            ("four:Kind", "clientCertificate"), ("four:Pfx", Convert.ToBase64String(certificate.Export(X509ContentType.Pkcs12))));
        foreach (var name in new[] { "one", "two", "three", "four" })
        {
            var secret = Assert.IsType<Secret.ClientCertificate>(table.Find(TenantId.Default, name));
            Assert.Equal(certificate.Thumbprint, secret.Certificate.Thumbprint);
            Assert.True(secret.Certificate.HasPrivateKey);
        }
        Assert.Single(((Secret.ClientCertificate)table.Find(TenantId.Default, "one")!).Intermediates);
    }

    [Fact]
    public void A_secret_belongs_to_the_tenants_that_it_names()
    {
        var table = TestSecrets.Read(("t:Kind", "bearer"), ("t:Token", "a"), ("t:Tenants:0", "acme"), ("t:Tenants:1", "other"));
        Assert.NotNull(table.Find(TenantId.Parse("acme"), "t"));
        Assert.Null(table.Find(TenantId.Default, "t"));
    }

    [Theory]
    [InlineData("", "Kind must be one of basic, bearer, clientCertificate, proxy, s3", "Password", Canary)]
    [InlineData(Canary, "Kind must be one of", "Password", Canary)]
    [InlineData("basic", "UserName is missing", "Password", Canary)]
    [InlineData("basic", "Password is missing", "UserName", "me")]
    [InlineData("basic", "colon", "UserName", "a:b", "Password", Canary)]
    [InlineData("basic", "control character", "UserName", "me", "Password", Canary + "\u0007")]
    [InlineData("basic", "Token is not an option", "UserName", "me", "Password", Canary, "Token", Canary)]
    [InlineData("basic", "both Password and PasswordFile", "UserName", "me", "Password", Canary, "PasswordFile", "/x")]
    [InlineData("basic", "the file /nowhere/at/all cannot be read", "UserName", "me", "PasswordFile", "/nowhere/at/all")]
    [InlineData("basic", "Tenants:0 is not valid", "UserName", "me", "Password", Canary, "Tenants:0", "not a tenant")]
    [InlineData("basic", "Tenants is a list", "UserName", "me", "Password", Canary, "Tenants", "acme")]
    [InlineData("bearer", "without \"Bearer\" before it", "Token", "Bearer " + Canary)]
    [InlineData("bearer", "Token is missing", "TokenX", Canary)]
    [InlineData("proxy", "Url must be http://host:port", "Url", "https://" + Canary)]
    [InlineData("proxy", "Url must be http://host:port", "Url", "http://u:" + Canary + "@host:1")]
    [InlineData("proxy", "one of UserName and Password", "Url", "http://host:1", "Password", Canary)]
    [InlineData("s3", "SecretKey is missing", "AccessKey", "AK")]
    [InlineData("s3", "AccessKey must be", "AccessKey", "a/b", "SecretKey", Canary)]
    [InlineData("s3", "SecretKey must not be empty", "AccessKey", "AK", "SecretKey", "")]
    [InlineData("s3", "Region must be", "AccessKey", "AK", "SecretKey", Canary, "Region", "eu/west")]
    [InlineData("clientCertificate", "either Certificate", "Password", Canary)]
    [InlineData("clientCertificate", "cannot be read", "Certificate", Canary)]
    [InlineData("clientCertificate", "cannot be read", "Pfx", "AAAA")]
    [InlineData("clientCertificate", "not base64", "Pfx", Canary + "!")]
    public void What_is_wrong_is_said_by_the_options_name_and_never_by_its_value(string kind, string expected, params string[] fields)
    {
        List<(string, string)> values = kind.Length > 0 ? [("s:Kind", kind)] : [];
        for (var i = 0; i < fields.Length; i += 2)
            values.Add(($"s:{fields[i]}", fields[i + 1]));
        var table = SecretTable.Read(TestSecrets.Section([.. values]), out var faults);
        Assert.Contains(faults, fault => fault.Contains(expected, StringComparison.Ordinal));
        Assert.All(faults, fault => Assert.DoesNotContain(Canary, fault, StringComparison.Ordinal));
        Assert.Null(table.Find(TenantId.Default, "s"));
    }

    [Fact]
    public void A_certificate_without_its_key_is_refused()
    {
        using var certificate = OriginAuthority.Shared.SignClient("me");
        using var other = OriginAuthority.Shared.SignClient("other");
        SecretTable.Read(TestSecrets.Section(
            ("a:Kind", "clientCertificate"), ("a:Certificate", certificate.ExportCertificatePem()),
            ("b:Kind", "clientCertificate"), ("b:Certificate", certificate.ExportCertificatePem()), ("b:Key", other.GetECDsaPrivateKey()!.ExportPkcs8PrivateKeyPem())), out var faults);
        Assert.Equal(2, faults.Count);
    }

    [Fact]
    public void A_secret_shows_its_name_only()
    {
        var table = TestSecrets.Read(("s:Kind", "basic"), ("s:UserName", Canary), ("s:Password", Canary));
        Assert.Equal("secret s", table.Find(TenantId.Default, "s")!.ToString());
    }

    [Fact]
    public void Names_have_a_rule()
    {
        SecretTable.Read(TestSecrets.Section(("a b:Kind", "bearer"), ("a b:Token", "x")), out var faults);
        Assert.Contains("1 to 64 letters", Assert.Single(faults), StringComparison.Ordinal);
    }

    private string File(string name, string text)
    {
        var path = Path.Combine(_folder, name);
        System.IO.File.WriteAllText(path, text);
        return path;
    }
}

using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using Backhaul.FaultOrigin;
using Backhaul.FaultOrigin.Tls;
using Xunit;

namespace Backhaul.Origin.Tests.RealServers;

/// <summary>The one file that all real servers have, who may read it, and a node that knows the secrets for it.</summary>
internal static class RealFiles
{
    public const int Length = 12 * 1024 * 1024;
    public const string User = "reader";
    public const string Password = "open-sesame";
    public static readonly TimeSpan Within = TimeSpan.FromSeconds(60);

    /// <summary>A node with the secrets <c>vendor wrong gate gate-wrong me</c>, which believes the tests' authority and checkpoints often.</summary>
    public static async Task<NodeProcess> StartNodeAsync(NodeFolder folder, string? proxy = null)
    {
        using var own = OriginAuthority.Shared.SignClient("backhaul");
        var (authority, certificate) = (Path.Combine(folder.Root, "authority.pem"), Path.Combine(folder.Root, "me.pem"));
        File.WriteAllText(authority, OriginAuthority.Shared.Pem);
        if (!File.Exists(certificate))
            File.WriteAllText(certificate, $"{own.ExportCertificatePem()}\n{own.GetECDsaPrivateKey()!.ExportPkcs8PrivateKeyPem()}");
        Machine.GiveToNode(certificate);
        return await NodeProcess.StartAsync(folder.Data, new Dictionary<string, string>
        {
            ["Backhaul:Transfers:CheckpointInterval"] = "00:00:00.050",
            ["Backhaul:Egress:TrustedCertificates"] = authority,
            ["Backhaul:Secrets:vendor:Kind"] = "basic",
            ["Backhaul:Secrets:vendor:UserName"] = User,
            ["Backhaul:Secrets:vendor:Password"] = Password,
            ["Backhaul:Secrets:wrong:Kind"] = "basic",
            ["Backhaul:Secrets:wrong:UserName"] = User,
            ["Backhaul:Secrets:wrong:Password"] = "guess",
            ["Backhaul:Secrets:gate:Kind"] = "proxy",
            ["Backhaul:Secrets:gate:Url"] = proxy ?? "http://127.0.0.1:9",
            ["Backhaul:Secrets:gate:UserName"] = User,
            ["Backhaul:Secrets:gate:Password"] = Password,
            ["Backhaul:Secrets:gate-wrong:Kind"] = "proxy",
            ["Backhaul:Secrets:gate-wrong:Url"] = proxy ?? "http://127.0.0.1:9",
            ["Backhaul:Secrets:gate-wrong:UserName"] = User,
            ["Backhaul:Secrets:gate-wrong:Password"] = "guess",
            ["Backhaul:Secrets:me:Kind"] = "clientCertificate",
            ["Backhaul:Secrets:me:CertificateFile"] = certificate,
        });
    }

    /// <summary>Kills the node while the file is under way, starts another, and waits until the file is right.</summary>
    public static async Task KillInTheMiddleAsync(NodeFolder folder, string url, string configuration)
    {
        await using (var first = await StartNodeAsync(folder))
        {
            await first.Api.OpenAsync("s", configuration);
            await first.Api.DownloadAsync("s", "cut", url, "cut.bin");
            await first.Api.TaskWhenAsync("s", "cut", view => Received(view) is > 1024 * 1024 and < Length, Within);
            await Eventually.TrueAsync(async () => await HasDurableAsync(first.Api, "cut"), Within, () => "a checkpoint of the download");
            await first.KillAsync();
        }
        await using var second = await StartNodeAsync(folder);
        await AssertDoneAsync(second, folder, "cut");
    }

    public static async Task AssertDoneAsync(NodeProcess node, NodeFolder folder, string task)
    {
        var view = await node.Api.EndedAsync("s", task, Within);
        Assert.True(view.GetProperty("outcome").GetString() == "succeeded", view.ToString());
        await using var content = File.OpenRead(folder.FileOf($"{task}.bin"));
        Assert.Equal(OriginContent.Sha256("real", Length), Convert.ToHexStringLower(await SHA256.HashDataAsync(content, TestContext.Current.CancellationToken)));
    }

    private static async Task<bool> HasDurableAsync(NodeApi api, string task) =>
        (await api.GetAsync($"/v1/sessions/s/tasks/{task}/ranges")).Json.GetProperty("downloaded").GetArrayLength() > 0;

    private static long Received(JsonElement view) => view.GetProperty("progress").GetProperty("bytesReceived").GetInt64();
}

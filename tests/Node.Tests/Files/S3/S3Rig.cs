using System.Text;
using Backhaul.Node.Actors;
using Backhaul.Node.Egress;
using Backhaul.Node.Files;
using Backhaul.Node.Files.S3;
using Backhaul.Protocol;
using Microsoft.Extensions.Logging.Abstractions;
using Xunit;

namespace Backhaul.Node.Tests.Files.S3;

/// <summary>A container <c>default</c> in a bucket of a store at a URL, put together as a node does.</summary>
internal sealed class S3Rig : IDisposable
{
    public const int PartBytes = 1000;

    private readonly OutboundClients _clients = new(new EgressOptions(), new SystemNameResolver(), TimeProvider.System, NullLogger<OutboundClients>.Instance);

    public S3Rig(Uri endpoint, string accessKey = FakeS3.AccessKey, string secretKey = FakeS3.SecretKey, string bucket = FakeS3.Bucket, long partBytes = PartBytes)
    {
        var options = new ContainerOptions
        {
            Kind = ContainerKinds.S3,
            Bucket = bucket,
            Prefix = "in/",
            Endpoint = endpoint,
            AccessKey = accessKey,
            SecretKey = secretKey,
            PartBytes = partBytes,
            PartsInFlight = 2,
        };
        Containers = new S3Containers(
            new ContainerTable(new Dictionary<ContainerName, ContainerOptions> { [ContainerName.Default] = options }), _clients, TimeProvider.System, new SystemRandom(), new Version7Ids(TimeProvider.System),
            new S3Patience { Pause = TimeSpan.FromMilliseconds(1), Repetitions = 3 });
        Parts = new S3PartFiles(Containers, Points);
    }

    public FilesRig.CountingCrashPoints Points { get; } = new();

    public S3Containers Containers { get; }

    public S3PartFiles Parts { get; }

    public S3Client Client => Containers.Get(ContainerName.Default).Client;

    public async Task<StageResult> StageAsync(string path, byte[] content, long? length) => await Containers.StageAsync(
        TenantId.Parse("default"), ContainerName.Default, ContainerPath.Parse(path), new MemoryStream(content), length, 1 << 30, condition: null, TestContext.Current.CancellationToken);

    public async Task<byte[]?> ReadAsync(string path)
    {
        await using var file = await Containers.OpenReadAsync(TenantId.Parse("default"), ContainerName.Default, ContainerPath.Parse(path), TestContext.Current.CancellationToken);
        if (file is null)
            return null;
        using var content = new MemoryStream();
        await file.Content.CopyToAsync(content, TestContext.Current.CancellationToken);
        return content.ToArray();
    }

    /// <summary>Bytes that differ from place to place.</summary>
    public static byte[] Bytes(int count, int seed = 1)
    {
        var bytes = new byte[count];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }

    public static string Text(byte[]? bytes) => bytes is null ? "(nothing)" : Encoding.UTF8.GetString(bytes);

    public void Dispose()
    {
        Containers.Dispose();
        _clients.Dispose();
    }
}

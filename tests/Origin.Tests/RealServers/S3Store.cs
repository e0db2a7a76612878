using System.Globalization;
using System.Security.Cryptography;

namespace Backhaul.Origin.Tests.RealServers;

/// <summary>s3rver, an object store of other people, with one bucket in a temporary folder; it neither lists the parts of uploads nor aborts them.</summary>
internal sealed class S3Store : IAsyncDisposable
{
    public const string Bucket = "transfers";
    public const long PartBytes = 5 * 1024 * 1024;
    private const string Keys = "S3RVER";

    private readonly DirectoryInfo _folder;
    private readonly NpmPeer _peer;
    private readonly HttpClient _http = new();

    private S3Store(DirectoryInfo folder, NpmPeer peer) => (_folder, _peer) = (folder, peer);

    public string Url => _peer.Address;

    /// <summary>A node that may sign for it, and whose default container is its bucket when asked for.</summary>
    public Dictionary<string, string> Settings(bool asContainer)
    {
        var settings = new Dictionary<string, string>
        {
            ["Backhaul:Secrets:store:Kind"] = "s3",
            ["Backhaul:Secrets:store:AccessKey"] = Keys,
            ["Backhaul:Secrets:store:SecretKey"] = Keys,
            ["Backhaul:Transfers:UploadChunkBytes"] = PartBytes.ToString(CultureInfo.InvariantCulture),
            ["Backhaul:Transfers:SegmentsMax"] = "1",
            ["Backhaul:Transfers:CheckpointInterval"] = "00:00:00.050",
        };
        if (!asContainer)
            return settings;
        settings["Backhaul:Containers:default:Kind"] = "s3";
        settings["Backhaul:Containers:default:Bucket"] = Bucket;
        settings["Backhaul:Containers:default:Endpoint"] = Url;
        settings["Backhaul:Containers:default:AccessKey"] = Keys;
        settings["Backhaul:Containers:default:SecretKey"] = Keys;
        settings["Backhaul:Containers:default:PartBytes"] = PartBytes.ToString(CultureInfo.InvariantCulture);
        settings["Backhaul:Containers:default:PartsInFlight"] = "1";
        return settings;
    }

    public static async Task<S3Store> StartAsync()
    {
        var folder = Directory.CreateTempSubdirectory("backhaul-s3-");
        return new S3Store(folder, await NpmPeer.StartAsync("s3-server.mjs", folder.FullName, Bucket));
    }

    /// <summary>What clients have sent it in all, requests' heads included.</summary>
    public async Task<long> ReceivedAsync() => long.Parse(await _http.GetStringAsync($"{Url}/-/received"), CultureInfo.InvariantCulture);

    /// <summary>Of the one object whose key ends so.</summary>
    public async Task<string> Sha256Async(string key)
    {
        var path = Directory.EnumerateFiles(_folder.FullName, Path.GetFileName(key) + "._S3rver_object", SearchOption.AllDirectories).Single();
        await using var content = File.OpenRead(path);
        return Convert.ToHexStringLower(await SHA256.HashDataAsync(content));
    }

    public async ValueTask DisposeAsync()
    {
        _http.Dispose();
        await _peer.DisposeAsync();
        _folder.Delete(recursive: true);
    }
}

using Backhaul.Node.Files.S3;

namespace Backhaul.Node.Files;

/// <summary>One container, bound from <c>Backhaul:Containers:{name}</c>. <see cref="ContainerTable"/> validates all of them together.</summary>
internal sealed record ContainerOptions
{
    /// <summary>Where its files lie. <c>disk</c>: a directory. <c>s3</c>: a bucket, or what lies in it under a prefix.</summary>
    public string Kind { get; init; } = ContainerKinds.Disk;

    /// <summary>disk: the directory, absolute or under the current one. Made when missing. The container <c>default</c> has <c>files</c> in the data directory.</summary>
    public string? Path { get; init; }

    /// <summary>True when every node of the cluster reaches the same files at this path. One node alone needs nothing of it; a bucket is always shared.</summary>
    public bool Shared { get; init; }

    /// <summary>s3: the bucket; it must exist.</summary>
    public string? Bucket { get; init; }

    /// <summary>s3: what every key begins with; a slash is added when it has none at its end.</summary>
    public string? Prefix { get; init; }

    /// <summary>s3: scheme, host and port; without it Amazon's of the region. It may be a private address: only this container's requests go there.</summary>
    public Uri? Endpoint { get; init; }

    /// <summary>s3: part of every signature. Stores that have no regions take any.</summary>
    public string Region { get; init; } = "us-east-1";

    /// <summary>s3: true for <c>endpoint/bucket/key</c>, false for <c>bucket.endpoint/key</c>. Null: the first for an endpoint that is named, the second for Amazon's.</summary>
    public bool? PathStyle { get; init; }

    /// <summary>s3: the id of the key that signs.</summary>
    public string? AccessKey { get; init; }

    /// <summary>s3: its secret, or <see cref="SecretKeyFile"/>.</summary>
    public string? SecretKey { get; init; }

    /// <summary>s3: a file with the secret, read at start; white space around it is cut.</summary>
    public string? SecretKeyFile { get; init; }

    /// <summary>s3: size of a part of a multipart upload, and so what a crash may cost to fetch again. Long files have larger ones, so that 10,000 suffice.</summary>
    public long PartBytes { get; init; } = 8L << 20;

    /// <summary>s3: parts of one transfer that are sent at once. Each holds its bytes in memory until the store has confirmed it.</summary>
    public int PartsInFlight { get; init; } = 4;

    public S3Bucket ToBucket() => new(
        Endpoint ?? new Uri($"https://s3.{Region}.amazonaws.com"), Bucket!, Region, PathStyle ?? Endpoint is not null);
}

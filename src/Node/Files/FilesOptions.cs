namespace Backhaul.Node.Files;

/// <summary>Limits of file work. Bound from <c>Backhaul:Files</c>, validated at start.</summary>
internal sealed record FilesOptions
{
    /// <summary>
    /// Blocking calls that the disks see at once. More merge more flushes into one commit of the file system, and cost a thread each;
    /// they wait for the disk, not for a processor.
    /// </summary>
    public int Threads { get; init; } = 16;

    /// <summary>The largest file that a client may stage by one PUT; 5 TiB as object stores allow. Room on the disk is checked besides.</summary>
    public long StageBytesMax { get; init; } = 5L << 40;

    /// <summary>
    /// Long downloads are written past the page cache where the file system can: half the processor time, a short flush, and no memory
    /// filled with what nobody reads soon. false: everything through the page cache, for files that are read at once.
    /// </summary>
    public bool DirectWrites { get; init; } = true;

    /// <summary>How long an upload that comes in pieces stays after its last piece, and its receipt after its end.</summary>
    public TimeSpan UploadAge { get; init; } = TimeSpan.FromDays(1);

    /// <summary>Uploads of one tenant in one container that have begun and are not complete.</summary>
    public int UploadsPerTenantMax { get; init; } = 1_000;

    /// <summary>How long the part of a download that was cancelled with resume data stays. The documents expire with it.</summary>
    public TimeSpan KeptPartAge { get; init; } = TimeSpan.FromDays(7);

    /// <summary>Parts that one tenant keeps in one container. Further ones are not kept, and the answer says so.</summary>
    public int KeptPartsPerTenantMax { get; init; } = 1_000;

    /// <summary>Bytes of the parts that one tenant keeps in one container.</summary>
    public long KeptBytesPerTenantMax { get; init; } = 256L << 30;

    /// <summary>What is wrong, as sentences; empty when nothing is.</summary>
    public IEnumerable<string> Validate()
    {
        if (Threads is < 1 or > 256)
            yield return $"Backhaul:Files:Threads is {Threads}. Choose 1 to 256; 16 is a good start.";
        if (StageBytesMax < 1)
            yield return $"Backhaul:Files:StageBytesMax is {StageBytesMax}. It is a number of bytes, at least 1.";
        if (UploadAge < TimeSpan.FromMinutes(1) || UploadAge > TimeSpan.FromDays(365))
            yield return $"Backhaul:Files:UploadAge is {UploadAge}. Choose one minute to one year; a client must come back within it.";
        if (KeptPartAge < TimeSpan.FromMinutes(1) || KeptPartAge > TimeSpan.FromDays(365))
            yield return $"Backhaul:Files:KeptPartAge is {KeptPartAge}. Choose one minute to one year; resume data is good for as long.";
        if (KeptPartsPerTenantMax is < 0 or > 10_000)
            yield return $"Backhaul:Files:KeptPartsPerTenantMax is {KeptPartsPerTenantMax}. Choose 0 (nothing is kept) to 10,000; each keeping looks at all of them.";
        if (KeptBytesPerTenantMax < 0)
            yield return $"Backhaul:Files:KeptBytesPerTenantMax is {KeptBytesPerTenantMax}. It is a number of bytes, at least 0.";
        if (UploadsPerTenantMax is < 1 or > 100_000)
            yield return $"Backhaul:Files:UploadsPerTenantMax is {UploadsPerTenantMax}. Choose 1 to 100,000.";
    }
}

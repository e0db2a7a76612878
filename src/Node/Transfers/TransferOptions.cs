using Backhaul.Node.Transfers.Conditions;
using Backhaul.Node.Transfers.Origins;

namespace Backhaul.Node.Transfers;

/// <summary>How bytes are moved. Bound from <c>Backhaul:Transfers</c>, validated at start.</summary>
internal sealed record TransferOptions
{
    public const string Section = "Backhaul:Transfers";

    /// <summary>A limit below this is a mistake: a header takes longer.</summary>
    public const long RateMin = 1024;

    /// <summary>Flush a finished file before it is published; false trades the durability of the last bytes for speed.</summary>
    public bool FlushOnComplete { get; init; } = true;

    /// <summary>SHA-256 of every download, also without a digest to compare; costs a core about 1.1 GB/s.</summary>
    public bool ComputeDigest { get; init; }

    /// <summary>
    /// The most transfers that run at once on this node. How many do is found by trying, between <see cref="RunningMin"/> and this: on few cores
    /// more small files at once are slower, and a thousand slow peers cost next to nothing.
    /// </summary>
    public int RunningMax { get; init; } = 1024;

    /// <summary>The fewest that the search goes down to.</summary>
    public int RunningMin { get; init; } = 4;

    /// <summary>Where the search begins: 10,000 small files ran best at 8 to 16 on two cores.</summary>
    public int RunningStart { get; init; } = 16;

    /// <summary>Transfers of this node to one host, over all sessions.</summary>
    public int HostMax { get; init; } = 64;

    /// <summary>Flush and journal the offset of a resumable download this often: what a crash may cost to fetch again.</summary>
    public TimeSpan CheckpointInterval { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>A response's head is journaled when the attempt is older than this; quick transfers report it with their end.</summary>
    public TimeSpan RespondAfter { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>The largest buffer; a transfer has a second one while the disk empties the first. Each costs two threads a wake-up: few large ones are quicker.</summary>
    public int ChunkBytes { get; init; } = 4 * 1024 * 1024;

    /// <summary>Bodies of a known length up to this are read whole and written at once.</summary>
    public int SmallFileBytesMax { get; init; } = 64 * 1024;

    /// <summary>Write-back is started after this many bytes, so that the flush at the end is short.</summary>
    public int WriteBackBytes { get; init; } = 8 * 1024 * 1024;

    /// <summary>Larger files get a last checkpoint before they are published, so that a crash in between does not fetch them again.</summary>
    public long CompleteCheckpointBytesMin { get; init; } = 16 * 1024 * 1024;

    /// <summary>Connections that one download may have at once, when more of them make it faster; 1 never tries.</summary>
    public int SegmentsMax { get; init; } = 4;

    /// <summary>A remainder is split for another connection only when both halves have this much.</summary>
    public long SegmentBytesMin { get; init; } = 16 * 1024 * 1024;

    /// <summary>How long the rate is measured before and after a connection is added.</summary>
    public TimeSpan SegmentWindow { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>A download that brings less than this over a whole <see cref="SpeedWindow"/> is broken off and tried again; 0 never does. Time in which limits held it back does not count.</summary>
    public int BytesPerSecondMin { get; init; } = 64;

    /// <summary>How long a download may be that slow.</summary>
    public TimeSpan SpeedWindow { get; init; } = TimeSpan.FromMinutes(2);

    /// <summary>Uploads above this ask with <c>Expect: 100-continue</c>, so that an early refusal is seen.</summary>
    public long ExpectContinueBytesMin { get; init; } = 1024 * 1024;

    /// <summary>
    /// A resumable upload is sent in requests of this size, so that what a break costs stays small and what a target took is known; the target's own
    /// limits go before it.
    /// </summary>
    public int UploadChunkBytes { get; init; } = 16 * 1024 * 1024;

    /// <summary>What a target answers to an upload is kept as the task's file up to this; a longer answer is not. 0 keeps none.</summary>
    public int UploadAnswerBytesMax { get; init; } = 256 * 1024;

    /// <summary>Error pages, and answers that nobody needs, are read this far so that their connection can be used again.</summary>
    public int DiscardedBodyBytesMax { get; init; } = 64 * 1024;

    /// <summary>A POST whose last byte is out waits this long for its answer when it is asked to stop, since nobody could say what became of it.</summary>
    public TimeSpan AnswerGrace { get; init; } = TimeSpan.FromSeconds(8);

    private static bool IsRate(long? rate) => rate is null or >= RateMin;

    /// <summary>Bytes of bodies that this node moves in a second, in both directions together; null: no limit.</summary>
    public long? BytesPerSecondMax { get; init; }

    /// <summary>Other limits of the node at some times of the day; the first row that the moment lies in decides.</summary>
    public IReadOnlyList<BandwidthRule> Bandwidth { get; init; } = [];

    /// <summary>Whose clock <see cref="Bandwidth"/> means, as UTC or Europe/Berlin.</summary>
    public string BandwidthTimeZone { get; init; } = "UTC";

    /// <summary>Weights of tenants among each other, by their names; 1 for those that have none here.</summary>
    public IReadOnlyDictionary<string, double> TenantWeights { get; init; } = new Dictionary<string, double>(StringComparer.Ordinal);

    /// <summary>When discretionary tasks may start.</summary>
    public DiscretionaryOptions Discretionary { get; init; } = new();

    public BandwidthTable BandwidthTable() =>
        new(Bandwidth, TimeZoneInfo.TryFindSystemTimeZoneById(BandwidthTimeZone, out var zone) ? zone : TimeZoneInfo.Utc, BytesPerSecondMax);

    /// <summary>What is wrong with these options, as sentences for the operator; empty when nothing is.</summary>
    public IReadOnlyList<string> Problems()
    {
        var problems = new List<string>();
        Check(RunningMax is >= 1 and <= 4096, $"{nameof(RunningMax)} must be between 1 and 4096.");
        Check(RunningMin is >= 1 and <= 4096, $"{nameof(RunningMin)} must be between 1 and 4096; above {nameof(RunningMax)} it means {nameof(RunningMax)}.");
        Check(RunningStart is >= 1 and <= 4096, $"{nameof(RunningStart)} must be between 1 and 4096.");
        Check(HostMax is >= 1 and <= 4096, $"{nameof(HostMax)} must be between 1 and 4096.");
        Check(
            CheckpointInterval >= TimeSpan.FromMilliseconds(10) && CheckpointInterval <= TimeSpan.FromMinutes(10),
            $"{nameof(CheckpointInterval)} must be between 10 ms and 10 min.");
        Check(RespondAfter >= TimeSpan.Zero && RespondAfter <= TimeSpan.FromMinutes(1), $"{nameof(RespondAfter)} must be between 0 and 1 min.");
        Check(ChunkBytes is >= 4096 and <= 16 * 1024 * 1024, $"{nameof(ChunkBytes)} must be between 4 KiB and 16 MiB.");
        Check(SmallFileBytesMax is >= 0 and <= 1024 * 1024, $"{nameof(SmallFileBytesMax)} must be between 0 and 1 MiB.");
        Check(WriteBackBytes >= 64 * 1024, $"{nameof(WriteBackBytes)} must be at least 64 KiB.");
        Check(CompleteCheckpointBytesMin >= 0, $"{nameof(CompleteCheckpointBytesMin)} must not be negative.");
        Check(SegmentsMax is >= 1 and <= 64, $"{nameof(SegmentsMax)} must be between 1 and 64.");
        Check(SegmentBytesMin >= 256 * 1024, $"{nameof(SegmentBytesMin)} must be at least 256 KiB.");
        Check(
            SegmentWindow >= TimeSpan.FromMilliseconds(10) && SegmentWindow <= TimeSpan.FromMinutes(1),
            $"{nameof(SegmentWindow)} must be between 10 ms and 1 min.");
        Check(BytesPerSecondMin >= 0, $"{nameof(BytesPerSecondMin)} must not be negative.");
        Check(
            SpeedWindow >= TimeSpan.FromMilliseconds(100) && SpeedWindow <= TimeSpan.FromHours(1),
            $"{nameof(SpeedWindow)} must be between 100 ms and 1 h.");
        Check(ExpectContinueBytesMin >= 0, $"{nameof(ExpectContinueBytesMin)} must not be negative.");
        Check(UploadChunkBytes is >= 4096 and <= 1024 * 1024 * 1024, $"{nameof(UploadChunkBytes)} must be between 4 KiB and 1 GiB.");
        Check(UploadAnswerBytesMax is >= 0 and <= 16 * 1024 * 1024, $"{nameof(UploadAnswerBytesMax)} must be between 0 and 16 MiB.");
        Check(DiscardedBodyBytesMax is >= 0 and <= 1024 * 1024, $"{nameof(DiscardedBodyBytesMax)} must be between 0 and 1 MiB.");
        Check(
            AnswerGrace >= TimeSpan.Zero && AnswerGrace < TimeSpan.FromSeconds(10),
            $"{nameof(AnswerGrace)} must be shorter than the 10 s in which an attempt has to stop.");
        Check(IsRate(BytesPerSecondMax), $"{nameof(BytesPerSecondMax)} must be at least {RateMin} (bytes per second), or be left out.");
        Check(
            TimeZoneInfo.TryFindSystemTimeZoneById(BandwidthTimeZone, out _),
            $"{nameof(BandwidthTimeZone)} {BandwidthTimeZone} is not known here: use UTC or a name such as Europe/Berlin.");
        for (var i = 0; i < Bandwidth.Count; i++)
        {
            Check(Bandwidth[i].TryRead(out _, out _, out _), $"{nameof(Bandwidth)}:{i} needs From and To as 07:30, and Days as Mon, Tue …");
            Check(IsRate(Bandwidth[i].BytesPerSecondMax), $"{nameof(Bandwidth)}:{i}:BytesPerSecondMax must be at least {RateMin}, or be left out for no limit.");
        }
        foreach (var (tenant, weight) in TenantWeights)
            Check(weight is >= 0.01 and <= 100, $"{nameof(TenantWeights)}:{tenant} must be between 0.01 and 100.");
        problems.AddRange(Discretionary.Problems().Select(problem => $"{Section}:{problem}"));
        return problems;

        void Check(bool good, string problem)
        {
            if (!good)
                problems.Add($"{Section}:{problem}");
        }
    }
}

namespace Backhaul.Node.Api;

/// <summary>Limits of the client edge. Bound from <c>Backhaul:Api</c>, validated at start.</summary>
internal sealed record ApiOptions
{
    /// <summary>How long a command may take before the client is told to ask again. Clients may ask for less with <c>X-Deadline-Ms</c>.</summary>
    public TimeSpan Deadline { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>A single task, a change, a configuration.</summary>
    public int BodyBytesMax { get; init; } = 1024 * 1024;

    /// <summary>A list of tasks in one body.</summary>
    public int ArrayBytesMax { get; init; } = 2 * 1024 * 1024;

    public int ArrayTasksMax { get; init; } = 1000;

    /// <summary>Tasks in one NDJSON stream; the stream is not held in memory.</summary>
    public int BulkTasksMax { get; init; } = 100_000;

    /// <summary>Lines of an NDJSON stream that are journaled and acknowledged together. Part of the idempotency of a stream: a client that repeats one across a change of this is asked again for its chunks.</summary>
    public int BulkChunkLines { get; init; } = 500;

    /// <summary>… or this many bytes, whichever comes first: a chunk is one append, also when every line is long.</summary>
    public int BulkChunkBytesMax { get; init; } = 1024 * 1024;

    public int BulkLineBytesMax { get; init; } = 64 * 1024;

    public IEnumerable<string> Faults()
    {
        if (Deadline < TimeSpan.FromSeconds(1) || Deadline > TimeSpan.FromMinutes(10))
            yield return "Backhaul:Api:Deadline must be between 1 s and 10 min.";
        if (BodyBytesMax < 1024 || ArrayBytesMax < BodyBytesMax)
            yield return "Backhaul:Api:BodyBytesMax must be at least 1024, and ArrayBytesMax at least as much as BodyBytesMax.";
        if (ArrayTasksMax < 1 || BulkTasksMax < 1 || BulkChunkLines is < 1 or > 10_000)
            yield return "Backhaul:Api:ArrayTasksMax and BulkTasksMax must be at least 1, and BulkChunkLines from 1 to 10000.";
        if (BulkChunkBytesMax is < 64 * 1024 or > 2 * 1024 * 1024 || ArrayBytesMax > 2 * 1024 * 1024)
            yield return "Backhaul:Api:BulkChunkBytesMax must be from 65536 to 2097152, and ArrayBytesMax at most 2097152: each must fit in one append.";
        if (BulkLineBytesMax is < 256 or > 1024 * 1024)
            yield return "Backhaul:Api:BulkLineBytesMax must be from 256 to 1048576.";
    }
}

using Backhaul.Protocol;

namespace Backhaul.Node.Files;

/// <summary>
/// What lies in the hidden places of containers and may be of no use any more. This port knows names and ages; whether a session still refers to something
/// is the caller's question to ask. Nothing is removed that changed since the given moment.
/// </summary>
internal interface ILeftovers
{
    IReadOnlyList<ContainerName> Containers { get; }

    /// <summary>
    /// The right to sweep a container, one at a time over all nodes that reach it. Null when another has it, or when a sweep ended less than
    /// <paramref name="notWithin"/> ago.
    /// </summary>
    ValueTask<ISweepTurn?> EnterAsync(ContainerName container, TimeSpan notWithin, CancellationToken stop);

    /// <summary>Those of a kind that did not change since <paramref name="before"/>, in the order of their names; at most <paramref name="max"/>.</summary>
    ValueTask<IReadOnlyList<Leftover>> ListAsync(
        ContainerName container, LeftoverKind kind, string? after, int max, DateTimeOffset before, CancellationToken stop);

    /// <summary>False when it changed meanwhile, or somebody holds it. What is gone already counts as removed.</summary>
    ValueTask<bool> RemoveAsync(Leftover leftover, DateTimeOffset before, CancellationToken stop);

    /// <summary>What a container holds, counted one by one.</summary>
    ValueTask<ContainerUsage> MeasureAsync(ContainerName container, CancellationToken stop);

    /// <summary>Where a container is and how much room it has, for operators.</summary>
    ValueTask<ContainerFacts> DescribeAsync(ContainerName container, CancellationToken stop);
}

/// <summary>One sweep of a container. Disposed, the next one may begin.</summary>
internal interface ISweepTurn : IDisposable
{
    /// <summary>Remembers for all nodes that the container was swept now.</summary>
    void Done();
}

/// <summary>What kind of leftover.</summary>
internal enum LeftoverKind
{
    /// <summary>Bytes of a download on their way: useless when its task has ended or never was.</summary>
    Part = 1,

    /// <summary>A temporary result: useless when its event is acknowledged.</summary>
    Result = 2,

    /// <summary>Files on their way in of a process that is dead. Useless as listed.</summary>
    Staging = 3,

    /// <summary>An upload in pieces that was left alone for too long, or the receipt of a complete one. Useless as listed.</summary>
    Upload = 4,

    /// <summary>The part of a download that was cancelled with resume data; nobody's, and useless as listed.</summary>
    Kept = 5,
}

/// <summary>One thing that may be removed as a whole.</summary>
internal sealed record Leftover(ContainerName Container, LeftoverKind Kind, string Name, long Bytes)
{
    /// <summary>Of a part or a result: the hash of the session's key, the generation, the task. Null for the others, and for names that are not ours.</summary>
    public (string Hash, int Generation, TaskId Task)? Task { get; init; }
}

/// <summary>Number and bytes.</summary>
internal readonly record struct FileTally(long Count, long Bytes)
{
    public FileTally Plus(long count, long bytes) => new(Count + count, Bytes + bytes);
}

/// <summary>What a container holds.</summary>
internal sealed record ContainerUsage(FileTally Files, FileTally Parts, FileTally Results, FileTally Staging, FileTally Uploads, FileTally Kept);

/// <summary>What an operator asks first. Room is null where there is no such thing.</summary>
internal sealed record ContainerFacts(string Kind, string Place, bool IsShared, long? BytesFree);

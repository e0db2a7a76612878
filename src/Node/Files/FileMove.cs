using Backhaul.Protocol;

namespace Backhaul.Node.Files;

/// <summary>A rename within one store. The source is a client's path, or the temporary result of a download.</summary>
internal sealed record FileMove
{
    public required TenantId Tenant { get; init; }

    public required ContainerName From { get; init; }

    /// <summary>Null: <see cref="Result"/> is moved.</summary>
    public ContainerPath? Path { get; init; }

    /// <summary>The session, generation and task whose temporary result it is.</summary>
    public (SessionKey Session, int Generation, TaskId Task)? Result { get; init; }

    public required ContainerName To { get; init; }

    public required ContainerPath ToPath { get; init; }

    /// <summary>What must hold of the source.</summary>
    public FileCondition? Condition { get; init; }

    /// <summary>False: a file that lies at the target is not replaced.</summary>
    public bool Replaces { get; init; } = true;
}

using Backhaul.Node.Files;
using Backhaul.Protocol;

namespace Backhaul.Node.Sessions;

/// <summary>
/// Where the bytes of a task lie, told by its owner to whichever node a reader came to: files are on storage that all nodes reach, so no
/// byte of them crosses between nodes. Travels between nodes: append only.
/// </summary>
internal sealed record TaskContent
{
    public required string Kind { get; init; }
    public required string State { get; init; }
    public string? Outcome { get; init; }

    /// <summary>The file of a task that succeeded; of an upload what its target answered.</summary>
    public FileView? File { get; init; }
    public required int Generation { get; init; }

    /// <summary>Of a download under way: container and name of its part, and which of its bytes are durable.</summary>
    public string? Container { get; init; }
    public string? Part { get; init; }
    public RangeSet? Durable { get; init; }
    public long? Total { get; init; }

    public static TaskContent Of(TaskState task, Session session)
    {
        var part = task.Spec.Kind is TaskKind.Download && task.End is null ? task.Run?.Part : null;
        return new TaskContent
        {
            Kind = TaskViews.KindOf(task.Spec.Kind),
            State = TaskViews.StateOf(task.Phase),
            Outcome = task.End?.Outcome,
            File = task.End?.File,
            Generation = session.Generation,
            Container = part is null ? null : session.FilesOf(task).Container.ToString(),
            Part = part?.Part,
            Durable = part?.Durable,
            Total = part?.Total ?? (task.End is null ? task.Run?.Response?.Total : null),
        };
    }
}

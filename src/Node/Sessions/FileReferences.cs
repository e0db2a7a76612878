using System.Text.Json.Serialization;

namespace Backhaul.Node.Sessions;

/// <summary>A task by its generation: what the hidden names of its files hold besides the session.</summary>
internal sealed record TaskStem(int Generation, Protocol.TaskId Task);

/// <summary>Which of the tasks that were asked for a session still refers to, by their place in the question. Between nodes: append only.</summary>
internal sealed record FileReferences(IReadOnlyList<int> Parts, IReadOnlyList<int> Results)
{
    /// <summary>
    /// A live task refers to all of its files: a result that was renamed just before its event too. A task that ended refers to its temporary result until its
    /// event is acknowledged. A generation that is yet to come is one of a journal newer than this one: nobody can say what it refers to, so all of it stays.
    /// </summary>
    public static FileReferences Of(Session session, IReadOnlyList<TaskStem> stems)
    {
        var kept = session.Delivery.Temporary.Values.Select(files => (files.Generation, files.Task)).ToHashSet();
        List<int> parts = [], results = [];
        for (var place = 0; place < stems.Count; place++)
        {
            var (generation, task) = stems[place];
            var isLive = generation > session.Generation || (generation == session.Generation && session.Tasks.TryFind(task, out _));
            if (isLive)
                parts.Add(place);
            if (isLive || kept.Contains((generation, task)))
                results.Add(place);
        }
        return new FileReferences(parts, results);
    }
}

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(FileReferences))]
internal sealed partial class FileReferencesJson : JsonSerializerContext;

using Backhaul.Protocol;

namespace Backhaul.Node.Sessions;

/// <summary>The client is asked whether this attempt may start. Without an answer until then its default holds.</summary>
internal sealed record TaskDelayedRequest(TaskId Task, int Attempt, string Url, DateTimeOffset Until, string Default, DateTimeOffset At) : TaskEvent(Task, At);

/// <summary>The next attempt may start, perhaps with another request: the client said so, or its default.</summary>
internal sealed record TaskRequestDecided(TaskId Task, string? Url, IReadOnlyDictionary<string, string>? Headers, bool ByDefault, DateTimeOffset At) : TaskEvent(Task, At);

namespace Backhaul.Node.Actors;

/// <summary>A snapshot of an actor and those below it, for operators. Taken beside the running actors: numbers are of slightly different moments.</summary>
/// <param name="Path">Names from the root, each after a slash.</param>
/// <param name="Type">The actor's class.</param>
/// <param name="State"><c>starting running paused failed backingOff stopping ended</c>.</param>
/// <param name="InboxDepth">Messages that wait.</param>
/// <param name="Handled">Messages received since the start.</param>
/// <param name="ChildCount">All children, also those that were not asked for.</param>
/// <param name="Children">Down to the depth that was asked for.</param>
internal sealed record ActorTree(
    string Path, string Type, string State, int InboxDepth, long Handled, int ChildCount, IReadOnlyList<ActorTree> Children);

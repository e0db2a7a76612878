using Backhaul.Protocol;

namespace Backhaul.Client;

/// <summary>A method of a delegate threw. Its event is not acknowledged, and comes again after <paramref name="Wait"/>.</summary>
/// <param name="Event">The event.</param>
/// <param name="Exception">What was thrown.</param>
/// <param name="Attempt">How often in a row it was tried, from 1.</param>
/// <param name="Wait">How long until it is tried again.</param>
public sealed record HandlerFailure(EventView Event, Exception Exception, int Attempt, TimeSpan Wait);

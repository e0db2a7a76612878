namespace Backhaul.Node.Transfers.Origins;

/// <summary>Why nothing starts to an origin at present.</summary>
/// <param name="Reason">A word of the wire: <c>retry</c>, <c>hostLimit</c> or <c>systemPolicy</c>.</param>
/// <param name="Until">When it is looked at again; null: when something happens.</param>
/// <param name="Why">A sentence with the numbers behind it.</param>
internal sealed record OriginHold(string Reason, DateTimeOffset? Until, string Why);

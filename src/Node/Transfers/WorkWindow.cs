namespace Backhaul.Node.Transfers;

/// <summary>What the transfers of a node did in a short while.</summary>
/// <param name="Elapsed">How long it was.</param>
/// <param name="Bytes">That came in or went out.</param>
/// <param name="Files">That were finished.</param>
/// <param name="Running">The most that ran at once.</param>
/// <param name="IsWanted">The limit held somebody up, or holds up whatever follows: transfers come and go faster than this window.</param>
internal readonly record struct WorkWindow(TimeSpan Elapsed, long Bytes, int Files, int Running, bool IsWanted);

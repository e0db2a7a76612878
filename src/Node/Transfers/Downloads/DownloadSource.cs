namespace Backhaul.Node.Transfers.Downloads;

/// <summary>What all connections of a download agree on: the version of the source that its part belongs to.</summary>
/// <param name="Validator">Strong; null: nothing can be asked for again, so there is one connection and one body.</param>
/// <param name="ServesRanges">The origin has said or shown so.</param>
internal sealed record DownloadSource(string? Validator, bool ServesRanges);

namespace Backhaul.Node.Journal.Memory;

/// <summary>How the next commits go wrong. An unknown outcome is either applied or not; the caller cannot see which.</summary>
internal sealed record StoreFault(StoreFailure Failure, bool Applied = false, int Times = 1);

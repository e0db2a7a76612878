namespace Backhaul.Node.Files;

/// <summary>What a flush of a part achieved.</summary>
/// <param name="Durable">
/// Of the ranges that were asked for, those that survive a power cut now: all of them on a disk, whole parts only in an object store.
/// </param>
/// <param name="Object">What must be journaled with it so that another node can go on; null on a disk.</param>
internal sealed record PartFlush(RangeSet Durable, ObjectUpload? Object = null);

namespace Backhaul.Origin.Tests.Downloads;

/// <summary>What somebody does to the part of a download while nobody holds it.</summary>
internal enum Sabotage
{
    None,
    Deleted,
    Shortened,
}

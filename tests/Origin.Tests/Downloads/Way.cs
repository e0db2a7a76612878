namespace Backhaul.Origin.Tests.Downloads;

/// <summary>When a fault strikes.</summary>
public enum Way
{
    /// <summary>The first attempt meets it.</summary>
    FirstTry,

    /// <summary>An attempt meets it that continues the part of a broken one.</summary>
    AfterResume,

    /// <summary>The node's process was killed in the middle of the first attempt; the next process's attempt meets it.</summary>
    AfterKill,
}

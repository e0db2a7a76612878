namespace Backhaul.Client;

/// <summary>Names for priorities, which are numbers from 0 to 1.</summary>
public static class TaskPriority
{
    /// <summary>After the others.</summary>
    public const double Low = 0.25;

    /// <summary>What a task has when nobody says otherwise.</summary>
    public const double Default = 0.5;

    /// <summary>Before the others.</summary>
    public const double High = 0.75;
}

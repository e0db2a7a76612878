namespace Backhaul.Node.Sessions;

/// <summary>How a launch ended. Persisted: append only.</summary>
internal static class LaunchEnds
{
    /// <summary>The client said so.</summary>
    public const string Completed = "completed";

    /// <summary>Everything was acknowledged.</summary>
    public const string Acknowledged = "acknowledged";

    /// <summary>Delivered, not completed, and when its time was over nothing was needed any more.</summary>
    public const string Lapsed = "lapsed";

    /// <summary>Not delivered yet when nothing was needed any more.</summary>
    public const string Unneeded = "unneeded";
}

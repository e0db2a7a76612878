namespace Backhaul.Pbm;

/// <summary>Exit codes that the tool gives by itself; every other one comes from the node's last record.</summary>
internal static class ExitCodes
{
    public const int Done = 0;
    public const int Refused = 1;
    public const int Usage = 2;

    /// <summary>Not decided, or not known: the same command may be sent again.</summary>
    public const int TryAgain = 3;
    public const int NotAllowed = 4;
    public const int NotReachable = 5;
    public const int Interrupted = 130;
}

namespace Backhaul.EndToEnd.Tests.Cluster;

/// <summary>How often the cluster's tests repeat themselves: a little in every run, as often as promised with BACKHAUL_SWEEP=long.</summary>
internal static class Sweep
{
    public static bool IsLong { get; } = Environment.GetEnvironmentVariable("BACKHAUL_SWEEP") == "long";

    public static int Rounds(int usual, int @long) => IsLong ? @long : usual;
}

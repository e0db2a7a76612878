using System.Globalization;

namespace Backhaul.EndToEnd.Tests.Cluster;

/// <summary>How often the cluster's tests repeat themselves: a little in every run, as often as promised with BACKHAUL_SWEEP=long.</summary>
internal static class Sweep
{
    public static bool IsLong { get; } = Environment.GetEnvironmentVariable("BACKHAUL_SWEEP") == "long";

    public static int Rounds(int usual, int @long) => IsLong ? @long : usual;

    /// <summary>
    /// What a time that is promised may be on this machine at the moment: the promise is for one with processors to spare, and everything takes longer
    /// with each process that waits for one. The load is a mean of the last minute and lags behind what other tests do meanwhile: a run in which nothing is beside
    /// it (BACKHAUL_SWEEP=long) is held to the promise, any other one to a gross bound.
    /// </summary>
    public static TimeSpan Allowed(TimeSpan promised, TimeSpan otherwise)
    {
        if (!IsLong)
            return otherwise;
        var load = double.Parse(File.ReadAllText("/proc/loadavg").Split(' ')[0], CultureInfo.InvariantCulture);
        return promised * (1 + (load / Environment.ProcessorCount));
    }
}

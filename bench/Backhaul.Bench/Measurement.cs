namespace Backhaul.Bench;

/// <summary>One run of one contestant.</summary>
internal sealed record Measurement(double Seconds, double CpuSeconds, long PeakBytes);

using System.Collections.Immutable;
using System.Diagnostics.Metrics;

namespace Backhaul.Node.Telemetry;

/// <summary>What the kernel shows: it is asked when somebody looks, and counts nothing by itself.</summary>
internal static class ActorInstruments
{
    private static ImmutableList<Func<long>> _deepest = [];

    // Holds the instrument: a gauge nobody refers to would still be published, but the analyzers could not see that it is wanted.
    private static readonly ObservableGauge<long> MailboxDepth = NodeMeter.Meter.CreateObservableGauge(
        "backhaul.mailbox.depth.max", Deepest, "{message}", "Messages waiting in the fullest inbox.");

    /// <summary>Adds a kernel; <paramref name="deepest"/> gives the length of its fullest inbox. Disposing the answer removes it.</summary>
    public static IDisposable Watch(Func<long> deepest)
    {
        _ = MailboxDepth;
        ImmutableInterlocked.Update(ref _deepest, static (list, item) => list.Add(item), deepest);
        return new Registration(deepest);
    }

    private static long Deepest() => _deepest.Select(static deepest => deepest()).DefaultIfEmpty().Max();

    private sealed class Registration(Func<long> deepest) : IDisposable
    {
        public void Dispose() => ImmutableInterlocked.Update(ref _deepest, static (list, item) => list.Remove(item), deepest);
    }
}

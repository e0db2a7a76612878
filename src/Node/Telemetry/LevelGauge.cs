using System.Collections.Concurrent;
using System.Diagnostics.Metrics;

namespace Backhaul.Node.Telemetry;

/// <summary>
/// A number that goes up and down. It is kept here and not in the listener, so that a listener that starts late, or a second one,
/// reads the truth and not the sum of the changes it happened to see.
/// </summary>
internal sealed class LevelGauge
{
    private readonly ConcurrentDictionary<string, long> _levels = new(StringComparer.Ordinal);
    private readonly string? _label;

    public LevelGauge(string name, string unit, string description, string? label = null, params string[] seen)
    {
        _label = label;
        if (label is null)
            _levels[""] = 0;
        foreach (var value in seen)
            _levels[value] = 0;
        NodeMeter.Meter.CreateObservableUpDownCounter(name, Observe, unit, description);
    }

    public void Add(long delta, string labelValue = "") => _levels.AddOrUpdate(labelValue, static (_, d) => d, static (_, level, d) => level + d, delta);

    public long Read(string labelValue = "") => _levels.GetValueOrDefault(labelValue);

    private IEnumerable<Measurement<long>> Observe()
    {
        foreach (var (value, level) in _levels)
            yield return _label is null ? new Measurement<long>(level) : new Measurement<long>(level, new KeyValuePair<string, object?>(_label, value));
    }
}

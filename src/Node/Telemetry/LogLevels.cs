using Microsoft.Extensions.Options;
using Microsoft.Extensions.Primitives;

namespace Backhaul.Node.Telemetry;

/// <summary>One rule of what is logged. <see cref="Origin"/> is <c>operator</c>, <c>configuration</c> or <c>default</c>.</summary>
internal sealed record LogLevelRule(string Category, LogLevel Level, string Origin);

/// <summary>
/// Levels set at run time, on top of the configuration's; they last until the node stops. Loggers re-read their filters when
/// <see cref="Set"/> fires the change token, so nothing is asked on the way of a log call. It must not log itself: the log's own
/// construction asks it.
/// </summary>
internal sealed class LogLevels : IPostConfigureOptions<LoggerFilterOptions>, IOptionsChangeTokenSource<LoggerFilterOptions>, IDisposable
{
    public const string Everything = "*";

    private readonly Lock _gate = new();
    private readonly Dictionary<string, LogLevel> _set = new(StringComparer.Ordinal);
    private CancellationTokenSource _changed = new();
    private IReadOnlyList<LogLevelRule> _effective = [];

    string IOptionsChangeTokenSource<LoggerFilterOptions>.Name => Options.DefaultName;

    /// <summary>Sets the level of all categories that begin with this text, or of <see cref="Everything"/>.</summary>
    public void Set(string category, LogLevel level)
    {
        CancellationTokenSource before;
        lock (_gate)
        {
            _set[category] = level;
            before = _changed;
            _changed = new CancellationTokenSource();
        }
        before.Cancel();
        before.Dispose();
    }

    /// <summary>The rules in force, by category; those for single log targets are left out.</summary>
    public IReadOnlyList<LogLevelRule> Effective()
    {
        lock (_gate)
            return _effective;
    }

    IChangeToken IOptionsChangeTokenSource<LoggerFilterOptions>.GetChangeToken()
    {
        lock (_gate)
            return new CancellationChangeToken(_changed.Token);
    }

    void IPostConfigureOptions<LoggerFilterOptions>.PostConfigure(string? name, LoggerFilterOptions options)
    {
        lock (_gate)
        {
            var rules = new Dictionary<string, LogLevelRule>(StringComparer.Ordinal)
            {
                [Everything] = new(Everything, options.MinLevel, "default"),
            };
            foreach (var rule in options.Rules.Where(r => r.ProviderName is null && r.LogLevel is not null))
                rules[rule.CategoryName ?? Everything] = new(rule.CategoryName ?? Everything, rule.LogLevel!.Value, "configuration");
            // A rule for one log target beats a general one, so the operator's is repeated for each target that has rules of its own.
            string?[] targets = [null, .. options.Rules.Select(r => r.ProviderName).Where(p => p is not null).Distinct(StringComparer.Ordinal)];
            foreach (var (category, level) in _set)
            {
                rules[category] = new(category, level, "operator");
                foreach (var target in targets)
                    options.Rules.Add(new LoggerFilterRule(target, category == Everything ? null : category, level, null));
            }
            _effective = [.. rules.Values.OrderBy(r => r.Category, StringComparer.Ordinal)];
        }
    }

    public void Dispose() => _changed.Dispose();
}

using Backhaul.Protocol;

namespace Backhaul.Node.Sessions;

/// <summary>
/// How soon the next launch may be. Each launch in a row doubles the delay before the next: 60 s, 2 min, 4 min … 4 h. A need that arises when the delay has
/// passed finds it rested, and is told at once; one that stood before (a launch that nobody handled) waits the delay out and doubles it. A client that
/// attaches by itself rests it too. A budget of the session holds besides. Persisted; pure.
/// <code>
///   rested ──launch──► 60 s ──launch at its end──► 120 s ──► … ──► 4 h ──► 4 h
///     ▲                  └── passes without a need, or a client attaches by itself ──┐
///     └──────────────────────────────────────────────────────────────────────────────┘
/// </code>
/// </summary>
/// <param name="Level">Launches in a row; 0: rested.</param>
/// <param name="Until">The end of the delay.</param>
/// <param name="Recent">Times of launches, oldest first: those of the last hour, and the last one always.</param>
internal sealed record LaunchLimiter(int Level, DateTimeOffset Until, IReadOnlyList<DateTimeOffset> Recent)
{
    /// <summary>The most that a budget may allow in an hour, and so the most that is remembered.</summary>
    public const int PerHourMax = 60;

    private static readonly TimeSpan First = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan Longest = TimeSpan.FromHours(4);
    private static readonly TimeSpan Hour = TimeSpan.FromHours(1);

    public static LaunchLimiter Rested { get; } = new(0, DateTimeOffset.UnixEpoch, []);

    /// <summary>The delay behind the launch of a level.</summary>
    public static TimeSpan DelayOf(int level) => level switch
    {
        <= 0 => TimeSpan.Zero,
        >= 9 => Longest,
        _ => First * (1 << (level - 1)) is var delay && delay < Longest ? delay : Longest,
    };

    /// <summary>The level of a launch for what is needed since then.</summary>
    public int LevelFor(DateTimeOffset since) => IsRestedFor(since) ? 1 : Level + 1;

    /// <summary>The earliest launch for what is needed since then.</summary>
    public DateTimeOffset NextAt(DateTimeOffset since, LaunchLimitConfiguration? budget)
    {
        var at = IsRestedFor(since) ? since : Until;
        if (budget?.MinimumSpacing is { } spacing && Recent.Count > 0)
            at = Later(at, Recent[^1] + spacing);
        if (budget?.PerHour is { } most && Recent.Count >= most)
            at = Later(at, Recent[^most] + Hour);
        return at;
    }

    public LaunchLimiter Launched(int level, DateTimeOffset at) =>
        new(level, at + DelayOf(level), [.. Recent.Where(past => at - past < Hour).TakeLast(PerHourMax - 1), at]);

    /// <summary>Its receiver has it only now: the delay counts from here.</summary>
    public LaunchLimiter Delivered(DateTimeOffset at) => this with { Until = Later(Until, at + DelayOf(Level)) };

    /// <summary>The budget stays as it is.</summary>
    public LaunchLimiter Rest() => new(0, DateTimeOffset.UnixEpoch, Recent);

    private bool IsRestedFor(DateTimeOffset since) => Level == 0 || since > Until;

    private static DateTimeOffset Later(DateTimeOffset one, DateTimeOffset other) => one > other ? one : other;
}

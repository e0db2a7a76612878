using Backhaul.Protocol;

namespace Backhaul.Node.Api;

/// <summary>Which statuses are results, and how failures are retried: the parts that tasks and sessions share.</summary>
internal static class RetryRules
{
    private const int EntriesMax = 64;

    private static readonly TimeSpan WaitMin = TimeSpan.FromMilliseconds(10);
    private static readonly TimeSpan WaitMax = TimeSpan.FromHours(24);
    private static readonly TimeSpan FirstDefault = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LongestDefault = TimeSpan.FromMinutes(5);

    public static Problem? Check(RetryConfiguration? retry, string field)
    {
        if (retry is null)
            return null;
        if (retry.First is { } first && (first < WaitMin || first > WaitMax))
            return Invalid($"{field}.first", "must be between PT0.01S and PT24H.");
        if (retry.Longest is { } longest && (longest < WaitMin || longest > WaitMax))
            return Invalid($"{field}.longest", "must be between PT0.01S and PT24H.");
        if ((retry.Longest ?? LongestDefault) < (retry.First ?? FirstDefault))
            return Invalid($"{field}.longest", "must not be shorter than first (defaults: first PT1S, longest PT5M).");
        if (retry.Statuses is not { } statuses)
            return null;
        if (statuses.Count > EntriesMax)
            return Invalid($"{field}.statuses", $"has more than {EntriesMax} entries.");
        for (var i = 0; i < statuses.Count; i++)
        {
            if (statuses[i] is < 400 or > 599)
                return Invalid($"{field}.statuses[{i}]", "must be a status from 400 to 599: only errors are retried.");
        }
        return null;
    }

    public static Problem? CheckAcceptStatus(IReadOnlyList<string>? accept, string field)
    {
        if (accept is null)
            return null;
        if (accept.Count > EntriesMax)
            return Invalid(field, $"has more than {EntriesMax} entries.");
        for (var i = 0; i < accept.Count; i++)
        {
            if (!IsStatusOrRange(accept[i]))
                return Invalid($"{field}[{i}]", "must be a status such as \"404\" or a range such as \"400-499\", from 200 to 599.");
        }
        return null;
    }

    private static bool IsStatusOrRange(string? text) => text?.Length switch
    {
        3 => Status(text) is not null,
        7 => text[3] == '-' && Status(text.AsSpan(0, 3)) is { } from && Status(text.AsSpan(4)) is { } to && from <= to,
        _ => false,
    };

    private static int? Status(ReadOnlySpan<char> digits) =>
        !digits.ContainsAnyExceptInRange('0', '9') && int.Parse(digits) is >= 200 and <= 599 and var status ? status : null;

    private static Problem Invalid(string field, string what) => Problems.Create(400, ProblemCodes.InvalidField, $"{field} {what}", field);
}

using Backhaul.Node.Files;
using Backhaul.Node.Sessions;
using Backhaul.Protocol;

namespace Backhaul.Node.Api;

/// <summary>From a client's words about ranges to the command. Pure.</summary>
internal static class RangeRules
{
    private const int RangesMax = 256;
    private static readonly TimeSpan DeferralMax = TimeSpan.FromHours(1);

    public static Validated<SessionCommand> Validate(TaskId task, RangesRequest request)
    {
        var wanted = RangeSet.Empty;
        if (request.Ranges is { Count: > RangesMax })
            return Invalid("ranges", $"has {request.Ranges.Count} entries; at most {RangesMax} fit into one call.");
        foreach (var range in request.Ranges ?? [])
        {
            if (range is not [>= 0 and var from, var to] || to <= from)
                return Invalid("ranges", "is an array of [from, to] with 0 <= from < to; to is the byte after the last one.");
            wanted = wanted.Add(new ByteRange(from, to));
        }
        if (request.Deferral is { } deferral && (deferral <= TimeSpan.Zero || deferral > DeferralMax))
            return Invalid("deferral", "must be longer than zero and at most PT1H.");
        if (request is { Deferral: not null, Release: true })
            return Invalid("release", "cannot come with a deferral: one call opens it, another ends it.");
        if (wanted.IsEmpty && request.Deferral is null && request.Release is not true)
            return Invalid("ranges", "is missing: name the bytes to fetch first, a deferral, or release.");
        return new SessionCommand.WantRanges(task, wanted, request.Deferral, request.Release is true);
    }

    private static Problem Invalid(string field, string what) => Problems.Create(400, ProblemCodes.InvalidField, $"{field} {what}", field);
}

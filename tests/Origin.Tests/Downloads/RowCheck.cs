using System.Globalization;
using System.Security.Cryptography;
using Backhaul.FaultOrigin;
using Xunit;

namespace Backhaul.Origin.Tests.Downloads;

/// <summary>What holds for a row whichever way it went: the file, the ends, and the requests by the origin's own journal.</summary>
internal static class RowCheck
{
    /// <param name="row">The row.</param>
    /// <param name="way">How the fault was met.</param>
    /// <param name="ends">How each attempt ended.</param>
    /// <param name="requests">What the origin saw from the fault on.</param>
    /// <param name="checkpoints">Offsets that were durable, in their order; the first request may only go on from the first.</param>
    /// <param name="file">The published file, null when there is none.</param>
    public static async Task HoldsAsync(
        FaultRow row, Way way, IReadOnlyList<string> ends, IReadOnlyList<OriginRequest> requests, IReadOnlyList<long> checkpoints, string? file)
    {
        var trace = row.TraceOf(way);
        var seen = string.Join(" ", requests.Select(request => request.Range ?? "whole"));
        Assert.True(trace.Ends.SequenceEqual(ends, StringComparer.Ordinal), $"{row} ended as '{string.Join(' ', ends)}', not as '{string.Join(' ', trace.Ends)}'; asked: {seen}");
        Assert.True(trace.Requests.Count == requests.Count, $"{row} asked {requests.Count} times, not {trace.Requests.Count}: {seen}");
        for (var i = 0; i < requests.Count; i++)
            AskedRightly(row, trace.Requests[i], requests[i], i == 0 ? [.. checkpoints.Take(1)] : checkpoints, seen);
        if (!trace.Succeeds)
        {
            Assert.Null(file);
            return;
        }
        Assert.NotNull(file);
        var seed = row.Seed(way) + (row.IsChanged && way != Way.FirstTry ? "-changed" : "");
        await using var content = File.OpenRead(file);
        Assert.Equal(row.Length, content.Length);
        Assert.Equal(OriginContent.Sha256(seed, row.Length), Convert.ToHexStringLower(await SHA256.HashDataAsync(content, TestContext.Current.CancellationToken)));
    }

    private static void AskedRightly(FaultRow row, char wanted, OriginRequest request, IReadOnlyList<long> checkpoints, string seen)
    {
        if (wanted == '0' || checkpoints.All(offset => offset == 0))
        {
            Assert.True(request.Range is null && request.IfRange is null, $"{row} asked for a part where the whole file was due: {seen}");
            return;
        }
        Assert.Contains(request.Range, checkpoints.Select(offset => string.Create(CultureInfo.InvariantCulture, $"bytes={offset}-")));
        Assert.True(request.IfRange is not null && !request.IfRange.StartsWith("W/", StringComparison.Ordinal), $"{row} asked for a part without a strong If-Range: {seen}");
    }
}

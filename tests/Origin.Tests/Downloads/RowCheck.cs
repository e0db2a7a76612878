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
    /// <param name="asks">What the origin saw from the fault on, and from where each request might go on.</param>
    /// <param name="file">The published file, null when there is none.</param>
    public static async Task HoldsAsync(
        FaultRow row, Way way, IReadOnlyList<string> ends, IReadOnlyList<SeenAsk> asks, string? file)
    {
        var trace = row.TraceOf(way);
        var seen = string.Join(" ", asks.Select(ask => ask.Request.Range ?? "whole"));
        Assert.True(trace.Ends.Count == ends.Count && trace.Ends.Zip(ends).All(pair => pair.First.Split('|').Contains(pair.Second, StringComparer.Ordinal)), $"{row} ended as '{string.Join(' ', ends)}', not as '{string.Join(' ', trace.Ends)}'; asked: {seen}");
        Assert.True(trace.Requests.Count == asks.Count, $"{row} asked {asks.Count} times, not {trace.Requests.Count}: {seen}");
        for (var i = 0; i < asks.Count; i++)
            AskedRightly(row, trace.Requests[i], asks[i], seen);
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

    private static void AskedRightly(FaultRow row, char wanted, SeenAsk ask, string seen)
    {
        var request = ask.Request;
        if (wanted == '0' || ask.Durable.All(offset => offset == 0))
        {
            Assert.True(request.Range is null && request.IfRange is null, $"{row} asked for a part where the whole file was due: {seen}");
            return;
        }
        var due = ask.Durable.Select(offset => string.Create(CultureInfo.InvariantCulture, $"bytes={offset}-")).ToList();
        Assert.True(request.Range is not null && due.Contains(request.Range), $"{row} asked for other bytes than {string.Join(" or ", due)}: {seen}");
        Assert.True(request.IfRange is not null && !request.IfRange.StartsWith("W/", StringComparison.Ordinal), $"{row} asked for a part without a strong If-Range: {seen}");
    }
}

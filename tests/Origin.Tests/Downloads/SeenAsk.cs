using System.Globalization;
using Backhaul.FaultOrigin;

namespace Backhaul.Origin.Tests.Downloads;

/// <summary>A request in the origin's journal, and the offsets from which it might go on: its attempt's start, and what became durable in the attempt.</summary>
internal sealed record SeenAsk(OriginRequest Request, IReadOnlyList<long> Durable)
{
    /// <summary>Where an answer ended: one attempt goes on there without waiting for a checkpoint.</summary>
    public static long EndOf(OriginRequest request) =>
        (request.Range is { } range ? long.Parse(range.AsSpan(6, range.IndexOf('-') - 6), CultureInfo.InvariantCulture) : 0) + request.BytesSent;
}

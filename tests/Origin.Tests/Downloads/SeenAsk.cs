using Backhaul.FaultOrigin;

namespace Backhaul.Origin.Tests.Downloads;

/// <summary>A request in the origin's journal, and the offsets from which it might go on: its attempt's start, and what became durable in the attempt.</summary>
internal sealed record SeenAsk(OriginRequest Request, IReadOnlyList<long> Durable);

namespace Backhaul.FaultOrigin;

/// <summary>Which bytes of which content follow a head.</summary>
internal sealed record BytesBody(string Seed, long From, long Count);

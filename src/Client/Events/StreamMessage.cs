namespace Backhaul.Client.Events;

/// <summary>One message of a server-sent event stream.</summary>
/// <param name="Id">The event's number as text; null on messages without one.</param>
/// <param name="Type">What it is.</param>
/// <param name="Data">Its data in UTF-8.</param>
internal sealed record StreamMessage(string? Id, string Type, ReadOnlyMemory<byte> Data);

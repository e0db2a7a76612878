using System.Text.Json.Serialization;
using Backhaul.Protocol;

namespace Backhaul.Node.Routing.Peers;

/// <summary>One line of a feed between nodes; a line without a field says that the owner is there. Fields that a node does not know are passed over.</summary>
/// <param name="News">Events were published.</param>
/// <param name="Progress">A task moved.</param>
/// <param name="Closed">The session left the memory of its owner, or moves.</param>
internal sealed record FeedFrame(bool? News = null, ProgressView? Progress = null, bool? Closed = null);

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    Converters = [typeof(DurationConverter), typeof(InstantConverter)])]
[JsonSerializable(typeof(FeedFrame))]
internal sealed partial class FeedJson : JsonSerializerContext;

using Backhaul.Node.Actors;
using Backhaul.Node.Delivery;
using Backhaul.Node.Routing;

namespace Backhaul.Node.Api;

/// <summary>What reading events needs, in one piece.</summary>
internal sealed record EventDelivery(
    SessionFeed Feed, IEventSource Source, DeliveryOptions Options, NodeReadiness Readiness, TimeProvider Time, IRandom Random);

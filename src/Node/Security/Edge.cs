using Microsoft.AspNetCore.Server.Kestrel.Core;

namespace Backhaul.Node.Security;

/// <summary>Which of the node's doors a connection came through.</summary>
[Flags]
internal enum Edge
{
    /// <summary>For clients: sessions, tasks, events, files.</summary>
    Client = 1,

    /// <summary>For operators: palettes, metrics, dashboard.</summary>
    Operator = 2,
}

/// <summary>
/// Keeps the doors apart although one server holds both. A connection is marked by the listener that accepted it, which nothing a
/// client sends can change; an endpoint says on which doors it exists, and is not there on another. Without a mark it is a client's.
/// </summary>
internal static class Edges
{
    /// <summary>Marks every connection of a listener.</summary>
    public static void MarkConnections(this ListenOptions listener, Edge edge) => listener.Use(next => connection =>
    {
        connection.Features.Set(new Mark(edge));
        return next(connection);
    });

    public static Edge Of(HttpContext context) => context.Features.Get<Mark>()?.Edge ?? Edge.Client;

    /// <summary>Says on which doors these endpoints exist.</summary>
    public static TBuilder OnEdge<TBuilder>(this TBuilder endpoints, Edge edge)
        where TBuilder : IEndpointConventionBuilder => endpoints.WithMetadata(new Doors(edge));

    /// <summary>After routing: an endpoint of another door is as if it did not exist.</summary>
    public static Task HideOtherEdgesAsync(HttpContext context, RequestDelegate next)
    {
        if (context.GetEndpoint() is { } endpoint && !DoorsOf(endpoint.Metadata).HasFlag(Of(context)))
            context.SetEndpoint(null);
        return next(context);
    }

    /// <summary>On which doors an endpoint with this metadata exists; the client's when it says nothing.</summary>
    public static Edge DoorsOf(IEnumerable<object> metadata) => metadata.OfType<Doors>().LastOrDefault()?.Edges ?? Edge.Client;

    private sealed record Mark(Edge Edge);

    private sealed record Doors(Edge Edges);
}

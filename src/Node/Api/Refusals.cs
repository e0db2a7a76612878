using Backhaul.Protocol;

namespace Backhaul.Node.Api;

/// <summary>Says in the description of the API how a call may be refused.</summary>
internal static class Refusals
{
    /// <summary>The statuses that every call may have, and those named.</summary>
    public static RouteHandlerBuilder Refuses(this RouteHandlerBuilder call, params ReadOnlySpan<int> statuses)
    {
        foreach (var status in (ReadOnlySpan<int>)[400, 401, 403, .. statuses, 429, 500, 503])
            call.Produces<Problem>(status, Problems.ContentType);
        return call;
    }
}

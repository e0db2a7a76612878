using Backhaul.Node.Delivery;
using Backhaul.Node.Sessions;
using Backhaul.Protocol;
using Backhaul.Simulation.Tests.Delivery;

namespace Backhaul.Simulation.Tests.Workload;

/// <summary>How a client reaches a node: null when nobody answered in time.</summary>
internal interface ISimEdge
{
    Task<CommandReply?> AskAsync(SessionKey session, SessionCommand command, CommandKey? key, TimeSpan patience);

    /// <summary>A page that waits for its first event.</summary>
    Task<EventReading?> PollAsync(SessionKey session, long after, TimeSpan wait);

    /// <summary>Opens a stream; what comes is told to <paramref name="saw"/>.</summary>
    SimStream? Attach(SessionKey session, long after, Action<EventView> saw, Action<Problem> wasRefused, TimeSpan slowness);
}

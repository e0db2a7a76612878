using Backhaul.Node.Sessions;
using Backhaul.Protocol;

namespace Backhaul.Node.Routing;

/// <summary>Brings a command to the session's owner and its answer back, wherever that is.</summary>
internal interface ICommandRouter
{
    /// <summary>Answers before the deadline, always.</summary>
    ValueTask<CommandReply> ExecuteAsync(SessionKey session, SessionCommand command, CommandKey? key, TimeSpan deadline, CancellationToken stop);
}

using Backhaul.Node.Actors;
using Backhaul.Node.Sessions;
using Backhaul.Protocol;

namespace Backhaul.Node.Sharding;

/// <summary>What a shard's mailbox holds.</summary>
internal abstract record ShardMessage
{
    private ShardMessage()
    {
    }

    /// <summary>A command for one of its sessions; always answered.</summary>
    internal sealed record Execute(SessionKey Session, SessionCommand Command, CommandKey? Key, Request<CommandReply> Reply) : ShardMessage;

    /// <summary>A session has something to do by itself.</summary>
    internal sealed record Wake(SessionKey Session) : ShardMessage;

    /// <summary>The tenure's phase changed: look at it, as with every message.</summary>
    internal sealed record PhaseChanged : ShardMessage;

    /// <summary>An operator lets a quarantined session be tried again; answered with whether it was quarantined.</summary>
    internal sealed record Release(SessionKey Session, Request<bool> Reply) : ShardMessage;
}

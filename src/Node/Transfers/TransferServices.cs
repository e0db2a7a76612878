using Backhaul.Node.Egress;
using Backhaul.Node.Files;

namespace Backhaul.Node.Transfers;

/// <summary>What every attempt works with.</summary>
internal sealed record TransferServices(
    OutboundClients Clients, RequestSender Sender, IPartFiles Parts, IFileWork Work, TransferOptions Options, TimeProvider Time);

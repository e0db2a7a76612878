using Backhaul.Node.Egress;
using Backhaul.Node.Files;
using Backhaul.Node.Transfers.Downloads;
using Backhaul.Node.Transfers.Origins;

namespace Backhaul.Node.Transfers;

/// <summary>What every attempt works with.</summary>
internal sealed record TransferServices(
    OutboundClients Clients, RequestSender Sender, IPartFiles Parts, IFileWork Work, TransferOptions Options, TimeProvider Time, ITransferSlots Slots, Paces Paces,
    OriginGates Gates)
{
    /// <summary>Who judges what an answer to a download is good for.</summary>
    public ResumeJudge Judge { get; init; } = ResumeRules.Decide;
}

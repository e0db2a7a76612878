using Backhaul.Node.Transfers.Origins;

namespace Backhaul.Node.Hosting;

/// <summary>Deals with the store about origins from when the node has joined until it stops; its shares are given back with the last deal.</summary>
internal sealed class OriginDealing(OriginDeals deals) : BackgroundService
{
    protected override Task ExecuteAsync(CancellationToken stoppingToken) => deals.RunAsync(stoppingToken);
}

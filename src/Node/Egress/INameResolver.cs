using System.Net;

namespace Backhaul.Node.Egress;

/// <summary>Names to addresses; a seam, because tests and the simulator bring their own answers.</summary>
internal interface INameResolver
{
    /// <summary>All addresses in the order of preference. Throws <see cref="System.Net.Sockets.SocketException"/> when there are none.</summary>
    ValueTask<IReadOnlyList<IPAddress>> ResolveAsync(string host, CancellationToken stop);
}

/// <summary>The system's resolver.</summary>
internal sealed class SystemNameResolver : INameResolver
{
    public async ValueTask<IReadOnlyList<IPAddress>> ResolveAsync(string host, CancellationToken stop) => await Dns.GetHostAddressesAsync(host, stop);
}

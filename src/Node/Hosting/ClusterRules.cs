using Backhaul.Node.Files;
using Backhaul.Node.Routing.Peers;

namespace Backhaul.Node.Hosting;

/// <summary>What a node of a cluster must be told, or it must not start.</summary>
internal static class ClusterRules
{
    public static void Check(PeerOptions peers, ContainerTable containers, OptionsReader reader)
    {
        if (string.IsNullOrWhiteSpace(peers.Url))
            reader.Refuse("Backhaul:Store:Provider is postgres, so other nodes must reach this one: set Backhaul:Node:Url to where, such as http://10.0.0.7:5090.");
        foreach (var (name, container) in containers.Containers.OrderBy(pair => pair.Key.ToString(), StringComparer.Ordinal))
        {
            if (!container.Shared)
            {
                reader.Refuse(
                    $"Backhaul:Containers:{name} lies in {container.Path}, on this node alone as far as is known, but in a cluster another node may go on with its files. "
                    + $"Put it where every node reaches the same files under the same path, and set Backhaul:Containers:{name}:Shared=true.");
            }
        }
    }
}

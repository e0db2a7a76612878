using System.Reflection;
using Backhaul.Node.Ops.Palettes;

namespace Backhaul.Node.Ops;

/// <summary>What an operator wants to know of the process; fixed at its start.</summary>
internal sealed record NodeFacts(string Name, string Version, string DataDirectory, string StoreProvider, string ClientUrls, DateTimeOffset StartedAt, long StartedTimestamp)
{
    public NodeCard Card => new(Name, Version);

    public static NodeFacts Gather(IConfiguration configuration, string dataDirectory, TimeProvider time) => new(
        configuration["Backhaul:Node:Name"] is { Length: > 0 } name ? name : Environment.MachineName,
        typeof(NodeFacts).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "0",
        dataDirectory,
        configuration["Backhaul:Store:Provider"] is { Length: > 0 } provider ? provider : "sqlite",
        configuration["urls"] is { Length: > 0 } urls ? urls : "http://127.0.0.1:5080",
        time.GetUtcNow(),
        time.GetTimestamp());
}

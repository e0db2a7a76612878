using Backhaul.Node.Security;

namespace Backhaul.Node.Hosting;

/// <summary>Where the client edge listens, and that it never listens beyond this machine without keys.</summary>
internal static class ListenRules
{
    public static void Check(IConfiguration configuration, SecurityOptions security, OptionsReader reader)
    {
        if (configuration.GetSection("Kestrel:Endpoints").Exists())
            reader.Refuse("Kestrel:Endpoints is not used here; set urls (ASPNETCORE_URLS) instead.");
        if (string.IsNullOrWhiteSpace(configuration["urls"]))
            configuration["urls"] = NodeOptions.UrlsDefault;
        var addresses = ListenAddress.ParseList(configuration["urls"]!, out var fault);
        if (fault is not null)
            reader.Refuse(fault);
        if (security.Keys.Count == 0 && addresses.FirstOrDefault(address => !address.IsLoopback) is { } open)
        {
            reader.Refuse(
                $"The node has no keys, so it must not listen on {open}, which other machines can reach. "
                + "Configure at least one key (Backhaul:Security:Keys:0:Sha256 and :Tenant), or listen on 127.0.0.1 only.");
        }
    }
}

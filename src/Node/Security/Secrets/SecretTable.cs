using Backhaul.Protocol;

namespace Backhaul.Node.Security;

/// <summary>
/// The secrets of <c>Backhaul:Secrets</c>, by name. Sessions, events and the journal hold names only; whoever opens a connection asks here,
/// for a tenant, at the moment of use. Read once at the start; a changed secret is a restart. The node writes no secret anywhere.
/// </summary>
internal sealed class SecretTable
{
    public const string Section = "Backhaul:Secrets";

    private const int CountMax = 1000;

    private readonly Dictionary<string, Entry> _byName = new(StringComparer.OrdinalIgnoreCase);

    public static SecretTable Empty { get; } = new();

    /// <summary>What is wrong comes back as sentences for the operator, none with a value in it; the table holds what was right.</summary>
    public static SecretTable Read(IConfiguration secrets, out IReadOnlyList<string> faults)
    {
        var found = new List<string>();
        var table = new SecretTable();
        foreach (var section in secrets.GetChildren())
        {
            var before = found.Count;
            var secret = new SecretReader(section, found).Read();
            var tenants = ReadTenants(section.GetSection("Tenants"), found);
            if (secret is not null && found.Count == before)
                table._byName[section.Key] = new Entry(secret, tenants);
        }
        if (table._byName.Count > CountMax)
            found.Add($"{Section} has {table._byName.Count} secrets; at most {CountMax} are taken.");
        faults = found;
        return table;
    }

    /// <summary>The secret of that name, if this tenant may use it.</summary>
    public Secret? Find(TenantId tenant, string name) =>
        _byName.TryGetValue(name, out var entry) && (entry.Tenants is null || entry.Tenants.Contains(tenant)) ? entry.Secret : null;

    private static HashSet<TenantId>? ReadTenants(IConfigurationSection section, List<string> faults)
    {
        HashSet<TenantId> tenants = [];
        foreach (var child in section.GetChildren())
        {
            if (TenantId.TryParse(child.Value, out var tenant))
                tenants.Add(tenant);
            else
                faults.Add($"{child.Path} is not valid. {TenantId.Rule}");
        }
        if (section.Value is not null)
            faults.Add($"{section.Path} is a list: name the tenants as {section.Path}:0, {section.Path}:1 and so on, or leave it out for all of them.");
        return tenants.Count > 0 ? tenants : null;
    }

    private sealed record Entry(Secret Secret, HashSet<TenantId>? Tenants);
}

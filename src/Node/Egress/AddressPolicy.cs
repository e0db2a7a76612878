using System.Net;
using System.Net.Sockets;

namespace Backhaul.Node.Egress;

/// <summary>
/// Which addresses may be reached. A tenant chooses URLs, so without this a task could read the inside of the operator's network or
/// the credentials a cloud hands out at its metadata address.
/// <para>
/// Invariants: every address of a name is checked, and one refused address refuses the name; what is checked is the parsed socket
/// address, with embedded IPv4 forms unwrapped, so that no spelling gets around it; the connection is made to the checked address and
/// the name is not asked again (see <see cref="OutboundClients"/>). Redirects pass the same check, because each hop connects.
/// Exceptions come from the operator, never from a tenant, and never lift the ban of metadata addresses.
/// </para>
/// Pure: called by <see cref="OutboundClients"/> for each new connection, and by tests.
/// </summary>
internal sealed class AddressPolicy(IReadOnlyList<AllowRule> exceptions)
{
    private static readonly IPNetwork[] RefusedNetworks =
    [
        .. Networks("0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.0.2.0/24"),
        .. Networks("192.88.99.0/24 192.168.0.0/16 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 224.0.0.0/4 240.0.0.0/4 168.63.129.16/32"),
        .. Networks("::/128 ::1/128 64:ff9b:1::/48 100::/64 2001::/32 2001:10::/28 2001:20::/28 2001:db8::/32 3fff::/20 5f00::/16"),
        .. Networks("fc00::/7 fe80::/10 fec0::/10 ff00::/8"),
    ];

    /// <summary>What nobody reaches without an exception; a network's own rules around the node are compared with these.</summary>
    public static IReadOnlyList<IPNetwork> Refused => RefusedNetworks;

    /// <summary>Where clouds hand out credentials; no exception lifts these.</summary>
    private static readonly IPAddress[] Metadata =
    [
        .. "169.254.169.254 169.254.170.2 169.254.170.23 168.63.129.16 100.100.100.200 192.0.0.192 fd00:ec2::254 fd00:ec2::23 fd20:ce::254"
            .Split(' ').Select(IPAddress.Parse),
    ];

    public static IReadOnlyList<IPAddress> MetadataAddresses => Metadata;

    private static readonly string[] MetadataNames = ["metadata.google.internal", "metadata.goog", "instance-data", "instance-data.ec2.internal"];
    private static readonly string[] LocalSuffixes = [".localhost", ".localdomain", ".local"];

    /// <summary>An address that no rule is about.</summary>
    private static readonly IPAddress Elsewhere = IPAddress.Parse("8.0.0.0");

    private static readonly IPNetwork Compatible = IPNetwork.Parse("::/96");
    private static readonly IPNetwork Translated = IPNetwork.Parse("::ffff:0:0:0/96");
    private static readonly IPNetwork Nat64 = IPNetwork.Parse("64:ff9b::/96");
    private static readonly IPNetwork SixToFour = IPNetwork.Parse("2002::/16");

    /// <summary>Mail, shells, databases, our own operator's port and the kubelet: nothing that serves files.</summary>
    private static readonly int[] RefusedPorts = [22, 25, 110, 143, 3306, 5432, 6379, 9110, 10250];

    public static AddressPolicy From(EgressOptions options) =>
        new([.. options.Allow.Select(text => AllowRule.TryParse(text, out var rule, out var why) ? rule : throw new FormatException(why))]);

    /// <summary>This policy with one more exception, for one host at one port.</summary>
    public AddressPolicy With(string host, int port) => new([.. exceptions, AllowRule.Of(host, port)]);

    /// <summary>The verdict on a host with all the addresses its name has.</summary>
    public AddressVerdict Check(string host, int port, IReadOnlyList<IPAddress> addresses)
    {
        var canonical = Canonical(host);
        if (addresses.Count == 0)
            return AddressVerdict.Refuse($"{host} has no address.");
        foreach (var address in addresses)
        {
            var verdict = CheckOne(canonical, port, address);
            if (!verdict.Allowed)
                return verdict;
        }
        return AddressVerdict.Allow;
    }

    /// <summary>
    /// The verdict on a host that a proxy resolves and connects to: its port, an address that is written out, and names that mean this machine or a
    /// cloud's metadata. Where another name leads only the proxy knows; it needs a rule of its own against private addresses.
    /// </summary>
    public AddressVerdict CheckUnresolved(string host, int port)
    {
        var canonical = Canonical(host);
        if (IPAddress.TryParse(canonical, out var address))
            return CheckOne(canonical, port, address);
        if (MetadataNames.Contains(canonical))
            return AddressVerdict.Refuse($"{host} leads to a metadata address of a cloud, which is never reached.");
        var isLocal = canonical == "localhost" || LocalSuffixes.Any(suffix => canonical.EndsWith(suffix, StringComparison.Ordinal));
        // What the name leads to is not known: the loopback address stands for the machine's own names, a public one for all others.
        return CheckOne(canonical, port, isLocal ? IPAddress.Loopback : Elsewhere);
    }

    /// <summary>The verdict on a proxy, which the operator named by host and port: anywhere but metadata addresses.</summary>
    public static AddressVerdict CheckProxy(string host, IReadOnlyList<IPAddress> addresses) =>
        addresses.Any(address => Metadata.Contains(Unwrap(address)))
            ? AddressVerdict.Refuse($"The proxy {host} leads to a metadata address of a cloud, which is never reached.")
            : AddressVerdict.Allow;

    /// <summary>Lower case, without brackets, scope and the dot of the root, so that two spellings of a host compare equal.</summary>
    public static string Canonical(string host)
    {
        host = host.TrimEnd('.').ToLowerInvariant();
        if (host is ['[', .., ']'])
            host = host[1..^1];
        return IPAddress.TryParse(host, out var address) ? address.ToString() : host;
    }

    /// <summary>The IPv4 address inside a mapped, compatible, translated, NAT64 or 6to4 form; other addresses as they are.</summary>
    public static IPAddress Unwrap(IPAddress address)
    {
        if (address.AddressFamily != AddressFamily.InterNetworkV6)
            return address;
        Span<byte> bytes = stackalloc byte[16];
        address.TryWriteBytes(bytes, out _);
        if (SixToFour.Contains(address))
            return new IPAddress(bytes[2..6]);
        // A network never contains a mapped address: the library compares it as IPv4.
        var carries = address.IsIPv4MappedToIPv6 || Translated.Contains(address) || Nat64.Contains(address)
            || (Compatible.Contains(address) && !address.Equals(IPAddress.IPv6Any) && !address.Equals(IPAddress.IPv6Loopback));
        return carries ? new IPAddress(bytes[12..]) : address;
    }

    private AddressVerdict CheckOne(string host, int port, IPAddress address)
    {
        var unwrapped = Unwrap(address);
        if (Metadata.Contains(unwrapped))
            return AddressVerdict.Refuse($"{host} leads to a metadata address of a cloud, which is never reached.");
        var exception = exceptions.FirstOrDefault(rule => rule.Covers(host, port, address, unwrapped));
        if (RefusedPorts.Contains(port) && !exceptions.Any(rule => rule.Port == port && rule.Covers(host, port, address, unwrapped)))
            return AddressVerdict.Refuse($"Port {port} is not one that files are fetched from. An operator can allow it under {EgressOptions.Section}:Allow.");
        if (exception is not null)
            return AddressVerdict.Allow;
        foreach (var network in RefusedNetworks)
        {
            if (network.Contains(unwrapped))
            {
                return AddressVerdict.Refuse(
                    $"{host} leads to the network {network}, which is private or reserved. An operator can allow it under {EgressOptions.Section}:Allow.");
            }
        }
        return AddressVerdict.Allow;
    }

    private static IEnumerable<IPNetwork> Networks(string list) => list.Split(' ').Select(IPNetwork.Parse);
}

/// <summary>Allowed, or a sentence that says why not.</summary>
internal readonly record struct AddressVerdict(bool Allowed, string Why)
{
    public static AddressVerdict Allow { get; } = new(Allowed: true, "");

    public static AddressVerdict Refuse(string why) => new(Allowed: false, why);
}

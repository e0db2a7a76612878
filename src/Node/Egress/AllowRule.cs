using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Net;

namespace Backhaul.Node.Egress;

/// <summary>One exception of the address policy: a host name or a network, with or without a port.</summary>
internal sealed record AllowRule
{
    private AllowRule()
    {
    }

    public string? Host { get; private init; }
    public IPNetwork? Network { get; private init; }
    public int? Port { get; private init; }

    /// <summary>One host at one port.</summary>
    public static AllowRule Of(string host, int port) => new() { Host = AddressPolicy.Canonical(host), Port = port };

    /// <summary>Reads <c>host</c>, <c>host:port</c> or <c>network/bits[:port]</c>; IPv6 hosts with a port stand in brackets.</summary>
    public static bool TryParse(string? text, [NotNullWhen(true)] out AllowRule? rule, out string why)
    {
        rule = null;
        why = "write host, host:port or network/bits[:port].";
        text = text?.Trim();
        if (string.IsNullOrEmpty(text))
            return false;
        var slash = text.IndexOf('/');
        if (slash >= 0)
            return TryParseNetwork(text, slash, out rule, out why);
        if (!TrySplitPort(text, out var host, out var port))
        {
            why = "the port must be a number from 1 to 65535.";
            return false;
        }
        host = AddressPolicy.Canonical(host);
        if (host.Length == 0 || Uri.CheckHostName(host) == UriHostNameType.Unknown)
        {
            why = $"\"{host}\" is not a host name or an address.";
            return false;
        }
        rule = new AllowRule { Host = host, Port = port };
        return true;
    }

    public bool Covers(string canonicalHost, int port, IPAddress address, IPAddress unwrapped) =>
        (Port is null || Port == port)
        && (Host is not null
            ? string.Equals(Host, canonicalHost, StringComparison.Ordinal)
            : Network!.Value.Contains(address) || Network.Value.Contains(unwrapped));

    private static bool TryParseNetwork(string text, int slash, [NotNullWhen(true)] out AllowRule? rule, out string why)
    {
        rule = null;
        why = "a network reads address/bits, such as 10.1.0.0/16 or fd00:1::/32, with the bits after the prefix zero.";
        int? port = null;
        var colon = text.IndexOf(':', slash);
        if (colon >= 0)
        {
            if (!TryParsePort(text.AsSpan(colon + 1), out var number))
            {
                why = "the port must be a number from 1 to 65535.";
                return false;
            }
            port = number;
            text = text[..colon];
        }
        text = text.Replace("[", "", StringComparison.Ordinal).Replace("]", "", StringComparison.Ordinal);
        // The library cuts the bits after the prefix off; who wrote them may have meant one address.
        if (!IPNetwork.TryParse(text, out var network) || !IPAddress.TryParse(text[..text.IndexOf('/')], out var written)
            || !written.Equals(network.BaseAddress))
        {
            return false;
        }
        rule = new AllowRule { Network = network, Port = port };
        return true;
    }

    private static bool TrySplitPort(string text, out string host, out int? port)
    {
        host = text;
        port = null;
        var colon = text.LastIndexOf(':');
        var bracket = text.LastIndexOf(']');
        // Without brackets, more than one colon is an IPv6 address and none of them starts a port.
        if (colon < 0 || colon < bracket || (bracket < 0 && text.IndexOf(':') != colon))
            return true;
        host = text[..colon];
        var valid = TryParsePort(text.AsSpan(colon + 1), out var number);
        port = number;
        return valid;
    }

    private static bool TryParsePort(ReadOnlySpan<char> text, out int port) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out port) && port is >= 1 and <= 65535;
}

using System.Net;

namespace Backhaul.Node.Routing.Peers;

/// <summary>This node among others. Bound from <c>Backhaul:Node</c>, checked at start by <see cref="Faults"/>; a node alone uses none of it but its name.</summary>
internal sealed record PeerOptions
{
    /// <summary>For people; the machine's name without it.</summary>
    public string? Name { get; init; }

    /// <summary>Where other nodes reach this one: http (HTTP/2 in clear, for a trusted network) or https. Needed in a cluster.</summary>
    public string? Url { get; init; }

    /// <summary>An address and port to listen on, when it is not that of <see cref="Url"/>: without it, the literal address of the URL, or any with its port.</summary>
    public string? Listen { get; init; }

    /// <summary>Commands on their way to one peer at once.</summary>
    public int CommandsMax { get; init; } = 256;

    /// <summary>Commands that wait for their turn to one peer; more are answered 429.</summary>
    public int WaitingMax { get; init; } = 1024;

    /// <summary>A peer is asked to answer this much before its caller gives up, at most a tenth of the time that is left.</summary>
    public TimeSpan AnswerMargin { get; init; } = TimeSpan.FromMilliseconds(200);

    /// <summary>A connection that is not there by then counts as refused.</summary>
    public TimeSpan ConnectMax { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>A silent connection with commands on it is probed after this long…</summary>
    public TimeSpan PingAfter { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>… and given up when the probe has no answer for this long.</summary>
    public TimeSpan PingMax { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>The largest command: a list of tasks as the client edge takes it, in the form between nodes.</summary>
    public int CommandBytesMax { get; init; } = 8 * 1024 * 1024;

    /// <summary>Commands that are being read and are not known yet to come from a peer hold at most this together; more are answered 429.</summary>
    public long UnadmittedBytesMax { get; init; } = 64 * 1024 * 1024;

    /// <summary>The largest answer of a peer.</summary>
    public int AnswerBytesMax { get; init; } = 32 * 1024 * 1024;

    /// <summary>A subscription whose session is elsewhere looks for news this often while no relay stands, and for the session's owner while one does.</summary>
    public TimeSpan FeedPoll { get; init; } = TimeSpan.FromSeconds(3);

    /// <summary>A relay with nothing to say says so this often; one that is silent for three of these is given up.</summary>
    public TimeSpan FeedBeat { get; init; } = TimeSpan.FromSeconds(2);

    /// <summary>Relays that other nodes may hold here; more are refused, and those nodes poll.</summary>
    public int FeedsMax { get; init; } = 10_000;

    public IEnumerable<string> Faults()
    {
        if (Url is not null && !TryReadUrl(Url, out _))
            yield return $"Backhaul:Node:Url is {Url}. Write where other nodes reach this one, such as http://10.0.0.7:5090, with nothing after the port.";
        if (Listen is not null && !IPEndPoint.TryParse(Listen, out _))
            yield return $"Backhaul:Node:Listen is {Listen}. Write an address and a port, such as 0.0.0.0:5090, or leave it out.";
        if (CommandsMax < 1 || WaitingMax < 0 || FeedsMax < 1)
            yield return "Backhaul:Node:CommandsMax and FeedsMax must be at least 1, and WaitingMax not negative.";
        if (AnswerMargin < TimeSpan.Zero)
            yield return "Backhaul:Node:AnswerMargin must not be negative.";
        if (ConnectMax <= TimeSpan.Zero || PingAfter < TimeSpan.FromSeconds(1) || PingMax < TimeSpan.FromSeconds(1))
            yield return "Backhaul:Node: ConnectMax must be above 0, and PingAfter and PingMax at least 1 s.";
        if (CommandBytesMax < 4 * 1024 * 1024 || AnswerBytesMax < CommandBytesMax)
            yield return "Backhaul:Node:CommandBytesMax must be at least 4194304, and AnswerBytesMax at least as much.";
        if (UnadmittedBytesMax < CommandBytesMax)
            yield return "Backhaul:Node:UnadmittedBytesMax must be at least CommandBytesMax.";
        if (FeedPoll < TimeSpan.FromMilliseconds(100) || FeedPoll > TimeSpan.FromMinutes(1) || FeedBeat < TimeSpan.FromMilliseconds(100) || FeedBeat > TimeSpan.FromMinutes(1))
            yield return "Backhaul:Node:FeedPoll and FeedBeat must lie between 100 ms and 1 minute.";
    }

    /// <summary>Where the node edge listens.</summary>
    public IPEndPoint ListenPoint() =>
        Listen is not null ? IPEndPoint.Parse(Listen)
        : TryReadUrl(Url, out var url) ? new IPEndPoint(IPAddress.TryParse(url.DnsSafeHost, out var literal) ? literal : IPAddress.IPv6Any, url.Port)
        : throw new InvalidOperationException("A node of a cluster needs Backhaul:Node:Url.");

    public bool IsHttps => TryReadUrl(Url, out var url) && url.Scheme == Uri.UriSchemeHttps;

    private static bool TryReadUrl(string? text, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out Uri? url) =>
        Uri.TryCreate(text, UriKind.Absolute, out url) && (url.Scheme == Uri.UriSchemeHttp || url.Scheme == Uri.UriSchemeHttps)
        && url.PathAndQuery == "/" && url.UserInfo.Length == 0 && url.Fragment.Length == 0;
}

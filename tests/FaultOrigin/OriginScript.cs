using System.Globalization;

namespace Backhaul.FaultOrigin;

/// <summary>
/// What a URL's query asks the origin to do. Misbehaviours apply to the first <c>times</c> requests of that URL (default: to all);
/// what the content is (<c>etag lm ranges version change</c>) applies always.
/// <code>
/// etag=strong|weak|none|TEXT   lm=old|recent|none   ranges=yes|no|none   change=K (other content and tag after K requests)
/// status=N  retry-after=TEXT   redirect=URL|self    headers=BYTES (of padding)   delay=MS  hang=1 (no head ever)
/// framing=length|chunked|close|double|both|junk     encoding=gzip
/// cut=N reset=N stall=N (close, reset, fall silent after N body bytes)           rate=BYTES/S   drip=MS (per byte)
/// partial=start|total|unit|multipart|noetag|etag|short|bare|junk  (how a range is answered wrongly)   unasked=1 (206 without Range)
/// ignore-if-range=1   total416=N   extra=N (bytes after the body)   location=TEXT (as it is, with status)
/// uploads: early=STATUS (answer before the body, then close)  lose=end|N (close without an answer after the body, after N bytes)
///          continue=yes|no|417
/// </code>
/// </summary>
public sealed class OriginScript
{
    private readonly Dictionary<string, string> _values = new(StringComparer.Ordinal);

    private OriginScript()
    {
    }

    /// <summary>False once the misbehaviour was shown often enough.</summary>
    public bool Misbehaves { get; private init; }

    public static OriginScript Parse(string query, int nth)
    {
        var values = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var pair in query.Split('&', StringSplitOptions.RemoveEmptyEntries))
        {
            var equals = pair.IndexOf('=');
            values[Uri.UnescapeDataString(equals < 0 ? pair : pair[..equals])] = equals < 0 ? "1" : Uri.UnescapeDataString(pair[(equals + 1)..]);
        }
        var times = values.TryGetValue("times", out var text) ? int.Parse(text, CultureInfo.InvariantCulture) : int.MaxValue;
        var script = new OriginScript { Misbehaves = nth <= times };
        foreach (var (name, value) in values)
            script._values[name] = value;
        return script;
    }

    /// <summary>Of the content: applies always.</summary>
    public string? Always(string name) => _values.GetValueOrDefault(name);

    /// <summary>Of a misbehaviour.</summary>
    public string? Fault(string name) => Misbehaves ? _values.GetValueOrDefault(name) : null;

    public long? FaultNumber(string name) => Fault(name) is { } text ? long.Parse(text, CultureInfo.InvariantCulture) : null;
}

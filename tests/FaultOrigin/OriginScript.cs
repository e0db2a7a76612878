using System.Globalization;

namespace Backhaul.FaultOrigin;

/// <summary>What a URL's query asks the origin to do; <see cref="Words"/> is the whole vocabulary.</summary>
public sealed class OriginScript
{
    /// <summary>The words of a query, for people.</summary>
    public const string Words =
        """
        What the content is (applies always):
          etag=strong|weak|none|TEXT   lm=old|recent|none   ranges=yes|no (not spoken of, ignored)|none (said and ignored)
          change=K            other content and another tag after K requests        ignore-if-range=1
          What has not changed by If-None-Match or If-Modified-Since is answered 304.
        When the rest applies (counted for each path and query):
          after=K             the first K requests are answered well ...
          lead=cut:N|reset:N|stall:N    ... but their bodies end so after N bytes
          times=N             only N requests are answered badly
        Before the head:
          delay=MS            hang=1 (no head ever)       drop=close|reset|half|junk (no head, half of one, something else)
          reuse=drop          closed without an answer unless it is the first request of its connection
          refused=1           HTTP/2: RST_STREAM with REFUSED_STREAM      goaway=refuse  HTTP/2: GOAWAY, this stream was not taken
        The head:
          status=N            retry-after=TEXT|date:SECONDS    location=TEXT (as it is, with status)
          redirect=URL|self   auth=basic|digest|bearer|proxy   headers=BYTES (of padding)   encoding=gzip
          framing=length|chunked|badchunk|close (no length)|double|both|junk|long|short (Content-Length)
          partial=start|total|star|unit|multipart|noetag|etag|short|bare|junk|ok200|416    how a range is answered wrongly
          unasked=1           206 without Range           total416=N
        The body:
          cut=N|reset=N|stall=N    close, reset (HTTP/2: RST_STREAM with code=C), fall silent after N bytes
          rate=BYTES/S        drip=MS (per byte)          endless=1          extra=N (bytes after the body)
          goaway=N            HTTP/2: GOAWAY after N bytes, and the body goes on
          unended=1           closed after the last byte without saying that it was the last (chunks, HTTP/2)
          idle=close          the connection is closed after the answer, without a word
        Uploads:
          early=STATUS (answer before the body, then close)  lose=end|N (close without an answer after the body, after N bytes)
          continue=yes|no|417
          answer=N|none|half|chunked:N   the body of the answer: N bytes, none, broken off in its middle, N bytes in one chunk
        """;

    private static readonly string[] Breaks = ["cut", "reset", "stall"];

    private readonly Dictionary<string, string> _values = new(StringComparer.Ordinal);

    private OriginScript()
    {
    }

    /// <summary>False once the misbehaviour was shown often enough.</summary>
    public bool Misbehaves { get; private init; }

    /// <summary>One of the requests before the misbehaviour begins.</summary>
    public bool Leads { get; private init; }

    /// <summary>Where the body breaks off, and how: <c>cut reset stall</c>.</summary>
    public (string Kind, long At)? Break
    {
        get
        {
            if (Leads && Always("lead") is { } lead)
            {
                var colon = lead.IndexOf(':');
                return (lead[..colon], long.Parse(lead.AsSpan(colon + 1), CultureInfo.InvariantCulture));
            }
            foreach (var kind in Breaks)
            {
                if (FaultNumber(kind) is { } at)
                    return (kind, at);
            }
            return null;
        }
    }

    public static OriginScript Parse(string query, int nth)
    {
        var values = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var pair in query.Split('&', StringSplitOptions.RemoveEmptyEntries))
        {
            var equals = pair.IndexOf('=');
            values[Uri.UnescapeDataString(equals < 0 ? pair : pair[..equals])] = equals < 0 ? "1" : Uri.UnescapeDataString(pair[(equals + 1)..]);
        }
        var after = values.TryGetValue("after", out var first) ? int.Parse(first, CultureInfo.InvariantCulture) : 0;
        var times = values.TryGetValue("times", out var text) ? long.Parse(text, CultureInfo.InvariantCulture) : int.MaxValue;
        var script = new OriginScript { Misbehaves = nth > after && nth <= after + times, Leads = nth <= after };
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
